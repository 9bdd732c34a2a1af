"""ISO 20022 camt.053 (statement) and camt.054 (notification), versions .02, .04, .06 and .08.

Bank-to-Customer Cash Management, message definition reports; the Swedish, Norwegian, Finnish and SEPA shapes. Every
detail (``TxDtls``) is a record; an entry without details is one. Only what is booked (``BOOK``) is money; what is
pending keeps its status and is never posted. An entry whose details do not add up to it is told, for a person to see.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from domain.payments.record import Kind, PaymentFile, PaymentRecord, Reference
from domain.refusal import Unreadable
from integrations.payments.fixed import differ
from integrations.payments.iso20022 import Branch, amount, date, first, namespace_of, stream, texts

VERSIONS: Final = ("02", "04", "06", "08")
_STATEMENT: Final = {"camt.053": "Stmt", "camt.054": "Ntfctn"}
_RETURNS: Final = frozenset({"UPDD", "RRTN", "PRDD"})
_LISTS: Final = frozenset({"Strd", "Chrgs", "Rcrd"})
_YES: Final = frozenset({"true", "1"})
# What may stand in RtrInf: one of them says that the payment came back.
_RETURNED: Final = frozenset(
    {
        *("RtrInf", "RtrInf/Rsn", "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/AddtlInf", "RtrInf/Orgtr/Nm"),
        *("RtrInf/OrgnlBkTxCd/Domn/Cd", "RtrInf/OrgnlBkTxCd/Prtry/Cd", "RtrInf/Orgtr/Id/OrgId/BICOrBEI"),
        *("RtrInf/Orgtr/Id/OrgId/AnyBIC", "RtrInf/Orgtr/Id/OrgId/Othr/Id"),
    }
)


@dataclass(slots=True)
class _Statement:
    """One account's statement or notification, as far as it has been read."""

    tag: str
    account: str | None = None
    currency: str | None = None
    entries: int = 0
    balances: list[tuple[dict[str, Any], Decimal]] = field(default_factory=list)
    summary: Branch = field(default_factory=dict)
    sums: dict[str, Decimal] = field(default_factory=lambda: {"CRDT": Decimal(0), "DBIT": Decimal(0)})
    counts: dict[str, int] = field(default_factory=lambda: {"CRDT": 0, "DBIT": 0})


