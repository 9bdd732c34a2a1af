"""What is open over all customers, and where the books differ, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from domain.collection.interest import Step
from domain.ids import CustomerId, InvoiceId, ResellerId
from domain.invoicing.invoice import Invoice
from domain.ledger.ageing import OpenAmount
from domain.ledger.entry import BAS, Entry, minor
from domain.ledger.tying import Difference, Rule
from domain.payments.debit import DebitState
from domain.payments.payment import Allocation, Payment, PaymentState
from domain.payments.record import Kind
from domain.payments.refund import Refund, RefundState
from domain.resellers.reseller import as_of
from persistence.memory import Draft
from persistence.memory_customers import MemoryResellers
from persistence.memory_ledger import MemoryLedger
from persistence.memory_payments import MemoryPayments


class MemoryReceivables:
    """Keeps ``domain.ports.receivables.Receivables``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._payments = MemoryPayments(draft)
        self._ledger = MemoryLedger(draft)

    def _invoices(self, on: date | None = None) -> list[Invoice]:
        return self._draft.seen("invoice", lambda one: one.sold_by is None and (on is None or one.issued_on <= on))

    def _posted(self) -> list[Payment]:
        rows = self._draft.table("payment").values()
        return [one for one in rows if one.operator == self._draft.actor.operator and one.entry is not None]

    async def open_amounts(
        self, *, on: date | None = None, customers: Sequence[CustomerId] | None = None
    ) -> Sequence[OpenAmount]:
        """Return what is open of invoices and claims, now or when a day ended, by customer and due date."""
        wanted = {one.customer for one in self._invoices(on)} if customers is None else set(customers)
        found = []
        documents = {one.id: one for one in self._invoices(on)}
        for customer in sorted(wanted):
            for item in await self._payments.open_items(customer, on=on):
                group = documents[item.invoice].original or item.number
                first = next(
                    (one for one in documents.values() if one.number == group and one.original is None),
                    documents[item.invoice],
                )
                found.append(
                    OpenAmount(
                        kind="invoice" if item.open_minor > 0 else "credit_note",
                        name=group,
                        customer=item.customer,
                        currency=item.currency,
                        open_minor=item.open_minor,
                        due_on=first.due_on,
                        invoice=first.id,
                    )
                )
        found += self._claims(on, None if customers is None else wanted)
        return sorted(found, key=lambda one: (one.customer, one.due_on, one.name, one.kind))

    def _claims(self, on: date | None, wanted: set[CustomerId] | None) -> Iterator[OpenAmount]:
        for claim in self._draft.table("claim").values():
            mine = claim.operator == self._draft.actor.operator and claim.entry is not None
            if not mine or (wanted is not None and claim.customer not in wanted):
                continue
            gone = claim.withdrawn_on is not None and (on is None or claim.withdrawn_on <= on)
            if gone or (on is not None and claim.claimed_on > on):
                continue
            applied = sum(
                one.amount_minor
                for one in self._draft.table("allocation").values()
                if one.claim == claim.id and _in_force(one, on)
            )
            if claim.amount_minor != applied:
                yield OpenAmount(
                    kind=claim.kind.value,
                    name=claim.text,
                    customer=claim.customer,
                    currency=claim.currency,
                    open_minor=claim.amount_minor - applied,
                    due_on=claim.due_on,
                    invoice=claim.invoice,
                )

    async def history(self, invoices: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Step]]:
        """Return how what is left of invoices came about, by day."""
        found: dict[InvoiceId, list[Step]] = {}
        documents = {one.id: one for one in self._invoices()}
        for key in invoices:
            whole = [one for one in documents.values() if key == one.id or one.original == documents[key].number]
            steps = [Step(one.issued_on, minor(one.total, one.currency)) for one in whole]
            for made in self._draft.table("allocation").values():
                if made.invoice in {one.id for one in whole}:
                    steps.append(Step(made.booked_on, -made.amount_minor))
                    if made.undone_on is not None:
                        steps.append(Step(made.undone_on, made.amount_minor))
            found[key] = sorted(steps)
        return found

    async def groups(self, *, at: datetime) -> Mapping[CustomerId, Sequence[str]]:
        """Return the groups that customers are in at an instant."""
        found: dict[CustomerId, list[str]] = defaultdict(list)
        for one in self._draft.table("customer_group").values():
            mine = one.operator == self._draft.actor.operator
            if mine and one.valid_from <= at and (one.valid_to is None or one.valid_to > at):
                found[one.customer].append(one.name)
        return {key: sorted(names) for key, names in found.items()}

    async def owners(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, ResellerId | None]:
        """Return the reseller whose customers these are, or who is invoiced as one of them."""
        resellers = MemoryResellers(self._draft)
        tree = as_of(await resellers.base(), await resellers.terms(), datetime.now(UTC))
        bought = {one.customer: one.id for one in tree.values() if one.customer is not None}
        rows = self._draft.table("customer")
        return {key: bought.get(key, rows[key].reseller) for key in keys if key in rows}

    async def differences(self, *, first: int = 100) -> Sequence[Difference]:
        """Return where the ledger says something else than invoices, payments and what they were applied to."""
        return list(self._differences())[:first]

    def _differences(self) -> Iterator[Difference]:
        entries = [posted.entry for posted in self._ledger._own().values()]  # noqa: SLF001  (its twin)
        total: dict[str, int] = defaultdict(int)
        unallocated: dict[str, int] = defaultdict(int)
        booked: dict[str, dict[str, int]] = {}
        standing: dict[tuple[CustomerId, str], int] = defaultdict(int)
        given: dict[tuple[CustomerId, str], int] = defaultdict(int)
        rests: dict[tuple[CustomerId, str], int] = defaultdict(int)
        for entry in entries:
            sums = booked.setdefault(entry.key, defaultdict(int))
            for one in entry.postings:
                total[one.currency] += one.amount_minor
                sums[one.account] += one.amount_minor
                if one.account == BAS.unallocated:
                    unallocated[one.currency] += one.amount_minor
                if one.account in {BAS.receivable, BAS.in_transit} and entry.customer is not None:
                    standing[entry.customer, one.currency] += one.amount_minor
                if one.account == BAS.credit and entry.customer is not None:
                    given[entry.customer, one.currency] += one.amount_minor
                    if entry.key.startswith("topup:"):
                        rests[entry.customer, one.currency] += one.amount_minor
        for currency, amount in total.items():
            yield from _differ(Rule.BALANCE, "all postings", currency, amount, 0)
        books: dict[tuple[CustomerId, str], int] = defaultdict(int)
        for invoice in self._invoices():
            key, amount = f"{invoice.kind}:{invoice.number}", minor(invoice.total, invoice.currency)
            yield from _differ(Rule.DOCUMENT, key, invoice.currency, booked.get(key, {}).get(BAS.receivable, 0), amount)
            books[invoice.customer, invoice.currency] += amount
        for claim in self._own("claim"):
            if claim.entry is not None and claim.withdrawn_at is None:
                books[claim.customer, claim.currency] += claim.amount_minor
        free: dict[str, int] = defaultdict(int)
        made = [one for one in self._own("allocation") if one.undone_at is None]
        currencies = {one.id: one.currency for one in self._invoices()}
        claims = {one.id: one.currency for one in self._own("claim")}
        for one in made:
            currency = currencies[one.invoice] if one.invoice is not None else claims[one.claim]
            books[one.customer, currency] -= one.amount_minor
        for payment in self._posted():
            amount = payment.amount_minor if payment.kind is Kind.PAYMENT else -payment.amount_minor
            told = booked.get(payment.entry or "", {}).get(BAS.bank, 0)
            moved = payment.bank_minor if payment.kind is Kind.PAYMENT else -payment.bank_minor
            yield from _differ(Rule.PAYMENT, f"payment:{payment.id}", payment.bank_currency, told, moved)
            if payment.state is PaymentState.UNALLOCATED:
                free[payment.currency] -= amount
            elif payment.customer is not None and payment.state in {PaymentState.ALLOCATED, PaymentState.CREDIT}:
                taken = sum(one.amount_minor for one in made if one.payment == payment.id)
                taken += sum(
                    one.amount_minor for one in self._own("refund") if one.payment == payment.id and _live(one)
                )
                rests[payment.customer, payment.currency] += taken - amount
            elif payment.customer is not None and payment.kind is Kind.PAYMENT:
                # It came back, and what was paid back of it before is owed.
                left = [one for one in self._own("refund") if one.payment == payment.id and _live(one)]
                rests[payment.customer, payment.currency] += sum(one.amount_minor for one in left)
        for currency in unallocated.keys() | free.keys():
            what = f"account {BAS.unallocated}"
            yield from _differ(Rule.UNALLOCATED, what, currency, unallocated[currency], free[currency])
        sent = [one for one in self._own("debit_order") if one.state is DebitState.SENT]
        yield from _on_the_way(Rule.IN_TRANSIT, BAS.in_transit, entries, sent, 1)
        back = [one for one in self._own("refund") if one.state in {RefundState.REQUESTED, RefundState.SENT}]
        yield from _on_the_way(Rule.PAYOUTS, BAS.payouts, entries, back, -1)
        for rule, ledger, others in ((Rule.CUSTOMER, standing, books), (Rule.CREDIT, given, rests)):
            for who in sorted(ledger.keys() | others.keys()):
                yield from _differ(rule, f"customer {who[0]}", who[1], ledger[who], others[who])

    def _own(self, table: str) -> list[Any]:
        return [one for one in self._draft.table(table).values() if one.operator == self._draft.actor.operator]


