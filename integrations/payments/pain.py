"""ISO 20022 pain.002 (what became of our orders) and pain.008 (direct debits), as banks and creditors send them.

Payments Initiation, message definition reports. A rejected order has moved no money; a return in a camt message has.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from domain.payments.record import Kind, PaymentFile, PaymentRecord
from domain.refusal import Unreadable
from integrations.payments.fixed import differ
from integrations.payments.iso20022 import Branch, amount, date, first, namespace_of, stream, texts

_STATUS: Final = ("pain.002.001.02", "pain.002.001.03", "pain.002.001.10", "pain.002.001.12", "pain.002.002.03")
_STATUS_MORE: Final = ("pain.002.003.03", "pain.002.001.04", "pain.002.001.08", "pain.002.001.11")
_DEBIT: Final = ("pain.008.001.02", "pain.008.001.08", "pain.008.001.09", "pain.008.001.10")
_DEBIT_MORE: Final = ("pain.008.002.02", "pain.008.003.02", "pain.008.001.01")
_REFUSED: Final = frozenset({"RJCT", "CANC"})


def recognises_002(data: bytes) -> bool:
    """Tell whether it is a status report."""
    return (namespace_of(data) or "").startswith("pain.002")


def recognises_008(data: bytes) -> bool:
    """Tell whether it is an order of direct debits."""
    return (namespace_of(data) or "").startswith("pain.008")


def read_002(data: bytes) -> PaymentFile:
    """Read a status report. Refuses with: Unreadable."""
    message = _message(data, (*_STATUS, *_STATUS_MORE), "pain.002")
    header: Branch = {}
    group: Branch = {}
    records: list[PaymentRecord] = []
    waiting: list[Branch] = []
    batches: list[dict[str, Any]] = []
    names = ("GrpHdr", "OrgnlGrpInfAndSts", "TxInfAndSts", "OrgnlPmtInfAndSts")
    for name, branch in stream(data, message, dict.fromkeys(names)):
        match name:
            case "GrpHdr":
                header = branch
            case "OrgnlGrpInfAndSts":
                group = branch
            case "TxInfAndSts":
                waiting.append(branch)
            case "OrgnlPmtInfAndSts":
                batches.append({"id": branch.get("OrgnlPmtInfId"), "status": branch.get("PmtInfSts")})
                found = [_status(one, branch, f"status {len(records) + n}") for n, one in enumerate(waiting, 1)]
                records.extend(found)
                waiting = []
    records.extend(_status(one, {}, f"status {len(records) + number}") for number, one in enumerate(waiting, 1))
    file_id = {
        "msg_id": header.get("MsgId"),
        "original_msg_id": group.get("OrgnlMsgId"),
        "group_status": group.get("GrpSts"),
    }
    attention = []
    if not records and group.get("GrpSts") in _REFUSED:
        attention.append(f"the whole message {file_id['original_msg_id']} was refused: {_reason(group)[0]}")
    return PaymentFile(
        format="pain002",
        file_id=file_id,
        totals={"statuses": len(records)},
        records=tuple(records),
        attention=tuple(attention),
        summary={"version": message, "batches": batches},
    )


def _reason(branch: Branch) -> tuple[str | None, str | None]:
    code = first(branch, "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry")
    return code, " ".join(texts(branch, "StsRsnInf/AddtlInf")) or None


def _status(branch: Branch, batch: Branch, where: str) -> PaymentRecord:
    status = first(branch, "TxSts") or first(batch, "PmtInfSts")
    code, words = _reason(branch)
    if code is None and words is None and status in _REFUSED:
        code, words = _reason(batch)
    base = "OrgnlTxRef/"
    value = base + "Amt/InstdAmt"
    name = first(branch, base + "Dbtr/Nm", base + "Dbtr/Pty/Nm")
    asked = date(first(branch, base + "ReqdColltnDt", base + "ReqdExctnDt", base + "ReqdExctnDt/Dt"), where)
    end_to_end = branch.get("OrgnlEndToEndId")
    return PaymentRecord(
        kind=Kind.REJECTION if status in _REFUSED else Kind.OTHER,
        amount=_hundredths(amount(branch[value], where)) if value in branch else None,
        currency=branch.get(value + "@"),
        date=asked,
        payer={"name": name} if name else {},
        sender_account=first(branch, base + "DbtrAcct/Id/IBAN", base + "DbtrAcct/Id/Othr/Id"),
        bank_ref=branch.get("StsId"),
        text=tuple(texts(branch, base + "RmtInf/Ustrd")),
        status=status,
        details={
            "reason": code,
            "reason_text": words,
            "end_to_end": end_to_end,
            "instr_id": branch.get("OrgnlInstrId"),
            "original_payment_info": batch.get("OrgnlPmtInfId"),
            "mandate_id": branch.get(base + "MndtRltdInf/MndtId"),
        },
    )


def read_008(data: bytes) -> PaymentFile:
    """Read an order of direct debits, ours or another's. Refuses with: Unreadable (sums that do not hold)."""
    message = _message(data, (*_DEBIT, *_DEBIT_MORE), "pain.008")
    header: Branch = {}
    waiting: list[Branch] = []
    records: list[PaymentRecord] = []
    sums: list[str] = []
    for name, branch in stream(data, message, dict.fromkeys(("GrpHdr", "DrctDbtTxInf", "PmtInf"))):
        match name:
            case "GrpHdr":
                header = branch
            case "DrctDbtTxInf":
                waiting.append(branch)
            case "PmtInf":
                sums.append(_batch(branch, waiting, records))
                waiting = []
    total = sum((record.amount or Decimal(0) for record in records), Decimal(0))
    count, control = header.get("NbOfTxs"), header.get("CtrlSum")
    if count is not None and count != str(len(records)):
        differ("a number of debits (NbOfTxs) of", count, len(records))
    if control is not None and amount(control, "the header") != total:
        differ("a control sum (CtrlSum) of", control, f"{total:f}")
    return PaymentFile(
        format="pain008",
        file_id={"msg_id": header.get("MsgId"), "count": count, "control_sum": control},
        totals={"amount": f"{total:f}"},
        records=tuple(records),
        summary={"version": message, "control_sums": sums},
    )


