"""What a file says of our own orders: debits paid, rejected, cancelled or taken back, refunds paid or failed."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from xml.sax.saxutils import escape

from domain.ids import MandateId
from domain.ledger.entry import BAS, Entry, Posting
from domain.payments.allocating import Plan, forms_of
from domain.payments.booking import shares
from domain.payments.debit import DebitOrder, DebitState
from domain.payments.exchanging import like
from domain.payments.naming import names_of
from domain.payments.payment import OpenItem, Payment, PaymentState, Reason
from domain.payments.record import Kind, PaymentFile
from domain.payments.refund import Refund, RefundState
from domain.payments.rules import Rules
from domain.ports.unit import Unit
from domain.usecases.applying import claim_fee, move, rules_of, unsettle, unsettle_of

_DEBIT: Final = re.compile(r"D([0-9]{1,18})", re.ASCII)
_REFUND: Final = re.compile(r"R([0-9]{1,18})", re.ASCII)
_BY_DEBIT: Final = frozenset({"autogiro", "dk_bs"})
_END_TO_END: Final = re.compile(r"<EndToEndId>([DR][0-9]{1,18})</EndToEndId>", re.ASCII)
_REFUSED: Final = "RJCT"
_AVTALEGIRO: Final = "15"
_AUTOGIRO_IN_BGMAX: Final = "4"
# A statement's marks of money that came back to us: a reversal of what went out takes no payment back.
_CAME_IN: Final = frozenset({"CRDT", "RD"})
# Bankgirot tries it again by itself; an order that was moved to another day is on its way still.
_ON_ITS_WAY: Final = frozenset({"9", "14"})
_NOT_DONE: Final = re.compile(r"0[0-9]|1[01]|13", re.ASCII)


def _named(payment: Payment, pattern: re.Pattern[str]) -> set[int]:
    """Return the keys of ours that a record gives back."""
    return {int(found[1]) for name in names_of(payment.record) if (found := pattern.fullmatch(name))}


async def release(unit: Unit, order: DebitOrder, state: DebitState, *, on: dt.date, reason: str | None) -> DebitOrder:
    """End an order that was on its way: what was in transit is a receivable again, which a payment then pays."""
    entry = Entry(
        key=f"debit:{order.id}/{state.value}",
        booked_on=await unit.ledger.open_day(on),
        text=f"direct debit {order.id} {state.value}",
        postings=(
            Posting(BAS.receivable, order.currency, order.amount_minor),
            Posting(BAS.in_transit, order.currency, -order.amount_minor),
        ),
        customer=order.customer,
    )
    await unit.ledger.post([entry])
    return replace(order, state=state, released=entry.key, reason=reason)


async def settle_debits(
    unit: Unit, payments: Sequence[Payment], plans: Mapping[int, Plan], now: dt.datetime
) -> dict[str, int]:
    """End the orders that a file's payments and rejections are of, and return how many by what became of them."""
    paid = [one for one in payments if one.kind is Kind.PAYMENT and one.entry is not None and _by_debit(one)]
    ended = [one for one in payments if one.kind in {Kind.REJECTION, Kind.CANCELLATION} and not _goes_on(one)]
    if not paid and not ended:
        return {}
    waiting = await _Waiting.of(unit, [*paid, *ended], plans)
    retries = (await rules_of(unit)).retries
    counts: Counter[str] = Counter()
    for one in paid:
        if (order := waiting.take(one, plans)) is not None:
            done = await release(unit, order, DebitState.PAID, on=one.booked_on, reason=None)
            await unit.giro.debits.put(replace(done, payment=one.id))
            counts["paid"] += 1
    for one in ended:
        if (order := waiting.take(one, plans)) is not None:
            state = DebitState.REJECTED if one.kind is Kind.REJECTION else DebitState.CANCELLED
            reason = str(one.record.get("reason") or one.record.get("status") or one.record.get("code") or "")
            await _stopped(unit, order, state, now=now, reason=reason, retries=retries)
            counts[state.value] += 1
    return dict(counts)


