"""MT940, SWIFT's customer statement, with the German structured ``:86:`` where a bank writes it. Legacy, for SEPA.

SWIFT Standards MT, Category 9. The tags are taken apart by the library ``mt940``; the balances it does not check are
checked here: opening and entries make the closing balance, or a person must look.
"""

from __future__ import annotations

import logging
import re
from decimal import Decimal
from typing import Any, Final

import mt940

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import decode

NAME: Final = "mt940"
# The library writes what it cannot read, payers' names too, to the log; the refusal says what is to be said.
logging.getLogger("mt940").setLevel(logging.CRITICAL)
_NO_REFERENCE: Final = "NONREF"
_LOWERS: Final = frozenset({"D", "RC"})
_CODE: Final = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|ORDP|BENM|CNTP|PREF|PURP|ULTD|ULTB|RTRN|SVCL|INIC|ISDT|ID|ADDR)/"
)
_SAYS_NOTHING: Final = frozenset({"NOTPROVIDED", "NONREF"})
_TAG: Final = re.compile(rb"^:(20|25|28C?|60[FM]):", re.MULTILINE)
_ENTRY: Final = re.compile(rb"^:61:", re.MULTILINE)


def recognises(data: bytes) -> bool:
    """Tell whether it has the tags that a statement begins with."""
    return len(set(_TAG.findall(data[:8192].replace(b"\r", b"")))) >= 3


def read(data: bytes) -> PaymentFile:
    """Read a file of statements, one a page. Refuses with: Unreadable (an unreadable tag, no closing balance)."""
    text = decode(data)
    try:
        parsed = mt940.parse_statements(text)
    except (RuntimeError, ValueError, ArithmeticError, AssertionError, KeyError, AttributeError) as wrong:
        raise Unreadable(
            "not a readable MT940 statement: {wrong}; nothing was taken from the file", wrong=wrong
        ) from None
    statements: list[dict[str, Any]] = []
    records: list[PaymentRecord] = []
    attention: list[str] = []
    for number, statement in enumerate(parsed, 1):
        told = _statement(number, statement)
        statements.append(told)
        if not told["balance_ok"]:
            attention.append(
                f"statement {number}: opening balance {told['opening']} and {told['entries']} entries do not make the "
                f"closing balance {told['closing']}: an entry is missing or changed"
            )
        records.extend(_record(number, told, one.data) for one in statement.transactions)
    if len(records) != (entries := len(_ENTRY.findall(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")))):
        raise Unreadable(
            "{entries} entries (:61:), of which {count} could be read; nothing was taken from the file",
            entries=entries,
            count=len(records),
        )
    file_id = [
        {"account": told["account"], "statement": told["statement"], "date": _closing_date(one)}
        for told, one in zip(statements, parsed, strict=True)
    ]
    return PaymentFile(
        format=NAME,
        file_id=file_id,
        totals={"entries": len(records)},
        records=tuple(records),
        attention=tuple(attention),
        summary={"statements": statements},
    )


def _statement(number: int, statement: Any) -> dict[str, Any]:
    head = statement.data
    opening = head.get("final_opening_balance") or head.get("intermediate_opening_balance")
    closing = head.get("final_closing_balance") or head.get("intermediate_closing_balance")
    if opening is None or closing is None:
        raise Unreadable(
            "statement {number}: no {value} balance; nothing was taken",
            number=number,
            value="opening" if opening is None else "closing",
        )
    begins, ends = opening.amount.amount, closing.amount.amount
    moved = sum((_moved(one.data) for one in statement.transactions), Decimal(0))
    return {
        "no": number,
        "account": head.get("account_identification"),
        "statement": head.get("statement_number"),
        "opening": f"{begins:f}",
        "closing": f"{ends:f}",
        "entries": len(statement.transactions),
        "balance_ok": begins + moved == ends,
    }


def _moved(entry: dict[str, Any]) -> Decimal:
    """Return what an entry moved the balance by: a debit, or a credit that is taken back, lowers it."""
    amount: Decimal = abs(entry["amount"].amount)
    return -amount if entry["status"] in _LOWERS else amount


def _closing_date(statement: Any) -> str | None:
    head = statement.data
    closing = head.get("final_closing_balance") or head.get("intermediate_closing_balance")
    return _iso(closing.date) if closing else None


def _record(number: int, statement: dict[str, Any], entry: dict[str, Any]) -> PaymentRecord:
    moved, status = _moved(entry), entry["status"]
    said = _coded(entry.get("transaction_details") or "")
    date, value = entry.get("entry_date") or entry["date"], entry["date"]
    details = {
        "statement_no": number,
        "value_date": _iso(value),
        "sign": status,
        "swift_code": entry.get("id"),
        "end_to_end": entry.get("end_to_end_reference"),
        "mandate_id": said.get("MARF") or entry.get("additional_position_reference"),
        "tx_id": said.get("EREF"),
        "counter_account": said.get("IBAN") or said.get("CNTP"),
        "counter_name": said.get("NAME"),
    }
    kind = Kind.RETURN if status.startswith("R") else Kind.PAYMENT if status == "C" else Kind.OTHER
    return PaymentRecord(
        kind=kind,
        amount=abs(moved),
        currency=entry.get("currency") or entry["amount"].currency,
        date=date,
        references=(*_references(entry), *_structured(said)),
        payer={"name": name} if (name := _joined(entry.get("applicant_name"))) else {},
        receiver_account=statement["account"],
        bank_ref=entry.get("bank_reference") or None,
        text=tuple(text for text in [_text(entry)] if text),
        status=status,
        details=details,
    )


def _coded(text: str) -> dict[str, str]:
    """Return what stands behind the words of ``:86:`` between strokes (``/EREF/…/IBAN/…/NAME/…/REMI/…``), if it does.

    So write ABN AMRO, ING, Rabobank and others. Of parties and remittances only the first field says something here.
    """
    plain = text.replace("\n", "")
    found = list(_CODE.finditer(plain)) if plain.startswith("/") else []
    if not found:
        return {}
    ends = [*(one.start() for one in found[1:]), len(plain)]
    told = {one[1]: plain[one.end() : end].strip("/ ") for one, end in zip(found, ends, strict=True)}
    if "CNTP" in told:  # account, BIC, name, city
        account, _, rest = told["CNTP"].partition("/")
        told |= {"CNTP": account, "NAME": told.get("NAME") or "".join(rest.split("/")[1:2])}
    return {code: value for code, value in told.items() if value and value not in _SAYS_NOTHING}


def _structured(said: dict[str, str]) -> tuple[Reference, ...]:
    """Return the creditor's reference of a structured remittance: ``STRD/CUR/…`` or ``STRD/ISO/…``."""
    parts = said.get("REMI", "").split("/")
    if parts[0] != "STRD" or not (ref := parts[-1].strip()) or len(parts) < 2:
        return ()
    return (Reference(ref=ref, type="structured"),)


def _iso(date: Any) -> str | None:
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}" if date else None


def _joined(text: str | None) -> str | None:
    return " ".join(text.split("\n")) if text else None


def _references(entry: dict[str, Any]) -> tuple[Reference, ...]:
    text = entry.get("customer_reference")
    return (Reference(ref=text, type="customer"),) if text and text != _NO_REFERENCE else ()


def _text(entry: dict[str, Any]) -> str | None:
    return _joined(entry.get("purpose") or entry.get("transaction_details"))
