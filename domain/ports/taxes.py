"""The store of what an operator says of his VAT, and the register that VAT ids are checked with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.invoicing.tax_rules import TaxRules, VatIdCheck


class TaxStore(Protocol):
    """The operator's rules, and what was said of VAT ids."""

    async def rules(self) -> TaxRules:
        """Return the rules; those that come with the system (version 0) where none were set."""
        ...

    async def put(self, rules: TaxRules) -> TaxRules:
        """Keep rules whose version is the one that was read. Refuses with: Stale."""
        ...

    async def checks(self, vat_ids: Sequence[str]) -> Mapping[str, VatIdCheck]:
        """Return the last check of each VAT id that was checked."""
        ...

    async def add_check(self, check: VatIdCheck) -> None:
        """Keep what a register said."""
        ...


class VatRegister(Protocol):
    """The register of VAT ids, such as VIES."""

    async def ask(self, vat_id: str, *, own: str) -> VatIdCheck:
        """Return what it says of a VAT id now, asked by somebody with his ``own``.

        Refuses with: WrongState (it cannot be reached, or has no answer now).
        """
        ...