@dataclass(slots=True)
class _Run:
    message: str
    tag: str
    header: Branch = field(default_factory=dict)
    statements: list[dict[str, Any]] = field(default_factory=list)
    records: list[PaymentRecord] = field(default_factory=list)
    differing: list[dict[str, Any]] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)
    details: list[Branch] = field(default_factory=list)
    current: _Statement = field(init=False)

    def __post_init__(self) -> None:
        self.current = _Statement(self.tag)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What all details of an entry share."""

    branch: Branch
    where: str
    number: int
    amount: Decimal
    currency: str | None
    sign: str
    status: str | None
    booked: dt.date | None
    value: dt.date | None


def recognises_053(data: bytes) -> bool:
    """Tell whether it is a statement."""
    return (namespace_of(data) or "").startswith("camt.053")


def recognises_054(data: bytes) -> bool:
    """Tell whether it is a notification."""
    return (namespace_of(data) or "").startswith("camt.054")


def read_053(data: bytes) -> PaymentFile:
    """Read a statement. Refuses with: Unreadable."""
    return _read(data, "camt.053")


def read_054(data: bytes) -> PaymentFile:
    """Read a debit and credit notification. Refuses with: Unreadable."""
    return _read(data, "camt.054")


def _read(data: bytes, kind: str) -> PaymentFile:
    message = namespace_of(data)
    known = [f"{kind}.001.{version}" for version in VERSIONS]
    if message not in known:
        raise Unreadable(
            "not a message of {listed} but {value}", listed=", ".join(known), value=message or "another kind of file"
        )
    run = _Run(message, _STATEMENT[kind])
    within = {"Acct": run.tag, "Bal": run.tag, "TxsSummry": run.tag, "Ntry": run.tag, "TxDtls": "NtryDtls"}
    for name, branch in stream(data, message, {"GrpHdr": None, run.tag: None, **within}, _LISTS):
        _take(run, name, branch)
    attention = run.attention + [
        f"statement {one['statement']}, entry {one['entry']}: the entry has {one['entry_amount']}, its details make "
        f"{one['sum_of_details']}"
        for one in run.differing
    ]
    return PaymentFile(
        format=kind.replace(".", ""),
        file_id={"msg_id": run.header.get("MsgId"), "created": run.header.get("CreDtTm")}
        | ({"copy": copied} if (copied := run.header.get("CpyDplctInd")) else {}),
        totals={"entries": sum(one["entries"] for one in run.statements)},
        records=tuple(run.records),
        attention=tuple(attention),
        summary={"version": message, "statements": run.statements, "detail_sum_differs": run.differing},
    )


def _take(run: _Run, name: str, branch: Branch) -> None:
    """Take one element as it ends."""
    match name:
        case "TxDtls":
            run.details.append(branch)
        case "Ntry":
            _entry(run, branch)
        case "GrpHdr":
            run.header = branch
        case "Acct":
            run.current.account = _account(branch, "")
            run.current.currency = branch.get("Ccy")
        case "Bal":
            run.current.balances.append(_balance(branch, f"statement {len(run.statements) + 1}"))
        case "TxsSummry":
            run.current.summary = branch
        case _:
            _end(run, branch)


def _balance(branch: Branch, where: str) -> tuple[dict[str, Any], Decimal]:
    value = amount(branch.get("Amt"), where)
    on = date(first(branch, "Dt/Dt", "Dt/DtTm"), where)
    told = {
        "type": first(branch, "Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry"),
        "amount": branch["Amt"],
        "sign": branch.get("CdtDbtInd"),
        "date": on.isoformat() if on else None,
    }
    return told, -value if told["sign"] == "DBIT" else value


def _entry(run: _Run, branch: Branch) -> None:
    """Turn an entry and its details into records."""
    statement = run.current
    statement.entries += 1
    number = len(run.statements) + 1
    where = f"statement {number}, entry {statement.entries}"
    value, sign = amount(branch.get("Amt"), where), branch.get("CdtDbtInd")
    if sign not in ("CRDT", "DBIT"):
        raise Unreadable(
            "{where}: CdtDbtInd is {sign!r} and should be CRDT or DBIT; nothing was taken from the file",
            where=where,
            sign=sign,
        )
    entry = _Entry(
        branch=branch,
        where=where,
        number=number,
        amount=value,
        currency=branch.get("Amt@"),
        sign=sign,
        status=first(branch, "Sts/Cd", "Sts", "Sts/Prtry"),
        booked=date(first(branch, "BookgDt/Dt", "BookgDt/DtTm"), where),
        value=date(first(branch, "ValDt/Dt", "ValDt/DtTm"), where),
    )
    statement.sums[sign] += value
    statement.counts[sign] += 1
    details, run.details = run.details, []
    amounts = [_own_amount(detail, where) for detail in details]
    if len(details) == 1 and amounts[0][0] is not None and amounts[0][1] == entry.currency:
        _tie_out(run, entry, amounts)
    if len(details) <= 1:
        amounts = [(value, entry.currency, amounts[0][2] if amounts else None)]
    for detail, own in zip(details or [{}], amounts, strict=True):
        run.records.append(_record(entry, statement, detail, own))
    if len(details) > 1:
        _tie_out(run, entry, amounts)


_Own: TypeAlias = tuple[Decimal | None, str | None, str | None]


def _own_amount(detail: Branch, where: str) -> _Own:
    """Return a detail's own booked amount, currency and sign; what was instructed is never what was booked."""
    path = "Amt" if "Amt" in detail else "AmtDtls/TxAmt/Amt"
    if path not in detail:
        return None, None, detail.get("CdtDbtInd")
    return amount(detail[path], where), detail.get(path + "@"), detail.get("CdtDbtInd")


def _tie_out(run: _Run, entry: _Entry, amounts: list[_Own]) -> None:
    """Tell an entry whose details do not make its amount."""
    if any(own is None for own, _, _ in amounts):
        if entry.sign == "CRDT":
            run.attention.append(f"{entry.where}: {len(amounts)} details without amounts of their own")
        return
    found = sum(
        ((own or Decimal(0)) * (1 if sign in (None, entry.sign) else -1) for own, _, sign in amounts), Decimal(0)
    )
    if abs(found) != entry.amount:
        total = sum((own or Decimal(0) for own, _, _ in amounts), Decimal(0))
        run.differing.append(
            {
                "statement": entry.number,
                "entry": run.current.entries,
                "entry_amount": entry.branch["Amt"],
                "sum_of_details": f"{total:f}",
            }
        )


