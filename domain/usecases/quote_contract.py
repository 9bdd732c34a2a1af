"""Quote a contract: write a quote, change it while it is a draft, send it, and take the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, answered, camel, check_texts, given, remember
from domain.contracts.changes import ChangeKind
from domain.contracts.contract import Contract, ContractState
from domain.contracts.terms import Discount, Renewal, Terms, check_terms
from domain.ids import ContractId, CustomerId, QuoteId
from domain.period import later
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.quotes.quote import Quote, QuoteLine, QuoteState, check
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.fit_contract import day_in, discounted, done, fitted
from domain.usecases.four_eyes import discounts_given

VALID_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateQuote:
    """A new quote to a customer. Without ``number`` it is drawn; without ``valid_until`` it holds for 30 days."""

    customer: CustomerId
    lines: tuple[QuoteLine, ...]
    valid_until: date | None = None
    number: str | None = None
    start: date | None = None
    terms: Terms = Terms()  # noqa: RUF009  (frozen)
    discounts: tuple[Discount, ...] = ()
    price_list: str | None = None
    text: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQuote:
    """A change of a draft; lists and terms replace all."""

    quote: QuoteId
    version: int
    lines: Change[tuple[QuoteLine, ...]] = UNCHANGED
    valid_until: Change[date] = UNCHANGED
    start: Change[date | None] = UNCHANGED
    terms: Change[Terms] = UNCHANGED
    discounts: Change[tuple[Discount, ...]] = UNCHANGED
    price_list: Change[str | None] = UNCHANGED
    text: Change[str | None] = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuote:
    """The customer's answer. ``signatory`` signs the contract for him; it begins on the quote's day, or ``start``.

    Without either it begins on the day of the answer.
    """

    quote: QuoteId
    version: int
    accepted: bool
    start: date | None = None
    signatory: str | None = None
    reason: str | None = None
    idempotency_key: str | None = None


_FIELDS: Final = ("lines", "valid_until", "start", "terms", "discounts", "price_list", "text")


@operation(Action.WRITE_CONTRACTS)
async def create_quote(cmd: CreateQuote, *, actor: Actor, begin: Begin, clock: Clock) -> Quote:
    """Write a quote as a draft.

    Refuses with: NotAllowed, BadValue (also services that cannot stand together), NotFound (customer, service, price
    list), Conflict (number, idempotency key).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.quotes.claim(QuoteId(known))
        customer = (await unit.customers.many([cmd.customer])).get(cmd.customer)
        if customer is None:
            raise NotFound("no customer {key}", key=cmd.customer, field="customer")
        today = day_in(await unit.operators.own(), clock.now())
        quote = check(
            Quote(
                id=QuoteId(0),
                operator=actor.operator,
                customer=customer.id,
                number=cmd.number if cmd.number is not None else await unit.quotes.next_number(),
                valid_until=cmd.valid_until or date.fromordinal(today.toordinal() + VALID_DAYS),
                start=cmd.start,
                lines=cmd.lines,
                terms=cmd.terms,
                discounts=cmd.discounts,
                price_list=cmd.price_list,
                text=cmd.text,
                reseller=customer.reseller,
            )
        )
        await _check_lines(unit, quote, today)
        await discounts_given(unit, actor, quote.discounts, now=clock.now())
        kept = await unit.quotes.add(quote)
        await remember(unit.answers, cmd, kept.id)
        await _told(unit, "create_quote", kept, ())
    return kept


