"""ISO 20022 pain.001 (customer credit transfer initiation) that we send: refunds, .001.03 and .001.09."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final

from domain.payments.orders import Batch, Payout, digits, whole
from domain.refusal import BadValue
from integrations.payments.pain008_orders import bank, checked_iban, header, message_id
from integrations.payments.xml_tree import Node, document, money, short

VERSIONS: Final = {"03": "pain.001.001.03", "09": "pain.001.001.09"}
_PROPRIETARY: Final = {"BGNR", "BBAN"}


def write(batch: Batch, *, version: str = "09") -> bytes:
    """Write refunds, one batch for each day and currency. Refuses with: BadValue (a field that does not fit)."""
    batch.creditor.need("iban")
    if version not in VERSIONS:
        raise BadValue("there are the versions {listed}", listed=", ".join(VERSIONS), field="version")
    if not batch.payouts:
        raise BadValue("a message of payments has at least one", field="orders")
    named = message_id(batch.creditor, batch, f"R{version}")
    ordered = sorted(batch.payouts, key=lambda one: (one.on, one.currency))
    parts = [list(part) for _, part in groupby(ordered, key=lambda one: (one.on, one.currency))]
    body: list[Node] = [
        ("PmtInf", _part(part, batch, f"{named}-{number}", version)) for number, part in enumerate(parts, 1)
    ]
    root: Node = (
        "CstmrCdtTrfInitn",
        [("GrpHdr", header(batch, named, _total(batch.payouts), len(batch.payouts))), *body],
    )
    return document(VERSIONS[version], root)


def _total(payouts: Sequence[Payout]) -> Decimal:
    return sum((one.amount for one in payouts), Decimal(0))


def _part(part: Sequence[Payout], batch: Batch, named: str, version: str) -> list[Node]:
    creditor, first = batch.creditor, part[0]
    sepa = first.currency == "EUR"
    on: Node = ("ReqdExctnDt", [("Dt", first.on.isoformat())] if version == "09" else first.on.isoformat())
    return [
        ("PmtInfId", named),
        ("PmtMtd", "TRF"),
        ("NbOfTxs", str(len(part))),
        ("CtrlSum", f"{_total(part):.2f}"),
        ("PmtTpInf", [("SvcLvl", [("Cd", "SEPA" if sepa else "NURG")])]),
        on,
        ("Dbtr", [("Nm", short(creditor.name, 70))]),
        ("DbtrAcct", [("Id", [("IBAN", checked_iban(creditor.iban or "", "iban"))])]),
        ("DbtrAgt", bank(creditor.bic or "", version)),
        ("ChrgBr", "SLEV"),
        *(("CdtTrfTxInf", _payout(one, version)) for one in part),
    ]


def _payout(one: Payout, version: str) -> list[Node]:
    whole(one.amount, most=13)
    if not 1 <= len(one.key) <= 35:
        raise BadValue("an order's key has 1 to 35 characters", field="key")
    if not one.name.strip():
        raise BadValue("a refund names who gets it", field="name")
    return [
        ("PmtId", [("InstrId", one.key), ("EndToEndId", one.key)]),
        ("Amt", [money("InstdAmt", one.amount, one.currency)]),
        ("CdtrAgt", bank(one.bic, version) if one.bic else None),
        ("Cdtr", [("Nm", short(one.name, 70))]),
        ("CdtrAcct", [("Id", _account(one))]),
        ("RmtInf", [("Ustrd", short(one.text, 140))]),
    ]


def _account(one: Payout) -> list[Node]:
    if one.scheme == "IBAN":
        return [("IBAN", checked_iban(one.account, "account"))]
    if one.scheme not in _PROPRIETARY:
        raise BadValue("an account is an IBAN, BGNR or BBAN", field="scheme")
    named: Node = ("SchmeNm", [("Prtry", "BGNR")] if one.scheme == "BGNR" else [("Cd", "BBAN")])
    digits(one.account, 30, "account")
    return [("Othr", [("Id", one.account), named])]
