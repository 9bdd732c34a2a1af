"""What makes a payment file and a payment the same as one that came before.

Three guards, each for itself: the bytes (SHA-256, kept with the file), the file's own name among its sender's files,
and each payment by what it says, with a count for true twins within one file. A bank that sends a copy in another order
has other bytes and often another file name: then the third guard holds.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord

# What a bank may change between two tellings of the same payment, or what names the telling and not the payment.
_OF_THE_TELLING: Final = frozenset({"statement_no", "entry_no", "entry_amount", "deposit_serial", "statement_serial"})
_OF_THE_TELLING_TOO: Final = frozenset({"transaction_no", "count", "note", "entry_text"})
# What is read out of what is told besides: who reads more of it than before knows a payment again all the same.
_READ_OUT: Final = {
    "camt053": frozenset({"deducted"}),
    "camt054": frozenset({"deducted"}),
    "fi_tito": frozenset({"original_ref"}),
    "mt940": frozenset({"mandate_id", "tx_id", "counter_account", "counter_name"}),
}


def file_key(file: PaymentFile) -> str:
    """Return what names the file among all files of its format, as short text.

    Formats whose header names little but a day are told apart by what stands beside it: the first payment's archive id
    (KTL), the serial numbers of the sections (Autogiro).
    """
    first = file.records[0].as_dict() if file.records else {}
    beside = {"fi_ktl": first.get("bank_ref"), "autogiro": file.totals}.get(file.format)
    named: Any = [file.file_id, beside]
    return f"{file.format}:{_digest(named)}"


def identities(file: PaymentFile) -> list[str]:
    """Return each record's identity, in the order of the records; equal ones are counted within the file."""
    met: Counter[str] = Counter()
    found = []
    for record in file.records:
        print_ = _digest(_fingerprint(record, _READ_OUT.get(file.format, frozenset())))
        met[print_] += 1
        found.append(f"{file.format}:{print_}:{met[print_]}")
    return found


def repeated(records: int, known: int) -> bool:
    """Tell whether a file tells again what another told: of several records at least half are known.

    A single one that is like an earlier one may be money of its own: twins that one bank tells in two files.
    """
    return records > 1 and 2 * known >= records


def is_copy(file: PaymentFile) -> bool:
    """Tell whether a file says of itself that it is a copy (``CpyDplctInd``)."""
    return isinstance(file.file_id, dict) and bool(file.file_id.get("copy"))


def nameless(record: PaymentRecord) -> bool:
    """Tell whether money that came in has no name of the bank's or the payer's own, that two payments cannot share."""
    said = record.details
    return record.kind is Kind.PAYMENT and not any(
        (record.bank_ref or "", said.get("tx_id"), said.get("end_to_end") not in {None, "", "NOTPROVIDED"})
    )


def _fingerprint(record: PaymentRecord, read_out: frozenset[str]) -> dict[str, Any]:
    told = record.as_dict()
    return {key: told[key] for key in sorted(told.keys() - _OF_THE_TELLING - _OF_THE_TELLING_TOO - read_out)}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
