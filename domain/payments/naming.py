"""The names that one payment may be known by in another telling: its references and what bank and payer called it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.payments.allocating import forms_of

_NAMES: Final = ("bank_ref", "original_ref", "end_to_end", "tx_id", "instr_id")
_SAYS_NOTHING: Final = frozenset({"NOTPROVIDED", "NONREF", "", "0"})


def names_of(record: Mapping[str, Any]) -> set[str]:
    """Return the names of a neutral record."""
    found = {form for reference in record["references"] for form in forms_of(reference["ref"])}
    found |= {str(record[name]) for name in _NAMES if record.get(name)}
    if (mandate := record.get("mandate_id")) is not None:
        found.add(f"mandate {mandate}")
    if number := record["payer"].get("payer_number"):
        found.add(f"payer {number}")
    return {name for name in found if name.strip("0") and name not in _SAYS_NOTHING}
