"""Whatever happens, in whatever order: postings come to zero, and open items, receivables and statements tie."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.collection.limits import ReferenceRate
from domain.collection.rules import Channel, CollectionStep, StepKind
from domain.invoicing.invoice import DocumentKind
from domain.margins.exchange import DayRate
from domain.payments.debit import DebitState
from domain.payments.orders import Scheme
from domain.payments.payment import PaymentState
from domain.payments.refund import RefundState
from domain.payments.rules import Rules
from domain.ports.page import PageRequest
from domain.refusal import Refusal
from domain.usecases.agree_instalments import put_payment_rules
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.import_payments import ImportPayments, import_payments
from domain.usecases.ledger_reports import (
    AgeBy,
    AgeReceivables,
    StateAccount,
    age_receivables,
    check_ledger,
    state_account,
)
from domain.usecases.list_payments import trial_balance
from domain.usecases.lock_ledger import LockLedger, lock_ledger, read_ledger_lock
from domain.usecases.manage_collection import put_collection_rule, put_reference_rate
from domain.usecases.manage_mandates import AddMandate, add_mandate
from domain.usecases.refund_credit import RefundCredit, end_refund_by_hand, refund_credit
from domain.usecases.run_collection import RunCollection, run_collection
from domain.usecases.settle_items import OffsetCredit, WriteOff, offset_credit, undo_settlement, write_off
from domain.usecases.work_payments import DecideDuplicate, apply_credit, decide_duplicate
from domain.usecases.write_orders import WriteDebits, write_debits
from integrations.payments import formats
from integrations.payments.writing import write
from persistence.memory import MemoryDatabase
from tests.collection.test_run import rule
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office
from tests.ledger.test_reports import ask
from tests.payments.test_desk import CREDITOR, autogiro, taken
from tests.payments.test_readers import camt, detail, entry

CUSTOMERS = 4
START = date(2026, 11, 2)


class History:
    """One office, and what somebody who throws dice does to its books."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office = office
        self.dice = random.Random(seed)
        self.day = START
        self.files = 0
        self.paid: list[tuple[str, str, str]] = []

    @property
    def clock(self):
        return self.office.world.clock

    def pass_days(self, days: int) -> None:
        self.day += timedelta(days=days)
        self.clock.at = datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)

    async def begin(self) -> None:
        self.pass_days(0)
        office = self.office
        for number in range(CUSTOMERS):
            await office.customer(number=str(number + 1))
        await office.bill(OCTOBER)
        steps = (
            CollectionStep(kind=StepKind.REMINDER, days=5, fee=Decimal(60), interest=True, channel=Channel.NONE),
            CollectionStep(kind=StepKind.REMINDER, days=12, fee=Decimal(60), interest=True, channel=Channel.NONE),
            CollectionStep(kind=StepKind.DEMAND, days=20, fee=Decimal(180), interest=True, channel=Channel.NONE),
        )
        await ask(office, put_collection_rule, rule(*steps), clock=self.clock)
        for year, month in ((2026, 7), (2027, 1)):
            rate = ReferenceRate(country="SE", valid_from=date(year, month, 1), percent=Decimal("2.0"), version=0)
            await ask(office, put_reference_rate, rate)
        rules = Rules(exchange=True, exchange_tolerance=150, retries=2, retry_days=1, creditor=CREDITOR)
        await ask(office, put_payment_rules, rules, 0)
        for number, customer in enumerate(sorted({one.customer for one in await self.invoices()})[:2], 101):
            cmd = AddMandate(customer=customer, scheme=Scheme.AUTOGIRO, payer_number=str(number), active=True)
            await ask(office, add_mandate, cmd, clock=self.clock)

    async def invoices(self):
        async with self.office.begin() as unit:
            return list((await unit.invoices.page(PageRequest(first=200))).items)

    async def payments(self):
        async with self.office.begin() as unit:
            return list((await unit.payments.page(PageRequest(first=200))).items)

    async def pay(self) -> None:
        """Somebody pays: all, a part, too much, under a reference that is none, or another's too."""
        known = [one for one in await self.invoices() if one.kind is DocumentKind.INVOICE]
        parts = []
        for _ in range(self.dice.randint(1, 2)):
            invoice = self.dice.choice(known)
            amount = self.dice.choice((invoice.total, invoice.total, Decimal("100.00"), Decimal("0.01"), Decimal(900)))
            reference = self.dice.choice((invoice.payment.reference,) * 5 + ("9999",))
            self.files += 1
            name = f"E{self.files}"
            more = f"<Refs><EndToEndId>{name}</EndToEndId></Refs>"
            parts.append(entry(f"{amount:.2f}", detail(f"{amount:.2f}", reference, more=more)))
            self.paid.append((name, f"{amount:.2f}", "SEK"))
        await self.take("".join(parts))

    async def take_back(self) -> None:
        """A bank takes a payment back."""
        if self.paid:
            name, amount, currency = self.dice.choice(self.paid)
            self.files += 1
            refs = f"<Refs><EndToEndId>{name}</EndToEndId><TxId>{self.files}</TxId></Refs>"
            mark = "<RvslInd>true</RvslInd>"
            back = entry(amount, f"<TxDtls>{refs}</TxDtls>", sign="DBIT", more=mark)
            await self.take(back.replace('Ccy="SEK"', f'Ccy="{currency}"'))

    async def pay_elsewise(self) -> None:
        """Somebody pays in euros, at a rate that moves, or his bank takes something off."""
        invoice = self.dice.choice([one for one in await self.invoices() if one.kind is DocumentKind.INVOICE])
        self.files += 1
        name = f"<Refs><EndToEndId>X{self.files}</EndToEndId></Refs>"
        if self.dice.random() < 0.3:
            amount, charge = (
                invoice.total - 10,
                "<Chrgs><Rcrd><Amt Ccy='SEK'>10.00</Amt><ChrgInclInd>true</ChrgInclInd>",
            )
            await self.take(
                entry(
                    f"{amount:.2f}",
                    detail(f"{amount:.2f}", invoice.payment.reference, more=name + charge + "</Rcrd></Chrgs>"),
                )
            )
            return
        async with self.office.begin() as unit:
            worth = Decimal(self.dice.choice(("9.9", "10", "10.07")))
            day = DayRate(date(2026, 11, 20), "EUR", "SEK", worth, "dice")
            await unit.exchange.put([day], replace=True, at=self.clock.now())
        amount = f"{self.dice.choice((invoice.total / 10, Decimal(3), Decimal(90))):.2f}"
        self.paid.append((f"X{self.files}", amount, "EUR"))
        paid = entry(amount, detail(amount, invoice.payment.reference, more=name))
        await self.take(paid.replace('Ccy="SEK"', 'Ccy="EUR"'))

    async def order(self) -> None:
        cmd = WriteDebits(scheme=Scheme.AUTOGIRO, due_by=self.day + timedelta(days=60))
        await ask(self.office, write_debits, cmd, write, clock=self.clock)

    async def hear_of_debits(self) -> None:
        """An order is paid, paid in part, or rejected."""
        async with self.office.begin() as unit:
            sent = await unit.giro.debits.find(state=DebitState.SENT)
            if not sent:
                return
            order = self.dice.choice(sent)
            invoice = await unit.invoices.get(order.invoice)
            mandate = await unit.giro.mandates.get(order.mandate)
        self.files += 1
        status, amount = self.dice.choice((("0", order.amount_minor), ("0", 5000), ("1", order.amount_minor)))
        told = taken(invoice, status, payer=int(mandate.payer_number), amount=amount)
        paid = {"paid": 1, "total": amount} if status == "0" else {}
        data = autogiro(told, **paid).replace(b"193055123456", f"{self.files:012d}".encode())
        cmd = ImportPayments(name=f"f{self.files}", data=data, read=formats.read, looked_at=True)
        await ask(self.office, import_payments, cmd, clock=self.clock)

    async def decide(self) -> None:
        held = [one for one in await self.payments() if one.state is PaymentState.HELD]
        if held:
            cmd = DecideDuplicate(payment=self.dice.choice(held).id, same=self.dice.random() < 0.3)
            await ask(self.office, decide_duplicate, cmd, clock=self.clock)

    async def pay_back(self) -> None:
        free = [one for one in await self.payments() if one.state is PaymentState.CREDIT and one.currency == "SEK"]
        if free:
            cmd = RefundCredit(payment=self.dice.choice(free).id, account="SE4550000000058398257466")
            made = await ask(self.office, refund_credit, cmd, clock=self.clock)
            state = self.dice.choice((None, RefundState.CANCELLED))
            if state is not None:
                await ask(self.office, end_refund_by_hand, made.id, made.version, state, clock=self.clock)

    async def take(self, entries: str) -> None:
        self.files += 1
        data = camt(entries, message=f"M{self.files}")
        cmd = ImportPayments(name=f"f{self.files}", data=data, read=formats.read, looked_at=True)
        await ask(self.office, import_payments, cmd, clock=self.clock)

    async def credit(self) -> None:
        invoice = self.dice.choice(await self.invoices())
        await ask(self.office, credit_invoice, CreditInvoice(invoice=invoice.id), clock=self.clock)

    async def release(self) -> None:
        if known := await self.payments():
            await ask(self.office, release_payment, self.dice.choice(known).id, clock=self.clock)

    async def allocate(self) -> None:
        states = {PaymentState.UNALLOCATED, PaymentState.CREDIT}
        free = [one for one in await self.payments() if one.state in states]
        if free:
            parts = [Part(invoice=self.dice.choice(await self.invoices()).id)]
            cmd = AllocatePayment(payment=self.dice.choice(free).id, parts=parts)
            await ask(self.office, allocate_payment, cmd, clock=self.clock)

    async def use_credit(self) -> None:
        customer = self.dice.choice(await self.invoices()).customer
        await ask(self.office, apply_credit, customer, clock=self.clock)

    async def remind(self) -> None:
        await ask(self.office, run_collection, RunCollection(), clock=self.clock)

    async def give_up(self) -> None:
        cmd = WriteOff(invoices=(self.dice.choice(await self.invoices()).id,), text="bankrupt")
        await ask(self.office, write_off, cmd, clock=self.clock)

    async def give_up_a_fee(self) -> None:
        async with self.office.begin() as unit:
            claims = await unit.giro.claims.find()
        if claims:
            cmd = WriteOff(claims=(self.dice.choice(claims).id,), text="waived")
            await ask(self.office, write_off, cmd, clock=self.clock)

    async def set_off(self) -> None:
        documents = await self.invoices()
        notes = [one for one in documents if one.kind is DocumentKind.CREDIT_NOTE]
        if notes:
            cmd = OffsetCredit(credit_note=self.dice.choice(notes).id, invoice=self.dice.choice(documents).id)
            await ask(self.office, offset_credit, cmd, clock=self.clock)

    async def undo(self) -> None:
        async with self.office.begin() as unit:
            settled = await unit.giro.settlements.find()
        if settled:
            await ask(self.office, undo_settlement, self.dice.choice(settled).id, clock=self.clock)

    async def bill(self) -> None:
        await self.office.bill(NOVEMBER)

    async def lock(self) -> None:
        known = await ask(self.office, read_ledger_lock)
        month = (self.day.replace(day=1) - timedelta(days=1)).isoformat()[:7]
        await ask(self.office, lock_ledger, LockLedger(month=month, version=known.version), clock=self.clock)

    async def step(self) -> str:
        deeds: list[Callable[[], Awaitable[None]]] = [
            *(self.pay,) * 4, *(self.remind,) * 3, *(self.allocate,) * 2, self.take_back, self.credit, self.release,
            self.use_credit, self.give_up, self.give_up_a_fee, self.set_off, self.undo, self.bill, self.lock,
            *(self.pay_elsewise,) * 3, *(self.order, self.hear_of_debits) * 2, self.decide, self.pay_back,
        ]  # fmt: skip
        self.pass_days(self.dice.randint(0, 6))
        deed = self.dice.choice(deeds)
        with suppress(Refusal):  # what cannot be done is refused, and changes nothing
            await deed()
        return deed.__name__

    async def ties(self, told: list[str]) -> None:
        """Hold the books to one another, now and on a day before."""
        office = self.office
        assert await ask(office, check_ledger) == [], told
        async with office.begin() as unit:
            customers = sorted({one.customer for one in await self._all(unit)})
        for on in (self.day, START + (self.day - START) / 2):
            balances = await ask(office, trial_balance, on=on)
            assert sum(balances.values()) == 0, told
            standing = sum(balances.get((account, "SEK"), 0) for account in ("1510", "1519", "2420"))
            for by in AgeBy:
                aged = await ask(office, age_receivables, AgeReceivables(on=on, by=by), clock=self.clock)
                assert sum(one.total for one in aged.totals) == standing, (by, on, told)
            closing = 0
            for customer in customers:
                cmd = StateAccount(customer=customer, since=START - timedelta(days=9), until=on)
                for part in (await ask(office, state_account, cmd, clock=self.clock)).parts:
                    closing += part.closing_minor
                    assert part.closing_minor == part.ageing.total, told
                    moved = sum(row.movement.amount_minor for row in part.rows)
                    assert part.opening_minor + moved == part.closing_minor, told
            assert closing == standing, told

    async def _all(self, unit):
        return (await unit.invoices.page(PageRequest(first=200))).items


async def _live(office: Office, seed: int, steps: int) -> None:
    history = History(office, seed)
    await history.begin()
    told = [f"seed {seed}"]
    for _ in range(steps):
        told.append(await history.step())
        assert await ask(office, check_ledger) == [], told
    await history.ties(told)


@pytest.mark.parametrize("seed", range(24))
async def test_random_histories_tie(office: Office, seed: int) -> None:
    if isinstance(office.world.database, MemoryDatabase):
        await _live(office, seed, 40)
    elif seed < 4:
        await _live(office, seed, 25)
    else:
        pytest.skip("a few seeds are enough where each step is a transaction of a database")