async def _stopped(
    unit: Unit, order: DebitOrder, state: DebitState, *, now: dt.datetime, reason: str, retries: int
) -> None:
    """End an order that moved no money, and tell it."""
    await unit.giro.debits.put(await release(unit, order, state, on=now.date(), reason=reason or None))
    told = {
        "invoice": order.invoice,
        "customer": order.customer,
        "reason": reason,
        "attempt": order.attempt,
        "again": state is DebitState.REJECTED and order.attempt <= retries,
    }
    await unit.outbox.promise(f"debit.{state.value}", told, subject=f"invoice:{order.invoice}")


async def settle_refused(unit: Unit, found: PaymentFile, now: dt.datetime) -> dict[str, int]:
    """End the orders of a message, or of a batch of one, that a bank refused as a whole; return how many."""
    if found.format != "pain002":
        return {}
    told_singly = {record.details.get("original_payment_info") for record in found.records}
    batches = [
        one["id"]
        for one in found.summary["batches"]
        if one["status"] == _REFUSED and one["id"] and one["id"] not in told_singly
    ]
    whole = not found.records and found.file_id["group_status"] == _REFUSED
    named = found.file_id["original_msg_id"] or ""
    number = named.rpartition("-")[2]
    if not (whole or batches) or not (number.isascii() and number.isdigit() and len(number) < 10):
        return {}
    files = await unit.giro.files.find(number=int(number))
    sent = next((one for one in files if f"<MsgId>{escape(named)}</MsgId>".encode() in one.content), None)
    if sent is None:
        return {}
    keys = _keys_of(sent.content.decode(), None if whole else batches)
    retries = (await rules_of(unit)).retries
    debits = [one for one in await unit.giro.debits.find(file=sent.id, state=DebitState.SENT) if one.key in keys]
    for order in debits:
        await _stopped(unit, order, DebitState.REJECTED, now=now, reason=_REFUSED, retries=retries)
    for refund in await unit.giro.refunds.find(file=sent.id, state=RefundState.SENT):
        if refund.key in keys:
            await end_refund(unit, refund, RefundState.FAILED, on=now.date(), client="file")
    return {DebitState.REJECTED.value: len(debits)} if debits else {}


def _keys_of(message: str, batches: Sequence[str] | None) -> set[str]:
    """Return our names of the orders of a message's batches; None: of all."""
    parts = message.split("<PmtInf>")[1:]
    if batches is not None:
        wanted = tuple(f"<PmtInfId>{escape(one)}</PmtInfId>" for one in batches)
        parts = [part for part in parts if any(name in part for name in wanted)]
    return {key for part in parts for key in _END_TO_END.findall(part)}


def _by_debit(payment: Payment) -> bool:
    """Tell whether a payment is one that we took."""
    format_ = payment.identity.partition(":")[0]
    avtalegiro = format_ == "nets_ocr" and payment.record.get("transaction_type") == _AVTALEGIRO
    in_bgmax = format_ == "bgmax" and payment.record.get("channel") == _AUTOGIRO_IN_BGMAX
    return format_ in _BY_DEBIT or avtalegiro or in_bgmax or bool(_named(payment, _DEBIT))


def _goes_on(payment: Payment) -> bool:
    """Tell whether an order that did not come through is on its way still, or was never stopped."""
    status = payment.record.get("status") or ""
    if payment.kind is Kind.CANCELLATION and payment.identity.startswith("autogiro:"):
        return status in _ON_ITS_WAY or bool(_NOT_DONE.fullmatch(status))
    return status in _ON_ITS_WAY and payment.identity.startswith("autogiro:")