@operation(Action.WRITE_CONTRACTS)
async def change_quote(cmd: ChangeQuote, *, actor: Actor, begin: Begin, clock: Clock) -> Quote:
    """Change a draft. Refuses with: NotAllowed, NotFound, Stale, WrongState (it was sent), BadValue."""
    check_texts(cmd)
    changes = given(cmd, *_FIELDS)
    async with begin(actor) as unit:
        quote = await _claimed(unit, cmd.quote, cmd.version)
        if quote.state is not QuoteState.DRAFT:
            raise WrongState("a quote that was sent does not change; write another", field="quote")
        changed = check(replace(quote, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(quote, name)]
        if not different:
            return quote
        await _check_lines(unit, changed, day_in(await unit.operators.own(), clock.now()))
        await discounts_given(unit, actor, changed.discounts, quote.discounts, now=clock.now())
        kept = await unit.quotes.keep(changed)
        await _told(unit, "change_quote", kept, [camel(name) for name in different])
    return kept


@operation(Action.WRITE_CONTRACTS)
async def send_quote(quote: QuoteId, version: int, *, actor: Actor, begin: Begin, clock: Clock) -> Quote:
    """Fix a quote's prices at what they are today, and mark it as sent; from now on it can be answered.

    Refuses with: NotAllowed, NotFound, Stale, WrongState, BadValue (it is not valid any more).
    """
    async with begin(actor) as unit:
        found = await _claimed(unit, quote, version)
        now = clock.now()
        today = day_in(await unit.operators.own(), now)
        sent = found.stepped(QuoteState.SENT, today)
        if sent.valid_until < today:
            raise BadValue("the quote was valid until {day}", day=sent.valid_until, field="validUntil")
        services = dict(await unit.services.related([line.service for line in sent.lines]))
        parts = {part.service for one in services.values() for part in one.parts}
        services |= await unit.services.many(sorted(parts - services.keys()))
        kept = await unit.quotes.keep(replace(sent.priced(services, sent.start or today), sent_at=now))
        await _told(unit, "send_quote", kept, ["state", "lines", "sentAt"])
    return kept


@operation(Action.WRITE_CONTRACTS)
async def answer_quote(cmd: AnswerQuote, *, actor: Actor, begin: Begin, clock: Clock) -> Quote:
    """Take the customer's answer; an accepted quote becomes an active contract with the quote's prices.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (not sent, expired, or answered), BadValue, Conflict (key).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.quotes.claim(QuoteId(known))
        quote = await _claimed(unit, cmd.quote, cmd.version)
        now = clock.now()
        today = day_in(await unit.operators.own(), now)
        state = QuoteState.ACCEPTED if cmd.accepted else QuoteState.DECLINED
        quote = replace(quote.stepped(state, today), answered_at=now, reason=cmd.reason)
        fields = ["state", "answeredAt"]
        if cmd.accepted:
            start = cmd.start or quote.start or today
            terms = replace(quote.terms, signatory=cmd.signatory or quote.terms.signatory, signed_on=today)
            contract = await fitted(unit, await _contract(unit, replace(quote, terms=terms), start))
            contract = _fixed(contract, quote)
            kept = await unit.contracts.add(await discounted(unit, contract, (), now))
            change = done(ChangeKind.CREATE, kept, actor=actor, at=now, on=today)
            await unit.contract_changes.add(change, kept)
            detail = {"number": kept.number, "customer": kept.customer, "version": kept.version, "changed": []}
            await unit.audit.write("create_contract", f"contract:{kept.id}", {**detail, "quote": quote.id})
            quote = replace(quote, contract=kept.id)
            fields.append("contract")
        kept_quote = await unit.quotes.keep(quote)
        await remember(unit.answers, cmd, kept_quote.id)
        await _told(unit, "accept_quote" if cmd.accepted else "decline_quote", kept_quote, fields)
    return kept_quote


@operation(Action.READ_CONTRACTS)
async def get_quote(key: QuoteId | str, *, actor: Actor, begin: Begin, clock: Clock) -> Quote:
    """Return a quote by its id or, given a text, its number. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        today = day_in(await unit.operators.own(), clock.now())
        if isinstance(key, str):
            return _on(await unit.quotes.by_number(key), today)
        if key not in (found := await unit.quotes.many([key])):
            raise NotFound("no quote {key}", key=key, field="quote")
        return _on(found[key], today)


@operation(Action.READ_CONTRACTS)
async def list_quotes(
    request: PageRequest, *, customer: CustomerId | None = None, actor: Actor, begin: Begin, clock: Clock
) -> Page[Quote]:
    """Return quotes the caller may see, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        today = day_in(await unit.operators.own(), clock.now())
        page = await unit.quotes.page(request, customer=customer)
        return Page([_on(one, today) for one in page.items], more=page.more)


def _on(quote: Quote, day: date) -> Quote:
    return replace(quote, state=quote.state_on(day))


async def _claimed(unit: Unit, key: QuoteId, version: int) -> Quote:
    quote = await unit.quotes.claim(key)
    if quote.version != version:
        raise Stale("the quote is at version {version}; read it again", version=quote.version, field="version")
    return quote


async def _check_lines(unit: Unit, quote: Quote, today: date) -> None:
    if quote.price_list is not None:
        await unit.catalogue.named(quote.price_list, field="priceList")
    await fitted(unit, replace(await _contract(unit, quote, quote.start or today), number="-"))


async def _contract(unit: Unit, quote: Quote, start: date) -> Contract:
    """Return the contract that a quote becomes."""
    check_terms(quote.terms)
    end = None
    if quote.terms.renewal is Renewal.END:
        end = later(quote.terms.binding_from or start, quote.terms.binding_months)
    accepted = quote.state is QuoteState.ACCEPTED
    return Contract(
        id=ContractId(0),
        operator=quote.operator,
        customer=quote.customer,
        number=await unit.contracts.next_number() if accepted else "-",
        start=start,
        end=end,
        state=ContractState.ACTIVE,
        price_list=quote.price_list,
        reseller=quote.reseller,
        services=quote.agreed(start),
        terms=quote.terms,
        discounts=quote.discounts,
    )


def _fixed(contract: Contract, quote: Quote) -> Contract:
    """Return the contract with the fees of its bundles' parts as the quote fixed them."""
    fees = {(line.service, part.service): part for line in quote.lines for part in line.parts}
    lines = []
    for line in contract.services:
        part = None if line.bundle is None else fees.get((line.bundle, line.service))
        told = line if part is None else replace(line, one_time_fee=part.one_time_fee, periodic_fee=part.periodic_fee)
        lines.append(told)
    return replace(contract, services=tuple(lines))


async def _told(unit: Unit, action: str, quote: Quote, changed: list[str] | tuple[()]) -> None:
    detail = {"number": quote.number, "customer": quote.customer, "version": quote.version, "changed": list(changed)}
    if quote.contract is not None:
        detail["contract"] = quote.contract
    await unit.audit.write(action, f"quote:{quote.id}", detail)