def _record(entry: _Entry, statement: _Statement, detail: Branch, own: _Own) -> PaymentRecord:
    branch = entry.branch
    value, currency, own_sign = own
    sign = own_sign or entry.sign
    reversal = branch.get("RvslInd") in _YES
    family = branch.get("BkTxCd/Domn/Fmly/SubFmlyCd")
    reason = first(detail, "RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry")
    returned = reversal or family in _RETURNS or not _RETURNED.isdisjoint(detail)
    kind = Kind.RETURN if returned else Kind.PAYMENT if sign == "CRDT" else Kind.OTHER
    if kind is Kind.PAYMENT and not detail and _is_batch(entry, statement):
        kind = Kind.LUMP_SUM
    payer, sender = _payer(detail, kind)
    receiver = _account(detail, "RltdPties/CdtrAcct/") if kind is Kind.PAYMENT else None
    return PaymentRecord(
        kind=kind,
        amount=value,
        currency=currency or entry.currency,
        date=entry.booked,
        references=_references(detail, entry.where),
        payer=payer,
        sender_account=sender,
        receiver_account=receiver or statement.account,
        bank_ref=first(detail, "Refs/AcctSvcrRef"),
        text=tuple(texts(detail, "RmtInf/Ustrd")),
        status=entry.status,
        details=_told(entry, statement, detail, sign)
        | _charged(entry, detail, value, currency or entry.currency)
        | {"reversal": reversal, "return_reason": reason},
    )


def _is_batch(entry: _Entry, statement: _Statement) -> bool:
    """Tell whether a statement's entry is the sum of several payments, which another file tells in detail."""
    count = entry.branch.get("NtryDtls/Btch/NbOfTxs", "")
    return statement.tag == "Stmt" and count.isascii() and count.isdigit() and int(count) > 1


def _told(entry: _Entry, statement: _Statement, detail: Branch, sign: str) -> dict[str, Any]:
    """Return the format's own words about a detail and its entry."""
    branch = entry.branch
    told: dict[str, Any] = {
        "value_date": entry.value.isoformat() if entry.value else None,
        "sign": sign,
        "end_to_end": detail.get("Refs/EndToEndId"),
        "instr_id": detail.get("Refs/InstrId"),
        "mandate_id": detail.get("Refs/MndtId"),
        "tx_id": detail.get("Refs/TxId"),
        "statement_no": entry.number,
        "entry_no": statement.entries,
        "entry_ref": branch.get("NtryRef"),
        "entry_bank_ref": branch.get("AcctSvcrRef"),
        "bank_code": _bank_code(branch),
        "entry_amount": branch["Amt"],
    }
    instructed = detail.get("AmtDtls/InstdAmt/Amt@")
    if instructed and instructed != entry.currency:
        told["instructed"] = {"amount": detail["AmtDtls/InstdAmt/Amt"], "currency": instructed}
    return told


def _charged(entry: _Entry, detail: Branch, value: Decimal | None, currency: str | None) -> dict[str, Any]:
    """Return what a bank charged for a payment, and what of it was taken off the amount before it was booked.

    A record says that it is in the amount; else what was instructed is what was booked and the charges together.
    """
    every = [record for charges in detail.get("Chrgs", ()) for record in charges.get("Rcrd", (charges,))]
    charged, included = Decimal(0), Decimal(0)
    for record in every:
        said = first(record, "Amt", "TtlChrgsAndTaxAmt")
        if said is None or record.get("CdtDbtInd") == "CRDT" or record.get("Amt@", currency) != currency:
            continue
        charged += amount(said, entry.where)
        included += amount(said, entry.where) if record.get("ChrgInclInd") in _YES else 0
    if not charged:
        return {}
    instructed = detail.get("AmtDtls/InstdAmt/Amt")
    same = instructed is not None and detail.get("AmtDtls/InstdAmt/Amt@") == currency
    if same and value is not None and amount(instructed, entry.where) == value + charged:
        included = charged
    return {"charges": f"{charged:f}"} | ({"deducted": f"{included:f}"} if included else {})


