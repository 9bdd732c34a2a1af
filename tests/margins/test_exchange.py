"""Exchange rates: reading banks' files, which rate holds on a day, and converting exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wiring import Wiring
from domain.access.actor import Action, system
from domain.ids import OperatorId
from domain.margins.exchange import DayRate, Exchange, MarginRules
from domain.refusal import BadValue, Conflict, NotAllowed, Unreadable
from domain.usecases.import_rates import (
    ImportRates,
    import_rates,
    list_exchange_rates,
    margin_rules,
    set_margin_rules,
)
from integrations.rates.files import read_rates
from tests.intake import world as made

DAY = date(2026, 3, 2)
DAILY = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube><Cube time='2026-03-02'><Cube currency='USD' rate='1.0842'/><Cube currency='JPY' rate='161.85'/>
  <Cube currency='SEK' rate='11.2345'/></Cube></Cube>
</gesmes:Envelope>"""
HISTORY = b"Date,USD,JPY,CYP,SEK,\n2026-03-03,1.0850,161.1,N/A,11.2500,\n2026-03-02,1.0842,161.85,N/A,11.2345,\n"
ONE_DAY = b"Date, USD, JPY, SEK, \n02 March 2026, 1.0842, 161.85, 11.2345, \n"
RIKSBANK = (
    "Sveriges Riksbank\nPeriod;Grupp;Serie;V\u00e4rde\n2026-03-02;Valutor mot svenska kronor;1 EUR;11,2345\n"
    "2026-03-02;Valutor mot svenska kronor;100 JPY;6,9413\n2026-03-03;Valutor mot svenska kronor;1 EUR;N/A\n"
)


def euro(quote: str, rate: str, day: date = DAY) -> DayRate:
    return DayRate(day, "EUR", quote, Decimal(rate), "ECB")