class _Waiting:
    """The orders on their way that some payments may be of; each is taken once."""

    def __init__(
        self, orders: Sequence[DebitOrder], items: Mapping[str, OpenItem], payers: Mapping[MandateId, str]
    ) -> None:
        self._orders = list(orders)
        self._items = items
        self._payers = payers

    @classmethod
    async def of(cls, unit: Unit, payments: Sequence[Payment], plans: Mapping[int, Plan]) -> _Waiting:
        """Load them: by our key, by the invoices that are paid or named, and by the payer's number."""
        sent, found = DebitState.SENT, dict[int, DebitOrder]()
        items = await unit.payments.items_named(sorted({form for one in payments for form in _forms(one)}))
        invoices = {piece.invoice for one in payments if one.position in plans for piece in plans[one.position].parts}
        invoices |= {item.invoice for item in items.values()}
        numbers = sorted({number for one in payments if (number := _payer(one)) is not None})
        mandates = await unit.giro.mandates.find(payer_number=numbers) if numbers else []
        for criteria in (
            {"id": sorted({key for one in payments for key in _named(one, _DEBIT)})},
            {"invoice": sorted(key for key in invoices if key is not None)},
            {"mandate": [one.id for one in mandates]},
        ):
            if all(criteria.values()):
                found |= {one.id: one for one in await unit.giro.debits.find(state=sent, **criteria)}
        return cls([found[key] for key in sorted(found)], items, {one.id: one.payer_number for one in mandates})

    def take(self, payment: Payment, plans: Mapping[int, Plan]) -> DebitOrder | None:
        """Take the order that a payment is of: by our key, else by its invoice or payer and its amount."""
        keys = _named(payment, _DEBIT)
        chosen = next((one for one in self._orders if one.id in keys), None)
        if chosen is None:
            parts = plans[payment.position].parts if payment.position in plans else ()
            invoices = {piece.invoice for piece in parts}
            invoices |= {self._items[form].invoice for form in _forms(payment) if form in self._items}
            chosen = _nearest(payment, [one for one in self._orders if one.invoice in invoices])
            if chosen is None and not _forms(payment) and (payer := _payer(payment)) is not None:
                chosen = _nearest(payment, [one for one in self._orders if self._payers.get(one.mandate) == payer])
        if chosen is not None:
            self._orders.remove(chosen)
        return chosen


def _nearest(payment: Payment, orders: Sequence[DebitOrder]) -> DebitOrder | None:
    """Return the order of the payment's amount; of another amount, which payers may set themselves, the only one."""
    exact = next((one for one in orders if one.amount_minor == payment.amount_minor), None)
    return orders[0] if exact is None and len(orders) == 1 else exact


def _forms(payment: Payment) -> list[str]:
    return [form for reference in payment.record["references"] for form in forms_of(reference["ref"])]


def _payer(payment: Payment) -> str | None:
    """Return the number that a scheme knows the payer by."""
    payer = payment.record["payer"]
    number = payer.get("payer_number") or payer.get("customer_no")
    return None if number is None else str(number)


def came_in(payment: Payment) -> bool:
    """Tell whether what reads as a return brought money: what we had paid out came back."""
    return payment.record.get("sign") in _CAME_IN or payment.record.get("direction") == "credit"


class Returning:
    """Takes payments back, one after another; ``applied`` is what each took off what customers owe, negative."""

    def __init__(self, unit: Unit, rules: Rules, now: dt.datetime) -> None:
        self._unit = unit
        self._rules = rules
        self._now = now
        self.applied: dict[int, int] = {}

    async def take(self, payment: Payment) -> Payment:
        """Find the payment that a return takes back, undo what it paid, and mark it; hold a return without one."""
        unit = self._unit
        if payment.state is not PaymentState.UNALLOCATED:
            return payment
        originals = [] if came_in(payment) else await unit.payments.originals(payment)
        if not originals:
            return replace(payment, state=PaymentState.HELD, reason=Reason.UNKNOWN_ORIGINAL)
        original = originals[0]
        every = (await unit.payments.allocations([original.id]))[original.id]
        made = [one for one in every if one.undone_at is None]
        day = await unit.ledger.open_day(payment.booked_on)
        await unit.payments.undo([one.id for one in made], at=self._now, client="return", on=day)
        await unsettle_of(unit, original.id, at=self._now, on=day, client="return")
        await unit.payments.change(replace(original, state=PaymentState.RETURNED, reason=None))
        for refund in await unit.giro.refunds.find(payment=original.id, state=RefundState.REQUESTED):
            # There is nothing to pay back of it any more; what has left to the bank is owed by him.
            await end_refund(unit, refund, RefundState.CANCELLED, on=payment.booked_on, client="return")
        if original.customer is None:
            # It had been several customers': each owes his part again.
            back = [-share for share in shares([(one.customer, one.amount_minor) for one in made])]
            await move(unit, like(payment, original), back, on=payment.booked_on)
        else:
            self.applied[payment.position] = -sum(one.amount_minor for one in made)
        await self._debits(original, payment)
        return replace(
            like(payment, original),
            state=PaymentState.RETURNED,
            reason=None,
            customer=original.customer,
            original=original.id,
        )

    async def _debits(self, original: Payment, payment: Payment) -> None:
        """Mark the debit that came back, claim the fee for it, and block a mandate whose debits come back too often."""
        unit, rules = self._unit, self._rules
        for order in await unit.giro.debits.find(payment=original.id, state=DebitState.PAID):
            reason = str(payment.record.get("return_reason") or payment.record.get("reason") or "")
            await unit.giro.debits.put(replace(order, state=DebitState.RETURNED, reason=reason or None))
            mandate = await unit.giro.mandates.get(order.mandate)
            returns = mandate.returns + 1
            blocked = mandate.blocked or bool(rules.block_after and returns >= rules.block_after)
            await unit.giro.mandates.put(replace(mandate, returns=returns, blocked=blocked))
            if blocked and not mandate.blocked:
                told = {"returns": returns, "customer": mandate.customer}
                await unit.outbox.promise("mandate.blocked", told, subject=f"mandate:{mandate.id}")
            if fee := rules.return_fee.get(order.currency, 0):
                await claim_fee(
                    unit,
                    operator=order.operator,
                    customer=order.customer,
                    invoice=order.invoice,
                    currency=order.currency,
                    amount=fee,
                    on=payment.booked_on,
                    word=str(order.id),
                )


