"""ISO 20022 pain.008 (customer direct debit initiation) that we send: .001.02 and .001.08, CORE and B2B.

EPC SEPA Direct Debit guidelines: one batch for each collection date and sequence; a bank without a BIC is
``NOTPROVIDED``; the creditor is named by his SEPA identifier. Written so that the schemas of both versions hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final

from stdnum import iban
from stdnum.exceptions import ValidationError

from domain.payments.orders import Batch, Creditor, Debit, Scheme, whole
from domain.refusal import BadValue
from integrations.payments.xml_tree import Node, document, money, short

VERSIONS: Final = {"02": "pain.008.001.02", "08": "pain.008.001.08"}
_INSTRUMENTS: Final = {Scheme.SEPA_CORE: "CORE", Scheme.SEPA_B2B: "B2B"}
_SEQUENCES: Final = ("FRST", "RCUR", "OOFF", "FNAL")


def write(batch: Batch, *, scheme: Scheme = Scheme.SEPA_CORE, version: str = "08") -> bytes:
    """Write direct debits in euro. Refuses with: BadValue (a field that does not fit, no debit at all)."""
    creditor = batch.creditor
    creditor.need("creditor_id", "iban")
    if version not in VERSIONS:
        raise BadValue("there are the versions {listed}", listed=", ".join(VERSIONS), field="version")
    if not batch.debits:
        raise BadValue("a message of direct debits has at least one", field="orders")
    for debit in batch.debits:
        _check(debit)
    named = message_id(creditor, batch, f"D{version}" if scheme is Scheme.SEPA_CORE else f"B{version}")
    ordered = sorted(batch.debits, key=lambda one: (one.due_on, one.sequence))
    parts = [list(part) for _, part in groupby(ordered, key=lambda one: (one.due_on, one.sequence))]
    root: Node = (
        "CstmrDrctDbtInitn",
        [
            ("GrpHdr", header(batch, named, total(batch.debits), len(batch.debits))),
            *(
                ("PmtInf", _part(part, batch, f"{named}-{number}", scheme, version))
                for number, part in enumerate(parts, 1)
            ),
        ],
    )
    return document(VERSIONS[version], root)


def message_id(creditor: Creditor, batch: Batch, series: str) -> str:
    """Return the message's name, 35 characters at most. Files are numbered in each ``series`` for itself."""
    letters = "".join(letter for letter in creditor.name if letter.isascii() and letter.isalnum())[:10]
    return f"{letters or 'TW'}-{batch.made_at:%y%m%d}-{series}-{batch.number}"


def header(batch: Batch, named: str, sum_: Decimal, count: int) -> list[Node]:
    """Return the group header of a message."""
    return [
        ("MsgId", named),
        ("CreDtTm", f"{batch.made_at:%Y-%m-%dT%H:%M:%S}"),
        ("NbOfTxs", str(count)),
        ("CtrlSum", f"{sum_:.2f}"),
        ("InitgPty", [("Nm", short(batch.creditor.name, 70))]),
    ]


def total(orders: Sequence[Debit]) -> Decimal:
    """Return what the orders come to."""
    return sum((one.amount for one in orders), Decimal(0))


def bank(bic: str, version: str) -> list[Node]:
    """Return a bank by its BIC, or as not provided; the element has another name in the older version."""
    if bic:
        return [("FinInstnId", [("BIC" if version in {"02", "03"} else "BICFI", bic)])]
    return [("FinInstnId", [("Othr", [("Id", "NOTPROVIDED")])])]


def checked_iban(text: str, field: str) -> str:
    """Return an IBAN in compact form. Refuses with: BadValue."""
    try:
        return str(iban.validate(text))
    except ValidationError:
        raise BadValue("{text!r} is no IBAN", text=text, field=field) from None


def _check(debit: Debit) -> None:
    if debit.currency != "EUR":
        raise BadValue("a SEPA direct debit is in EUR, not {currency}", currency=debit.currency, field="currency")
    whole(debit.amount, most=11)
    if debit.sequence not in _SEQUENCES:
        raise BadValue("a sequence is one of {listed}", listed=", ".join(_SEQUENCES), field="sequence")
    if not 1 <= len(debit.payer_number) <= 35:
        raise BadValue("a mandate's reference has 1 to 35 characters", field="payerNumber")
    if debit.signed_on is None:
        raise BadValue("a SEPA mandate has the date it was signed", field="signedOn")
    if not debit.name.strip():
        raise BadValue("a SEPA direct debit names its payer", field="name")
    if not 1 <= len(debit.key) <= 35:
        raise BadValue("an order's key has 1 to 35 characters", field="key")


def _part(part: Sequence[Debit], batch: Batch, named: str, scheme: Scheme, version: str) -> list[Node]:
    creditor, first = batch.creditor, part[0]
    identified: Node = (
        "CdtrSchmeId",
        [
            (
                "Id",
                [("PrvtId", [("Othr", [("Id", creditor.creditor_id or ""), ("SchmeNm", [("Prtry", "SEPA")])])])],
            )
        ],
    )
    return [
        ("PmtInfId", named),
        ("PmtMtd", "DD"),
        ("BtchBookg", "true"),
        ("NbOfTxs", str(len(part))),
        ("CtrlSum", f"{total(part):.2f}"),
        (
            "PmtTpInf",
            [
                ("SvcLvl", [("Cd", "SEPA")]),
                ("LclInstrm", [("Cd", _INSTRUMENTS[scheme])]),
                ("SeqTp", first.sequence),
            ],
        ),
        ("ReqdColltnDt", first.due_on.isoformat()),
        ("Cdtr", [("Nm", short(creditor.name, 70))]),
        ("CdtrAcct", [("Id", [("IBAN", checked_iban(creditor.iban or "", "iban"))])]),
        ("CdtrAgt", bank(creditor.bic or "", version)),
        ("ChrgBr", "SLEV"),
        identified,
        *(("DrctDbtTxInf", _debit(one, version)) for one in part),
    ]


def _debit(one: Debit, version: str) -> list[Node]:
    assert one.signed_on is not None
    signed: list[Node] = [("MndtId", one.payer_number), ("DtOfSgntr", one.signed_on.isoformat())]
    told = short(" ".join(part for part in (one.reference, *one.text) if part), 140)
    return [
        ("PmtId", [("EndToEndId", one.key)]),
        money("InstdAmt", one.amount, one.currency),
        ("DrctDbtTx", [("MndtRltdInf", signed)]),
        ("DbtrAgt", bank(one.bic, version)),
        ("Dbtr", [("Nm", short(one.name, 70))]),
        ("DbtrAcct", [("Id", [("IBAN", checked_iban(one.account, "account"))])]),
        ("RmtInf", [("Ustrd", told)]),
    ]