def _bank_code(branch: Branch) -> str | None:
    parts = [branch.get(f"BkTxCd/Domn/{part}") for part in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "/".join(part for part in parts if part) or branch.get("BkTxCd/Prtry/Cd")


def _payer(detail: Branch, kind: Kind) -> tuple[Mapping[str, str], str | None]:
    """Return the other side: who paid, whom we paid, or whose payment came back."""
    sides = ("Cdtr", "Dbtr") if kind is Kind.OTHER else ("Dbtr", "Cdtr") if kind is Kind.RETURN else ("Dbtr",)
    for side in sides[:1] if kind is Kind.OTHER else sides:
        base = f"RltdPties/{side}/"
        name = first(detail, base + "Nm", base + "Pty/Nm", base + "Agt/FinInstnId/Nm")
        if name:
            account = _account(detail, f"RltdPties/{side}Acct/")
            # A bank that names the payee's side of our own account in a return does not tell the payer's account.
            return {"name": name}, account if side == sides[0] else None
    return {}, _account(detail, f"RltdPties/{sides[0]}Acct/")


def _account(branch: Branch, base: str) -> str | None:
    return first(branch, base + "Id/IBAN", base + "Id/Othr/Id")


def _references(detail: Branch, where: str) -> tuple[Reference, ...]:
    return tuple(found for strd in detail.get("RmtInf/Strd", ()) for found in _of_strd(strd, where))


def _of_strd(strd: Branch, where: str) -> tuple[Reference, ...]:
    """Return what a structured remittance refers to: one reference, or each of several documents without amounts."""
    numbers = texts(strd, "RfrdDocInf/Nb")
    if len(numbers) > 1 and not strd.get("CdtrRefInf/Ref"):
        return tuple(Reference(ref=number) for number in dict.fromkeys(numbers))
    found = _reference(strd, where)
    return () if found is None else (found,)


def _reference(strd: Branch, where: str) -> Reference | None:
    """Return a structured reference: the creditor's own, the document's number, or what stands beside them."""
    own, number, beside = (
        strd.get("CdtrRefInf/Ref"),
        strd.get("RfrdDocInf/Nb"),
        "; ".join(texts(strd, "AddtlRmtInf")) or None,
    )
    ref = own or number or beside
    if not ref:
        return None
    kind = first(strd, "CdtrRefInf/Tp/CdOrPrtry/Cd", "CdtrRefInf/Tp/CdOrPrtry/Prtry") if own else None
    split: Decimal | None = None
    if "RfrdDocAmt/RmtdAmt" in strd:
        split = amount(strd["RfrdDocAmt/RmtdAmt"], where)
    elif "RfrdDocAmt/CdtNoteAmt" in strd:
        split = -amount(strd["RfrdDocAmt/CdtNoteAmt"], where)
    document = first(strd, "RfrdDocInf/Tp/CdOrPrtry/Cd", "RfrdDocInf/Tp/CdOrPrtry/Prtry")
    if split is not None and split > 0 and document == "CREN":
        split = -split
    details = {"doc_type": document} if document else {}
    if beside and ref != beside:
        details["additional"] = beside
    return Reference(ref=ref, type=kind if own else None if number else "free", amount=split, details=details)


def _end(run: _Run, branch: Branch) -> None:
    """End a statement: its own sums must hold; its balances are told where they do not."""
    statement = run.current
    number = len(run.statements) + 1
    run.attention.extend(_check_summary(statement, f"statement {number}"))
    told: dict[str, Any] = {
        "id": branch.get("Id"),
        "account": statement.account,
        "currency": statement.currency,
        "entries": statement.entries,
    }
    if statement.balances:
        told["balances"] = [balance for balance, _ in statement.balances]
        opening = next((value for balance, value in statement.balances if balance["type"] in ("OPBD", "PRCD")), None)
        closing = next((value for balance, value in statement.balances if balance["type"] == "CLBD"), None)
        moved = statement.sums["CRDT"] - statement.sums["DBIT"]
        if opening is not None and closing is not None and opening + moved != closing:
            run.attention.append(
                f"statement {number}: opens with {opening:f}, moves {moved:f} and closes with {closing:f}: entries are "
                "missing from it, or it is an extract"
            )
    run.statements.append(told)
    run.current = _Statement(run.tag)


def _check_summary(statement: _Statement, where: str) -> list[str]:
    """Check the summary a bank may send: another number of entries is an extract, for a person to see.

    Refuses with: Unreadable (the number is right and the sum is not: an amount was changed).
    """
    summary = statement.summary
    both = ("TtlNtries", sum(statement.counts.values()), sum(statement.sums.values(), Decimal(0)))
    credit = ("TtlCdtNtries", statement.counts["CRDT"], statement.sums["CRDT"])
    debit = ("TtlDbtNtries", statement.counts["DBIT"], statement.sums["DBIT"])
    for name, count, total in (both, credit, debit):
        said = summary.get(f"{name}/NbOfNtries")
        if said is not None and said.lstrip("0") != str(count).lstrip("0"):
            return [f"{where}: its summary ({name}) says {said} entries, it has {count}: it is an extract, or cut"]
        summed = summary.get(f"{name}/Sum")
        if summed is not None and amount(summed, where) != total:
            differ(f"in {where} a sum of entries ({name}) of", summed, f"{total:f}")
    return []