async def settle_refunds(unit: Unit, payments: Sequence[Payment]) -> list[Payment]:
    """Mark the refunds that a file says were paid or rejected; book those that were paid."""
    keys = {key for one in payments if one.kind in {Kind.OTHER, Kind.REJECTION} for key in _named(one, _REFUND)}
    if not keys:
        return list(payments)
    sent: dict[int, Refund] = {
        one.id: one for one in await unit.giro.refunds.find(id=sorted(keys), state=RefundState.SENT)
    }
    decided = []
    for one in payments:
        order = next((sent.pop(key) for key in _named(one, _REFUND) if key in sent), None)
        if order is None:
            decided.append(one)
        elif one.kind is Kind.REJECTION:
            await end_refund(unit, order, RefundState.FAILED, on=one.booked_on, client="file")
            decided.append(one)
        elif one.record.get("status") == "BOOK" and one.amount_minor == order.amount_minor:
            # What it moved is booked by the refund's own entry.
            await end_refund(unit, order, RefundState.PAID, on=one.booked_on, client="file")
            decided.append(replace(one, state=PaymentState.NOTED, reason=Reason.REFUND, customer=order.customer))
        else:
            decided.append(one)
    return decided


async def end_refund(unit: Unit, order: Refund, state: RefundState, *, on: dt.date, client: str) -> Refund:
    """End a refund: paid from the bank; or failed or cancelled, and the customer's credit stands again."""
    day = await unit.ledger.open_day(on)
    settled = order.settlement is not None and state is not RefundState.PAID
    if order.settlement is not None and settled:
        made = await unit.giro.settlements.get(order.settlement)
        now = dt.datetime.combine(on, dt.time(), dt.UTC)
        await unsettle(unit, made, at=now, on=on, client=client)
        key = f"settlement:{made.id}/undo"
    else:
        key = f"refund:{order.id}/{state.value}"
        other = BAS.bank if state is RefundState.PAID else BAS.credit
        entry = Entry(
            key=key,
            booked_on=day,
            text=f"refund {order.id} {state.value}",
            postings=(
                Posting(BAS.payouts, order.currency, order.amount_minor),
                Posting(other, order.currency, -order.amount_minor),
            ),
            customer=order.customer,
        )
        await unit.ledger.post([entry])
        if state is not RefundState.PAID and order.payment is not None:
            payment = await unit.payments.get(order.payment)
            if payment.state is not PaymentState.RETURNED:  # what was taken back meanwhile is nobody's to use again
                await unit.payments.change(replace(payment, state=PaymentState.CREDIT, reason=Reason.OVERPAID))
    ended = await unit.giro.refunds.put(replace(order, state=state, ended=key))
    await unit.outbox.promise(
        f"refund.{state.value}",
        {"customer": order.customer, "amount_minor": order.amount_minor, "currency": order.currency},
        subject=f"refund:{order.id}",
    )
    return ended