@pytest.mark.parametrize("content", [DAILY, HISTORY, ONE_DAY, b"\xef\xbb\xbf" + HISTORY])
def test_the_central_banks_files_are_read(content: bytes) -> None:
    found = {(one.day, one.quote): one for one in read_rates(content)}
    assert found[DAY, "USD"] == euro("USD", "1.0842")
    assert found[DAY, "SEK"] == euro("SEK", "11.2345")
    assert (DAY, "CYP") not in found


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_riksbanks_file_is_read_for_one_or_a_hundred(encoding: str) -> None:
    assert read_rates(RIKSBANK.encode(encoding)) == [
        DayRate(DAY, "EUR", "SEK", Decimal("11.2345"), "Riksbank"),
        DayRate(DAY, "JPY", "SEK", Decimal("0.069413"), "Riksbank"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither"),
        (b"PK\x03\x04\x00", "no text"),
        (b"<a/>", "no exchange rate"),
        (b"<a", "not well-formed"),
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "DOCTYPE|not well-formed"),
        (b"Date,USD,\n2026-03-02,1e3,\n", "line 2"),
        (b"Date,USD,\n2026-03-02,-1.2,\n", "line 2"),
        (b"Date,USD,\n2026-03-02,0,\n", "line 2"),
        (b"Date,USD,\n2026-13-02,1.2,\n", "line 2"),
        (b"Date,usd,\n2026-03-02,1.2,\n", "line 2"),
        (b"Date,EUR,\n2026-03-02,1.2,\n", "against itself"),
        (b"Date,USD,\n2026-03-02,1.2,\n2026-03-02,1.3,\n", "another rate"),
        (b"2026-03-02;x;SEKJPYPMI;6,9\n", "is no series"),
        (b"day,base,quote,rate\n2026-03-02,EUR,SEK\n", "four columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_rates(content)


def test_which_rate_holds() -> None:
    rates = [euro("SEK", "11"), euro("USD", "1.1"), DayRate(DAY, "JPY", "SEK", Decimal("0.07"), "x")]
    rates += [euro("SEK", "12", date(2026, 3, 9))]
    exchange = Exchange(rates, max_age_days=7)
    assert exchange.factor("SEK", "SEK", DAY) == 1
    assert exchange.factor("EUR", "SEK", DAY) == 11
    assert exchange.factor("SEK", "EUR", DAY) == Fraction(1, 11)
    assert exchange.factor("USD", "SEK", DAY) == Fraction(11) / Fraction(11, 10)
    assert exchange.factor("EUR", "JPY", DAY) == 11 / Fraction(7, 100)
    assert exchange.factor("EUR", "SEK", date(2026, 3, 8)) == 11  # the last earlier one
    assert exchange.factor("EUR", "SEK", date(2026, 3, 9)) == 12
    assert exchange.factor("EUR", "SEK", date(2026, 3, 16)) == 12  # seven days old
    assert exchange.factor("EUR", "SEK", date(2026, 3, 17)) is None
    assert exchange.factor("EUR", "SEK", date(2026, 3, 1)) is None  # never a later one
    assert exchange.factor("NOK", "SEK", DAY) is None
    assert exchange.convert(5, "NOK", "SEK", DAY) is None


@given(micro=st.integers(-(2**63), 2**63 - 1), rate=st.decimals("0.000001", "99999.999999", places=6))
def test_converting_is_exact_half_away_and_mirrored(micro: int, rate: Decimal) -> None:
    exchange = Exchange([euro("SEK", str(rate))])
    there = exchange.convert(micro, "EUR", "SEK", DAY)
    assert there is not None
    assert abs(Fraction(there) - micro * Fraction(rate)) <= Fraction(1, 2)
    assert exchange.convert(-micro, "EUR", "SEK", DAY) == -there


def test_half_a_micro_unit_goes_away_from_zero() -> None:
    exchange = Exchange([euro("SEK", "0.5")])
    assert [exchange.convert(one, "EUR", "SEK", DAY) for one in (1, -1, 3, -3)] == [1, -1, 2, -2]


async def test_rates_are_kept_once_and_replaced_only_when_told(wiring: Wiring, world: made.World) -> None:
    async def put(content: bytes, *, replace: bool = False) -> tuple[int, int, int]:
        done = await import_rates(
            ImportRates(content=content, replace=replace),
            actor=world.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            files=wiring.rate_files,
        )
        return done.put.new, done.put.same, done.put.changed

    assert await put(DAILY) == (3, 0, 0)
    assert await put(DAILY) == (0, 3, 0)
    assert await put(HISTORY) == (3, 3, 0)
    other = DAILY.replace(b"11.2345", b"11.3")
    async with wiring.begin(world.actor) as unit:
        before = await unit.exchange.revision()
    with pytest.raises(Conflict, match="2026-03-02"):
        await put(other)
    assert await put(other, replace=True) == (0, 2, 1)

    async def listed(after: tuple[date, str, str] | None = None, code: str | None = None) -> list[tuple[date, str]]:
        page = await list_exchange_rates(first=4, after=after, code=code, actor=world.actor, begin=wiring.begin)
        assert page.more == (after is None and code is None)
        return [(one.day, one.quote) for one in page.items]

    later = date(2026, 3, 3)
    assert await listed() == [(later, "JPY"), (later, "SEK"), (later, "USD"), (DAY, "JPY")]
    assert await listed((DAY, "EUR", "JPY")) == [(DAY, "SEK"), (DAY, "USD")]
    assert await listed(code="SEK") == [(later, "SEK"), (DAY, "SEK")]
    async with wiring.begin(world.actor) as unit:
        (kept,) = await unit.exchange.between(DAY, DAY, ["SEK"])
        assert len(await unit.exchange.every()) == 6
        assert await unit.exchange.revision() != before
    assert kept.rate == Decimal("11.3")


async def test_rates_and_rules_are_their_operators_alone(wiring: Wiring, world: made.World) -> None:
    stranger = system(OperatorId(world.operator + 100_000))
    weak = made.Actor(operator=world.operator, client="weak", scopes=frozenset({Action.READ_USAGE}))
    async with wiring.begin(world.actor) as unit:
        await unit.exchange.put([euro("SEK", "11")], replace=False, at=datetime(2026, 3, 1, tzinfo=UTC))
    async with wiring.begin(stranger) as unit:
        assert not await unit.exchange.between(DAY, DAY, ["SEK"])
    for caller in (weak, world.of_reseller(world.reseller)):
        with pytest.raises(NotAllowed):
            await import_rates(
                ImportRates(content=DAILY),
                actor=caller,
                begin=wiring.begin,
                clock=wiring.clock,
                files=wiring.rate_files,
            )
        with pytest.raises(NotAllowed):
            await set_margin_rules(MarginRules(), actor=caller, begin=wiring.begin)
        with pytest.raises(NotAllowed):
            await margin_rules(actor=caller, begin=wiring.begin)
    assert await margin_rules(actor=world.actor, begin=wiring.begin) == MarginRules()
    rules = MarginRules(None, 3)
    await set_margin_rules(rules, actor=world.actor, begin=wiring.begin)
    assert await margin_rules(actor=world.actor, begin=wiring.begin) == rules
    for wrong in ((Decimal(-1), 3), (Decimal(0), -1), (Decimal("NaN"), 3)):
        with pytest.raises(BadValue):
            MarginRules(*wrong)