def _on_the_way(
    rule: Rule, account: str, entries: Iterable[Entry], orders: Iterable[Any], sign: int
) -> Iterator[Difference]:
    """Compare an account of what is on its way with the orders that are."""
    ledger: dict[str, int] = defaultdict(int)
    books: dict[str, int] = defaultdict(int)
    for entry in entries:
        for one in entry.postings:
            if one.account == account:
                ledger[one.currency] += one.amount_minor
    for order in orders:
        books[order.currency] += sign * order.amount_minor
    for currency in sorted(ledger.keys() | books.keys()):
        yield from _differ(rule, f"account {account}", currency, ledger[currency], books[currency])


def _live(refund: Refund) -> bool:
    """Tell whether a refund has taken its money from the payment's rest."""
    return refund.state in {RefundState.REQUESTED, RefundState.SENT, RefundState.PAID}


def _in_force(one: Allocation, on: date | None) -> bool:
    """Tell whether an allocation counts, now or when a day ended."""
    if on is None:
        return one.undone_at is None
    return one.booked_on <= on and (one.undone_on is None or one.undone_on > on)


def _differ(rule: Rule, what: str, currency: str, ledger: int, books: int) -> Iterator[Difference]:
    if ledger != books:
        yield Difference(rule=rule, what=what, currency=currency, ledger_minor=ledger, books_minor=books)