def _batch(batch: Branch, debits: list[Branch], records: list[PaymentRecord]) -> str:
    """Take a batch's debits; return what it says they make."""
    where = f"batch {batch.get('PmtInfId')}"
    asked = date(batch.get("ReqdColltnDt"), where)
    own = [_debit(debit, batch, asked, f"{where}, debit {number}") for number, debit in enumerate(debits, 1)]
    total = sum((record.amount or Decimal(0) for record in own), Decimal(0))
    count, control = batch.get("NbOfTxs"), batch.get("CtrlSum")
    if count is not None and count != str(len(own)):
        differ(f"in {where} a number of debits of", count, len(own))
    if control is not None and amount(control, where) != total:
        differ(f"in {where} a control sum of", control, f"{total:f}")
    records.extend(own)
    return control if control is not None else f"{total:f}"


def _debit(debit: Branch, batch: Branch, asked: Any, where: str) -> PaymentRecord:
    name = first(debit, "Dbtr/Nm")
    mandate = "DrctDbtTx/MndtRltdInf/"
    return PaymentRecord(
        kind=Kind.ORDER,
        amount=amount(debit.get("InstdAmt"), where),
        currency=debit.get("InstdAmt@"),
        date=asked,
        payer={"name": name} if name else {},
        sender_account=first(debit, "DbtrAcct/Id/IBAN", "DbtrAcct/Id/Othr/Id"),
        receiver_account=first(batch, "CdtrAcct/Id/IBAN"),
        text=tuple(texts(debit, "RmtInf/Ustrd")),
        details={
            "sequence": first(debit, "PmtTpInf/SeqTp") or batch.get("PmtTpInf/SeqTp"),
            "scheme": first(debit, "PmtTpInf/LclInstrm/Cd") or batch.get("PmtTpInf/LclInstrm/Cd"),
            "end_to_end": debit.get("PmtId/EndToEndId"),
            "mandate_id": debit.get(mandate + "MndtId"),
            "mandate_date": debit.get(mandate + "DtOfSgntr"),
        },
    )


def _message(data: bytes, known: tuple[str, ...], kind: str) -> str:
    message = namespace_of(data)
    if message not in known:
        raise Unreadable(
            "not a {kind} of a version that is read ({listed}) but {value}",
            kind=kind,
            listed=", ".join(known),
            value=message or "another file",
        )
    return message


def _hundredths(value: Decimal) -> Decimal:
    """Write a whole amount with its two decimals."""
    return value if value.as_tuple().exponent != 0 else value.quantize(Decimal("0.01"))
