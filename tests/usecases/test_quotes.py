"""Quotes and the contracts they become, on the memory twin and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.contracts.contract import ContractState
from domain.contracts.service import BundlePart
from domain.contracts.terms import Discount, Terms
from domain.ids import CustomerId, QuoteId, ServiceId
from domain.ports.page import PageRequest
from domain.quotes.quote import Quote, QuoteLine, QuoteState, sums
from domain.refusal import BadValue, Conflict, NotFound, Stale, WrongState
from domain.usecases.carry_out_changes import carry_out_changes
from domain.usecases.change_service import ChangeService, change_service
from domain.usecases.get_contract import get_contract
from domain.usecases.quote_contract import (
    AnswerQuote,
    ChangeQuote,
    CreateQuote,
    answer_quote,
    change_quote,
    create_quote,
    get_quote,
    list_quotes,
    send_quote,
)
from tests.stores.worlds import World
from tests.usecases.test_contracts import a_customer, a_service
from tests.usecases.trail import trail


def who(world: World, actor=None) -> dict[str, object]:
    return {"actor": actor or world.operator, "begin": world.begin, "clock": world.clock}


async def a_quote(world: World, actor=None, **fields: object) -> Quote:
    if "customer" not in fields:
        fields["customer"] = (await a_customer(world, actor)).id
    if "lines" not in fields:
        fields["lines"] = (QuoteLine(service=(await a_service(world, periodic_fee=Decimal(199))).id, quantity=3),)
    return await create_quote(CreateQuote(**fields), **who(world, actor))


async def test_a_quote_becomes_a_contract_at_its_prices(world: World) -> None:
    draft = await a_quote(
        world, terms=Terms(binding_months=24, seller="anna"), text="As we talked about",
        discounts=(Discount(start=date(2026, 3, 1), percent=Decimal(10)),),
    )  # fmt: skip
    assert (draft.number, draft.state, draft.valid_until) == ("Q1001", QuoteState.DRAFT, date(2026, 3, 31))
    (line,) = draft.lines
    async with world.begin(world.operator) as unit:
        services = await unit.services.many([line.service])
    assert sums(draft, services, date(2026, 3, 1)).monthly == 597
    changed = await change_quote(
        ChangeQuote(quote=draft.id, version=1, lines=(replace(line, quantity=4),), start=date(2026, 4, 1)), **who(world)
    )
    sent = await send_quote(draft.id, changed.version, **who(world))
    assert (sent.state, sent.lines[0].periodic_fee) == (QuoteState.SENT, 199)
    with pytest.raises(WrongState):
        await change_quote(ChangeQuote(quote=draft.id, version=sent.version, text=None), **who(world))
    dearer = ChangeService(service=line.service, version=1, periodic_fee=Decimal(999))
    await change_service(dearer, **who(world))
    yes = AnswerQuote(quote=draft.id, version=sent.version, accepted=True, signatory="Karin Ek", idempotency_key="yes")
    accepted = await answer_quote(yes, **who(world))
    assert await answer_quote(yes, **who(world)) == accepted
    assert accepted.contract is not None
    made = await get_contract(accepted.contract, actor=world.operator, begin=world.begin)
    assert (made.state, made.start, made.customer) == (ContractState.ACTIVE, date(2026, 4, 1), draft.customer)
    assert [(one.quantity, one.periodic_fee, one.start) for one in made.services] == [(4, 199, made.start)]
    assert (made.terms.signatory, made.terms.signed_on, made.terms.seller) == ("Karin Ek", date(2026, 3, 1), "anna")
    assert made.discounts == draft.discounts
    assert [entry[1] for entry in (await trail(world))[-2:]] == ["create_contract", "accept_quote"]
    with pytest.raises(WrongState):
        await answer_quote(AnswerQuote(quote=draft.id, version=accepted.version, accepted=False), **who(world))
    assert await get_quote("Q1001", **who(world)) == accepted


async def test_a_quote_is_declined_or_expires(world: World) -> None:
    lines = (await a_quote(world)).lines
    no = await a_quote(world, lines=lines)
    sent = await send_quote(no.id, 1, **who(world))
    declined = await answer_quote(
        AnswerQuote(quote=no.id, version=sent.version, accepted=False, reason="too dear"), **who(world)
    )
    assert (declined.state, declined.reason, declined.contract) == (QuoteState.DECLINED, "too dear", None)
    late = await a_quote(world, lines=lines, valid_until=date(2026, 3, 2))
    sent = await send_quote(late.id, 1, **who(world))
    world.clock.pass_by(days=1)
    assert (await get_quote(late.id, **who(world))).state is QuoteState.SENT
    world.clock.pass_by(days=1)
    assert (await get_quote(late.id, **who(world))).state is QuoteState.EXPIRED
    with pytest.raises(WrongState):
        await answer_quote(AnswerQuote(quote=late.id, version=sent.version, accepted=True), **who(world))
    assert (await carry_out_changes(**who(world))).lapsed == 1
    assert (await carry_out_changes(**who(world))).lapsed == 0


async def test_bad_quotes(world: World) -> None:
    one = await a_quote(world, idempotency_key="k", number="mine")
    for fields, refusal, field in (
        ({"lines": ()}, BadValue, "lines"),
        ({"lines": (one.lines[0], one.lines[0])}, BadValue, "lines"),
        ({"lines": (QuoteLine(service=ServiceId(10**9)),)}, NotFound, "services.0.service"),
        ({"lines": one.lines, "customer": CustomerId(10**9)}, NotFound, "customer"),
        ({"lines": one.lines, "number": "mine"}, Conflict, "number"),
        ({"lines": one.lines, "price_list": "none"}, NotFound, "priceList"),
        ({"lines": one.lines, "terms": Terms(binding_months=-1)}, BadValue, "terms.bindingMonths"),
    ):
        with pytest.raises(refusal) as no:
            await a_quote(world, **fields)
        assert no.value.field == field
    with pytest.raises(Stale):
        await send_quote(one.id, 2, **who(world))
    with pytest.raises(WrongState):
        await answer_quote(AnswerQuote(quote=one.id, version=1, accepted=True), **who(world))
    old = await a_quote(world, lines=one.lines, valid_until=date(2026, 2, 1))
    with pytest.raises(BadValue):
        await send_quote(old.id, 1, **who(world))


async def test_who_sees_a_quote(world: World) -> None:
    mine = await a_quote(world, world.north)
    assert (await get_quote(mine.id, **who(world, world.north))).id == mine.id
    assert list((await list_quotes(PageRequest(), customer=mine.customer, **who(world))).items) == [mine]
    for stranger in (world.south, world.north_east, world.other_operator):
        for key in (mine.id, mine.number, QuoteId(10**9)):
            with pytest.raises(NotFound):
                await get_quote(key, **who(world, stranger))
        with pytest.raises(NotFound):
            await send_quote(mine.id, 1, **who(world, stranger))
        assert list((await list_quotes(PageRequest(), **who(world, stranger))).items) == []


async def test_parts_of_a_bundle_cost_what_they_did_when_the_quote_was_sent(world: World) -> None:
    part = await a_service(world, code="part", periodic_fee=Decimal(50), one_time_fee=Decimal(7))
    bundle = await a_service(
        world, code="bundle", periodic_fee=Decimal(100), one_time_fee=Decimal(0),
        parts=(BundlePart(service=part.id, quantity=2, one_time_fee=None, periodic_fee=None),),
    )  # fmt: skip
    draft = await a_quote(world, lines=(QuoteLine(service=bundle.id),))
    sent = await send_quote(draft.id, 1, **who(world))
    dearer = ChangeService(service=part.id, version=1, periodic_fee=Decimal(80), one_time_fee=Decimal(9))
    await change_service(dearer, **who(world))
    answer = AnswerQuote(quote=sent.id, version=2, accepted=True, start=date(2026, 4, 1))
    accepted = await answer_quote(answer, **who(world))
    contract = await get_contract(accepted.contract, actor=world.operator, begin=world.begin)
    assert [(line.quantity, line.one_time_fee, line.periodic_fee) for line in contract.services] == [
        (1, 0, 100), (2, 7, 50),
    ]  # fmt: skip
