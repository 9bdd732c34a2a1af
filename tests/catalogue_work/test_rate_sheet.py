"""Suppliers' rate sheets: what is read, what is refused by row, what would change, and the draft that comes of it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from domain.catalogue.rate_sheet import Layout, SheetRead, read_sheet
from domain.rating.book import compile_book
from domain.refusal import BadValue, LimitExceeded, NotAllowed, NotFound, Refusal, Unreadable
from domain.usecases.publish_draft import PublishDraft, publish_draft
from domain.usecases.read_rate_sheet import ReadRateSheet, SheetAnswer, read_rate_sheet
from integrations.sheets import rows as sheet_rows
from integrations.sheets.rows import SheetFiles
from tests.catalogue_work.test_drafts import load, rates, tariff
from tests.stores.worlds import World
from tests.usecases.trail import trail

HEAD = "Prefix,Destination,Rate"


def read(text: str, **layout: Any) -> SheetRead:
    return read_sheet(SheetFiles().rows(text.encode()), Layout(**layout))


@pytest.mark.parametrize(
    ("cell", "prefixes"),
    [
        ("93", {"93"}),
        ("+93", {"93"}),
        ("^93.*", {"93"}),
        ("931 / 932|933", {"931", "932", "933"}),
        ("1201-1203", {"1201", "1202", "1203"}),
        ("1201 - 3", {"1201", "1202", "1203"}),
        ("1198-1212", {"1198", "1199", "120", "1210", "1211", "1212"}),
        ("00-99", {str(digit) for digit in range(10)}),
        ("93[1-35].*", {"931", "932", "933", "935"}),
        ("937x", {"937"}),
    ],
)
def test_a_cell_of_prefixes(cell: str, prefixes: set[str]) -> None:
    made = read(f"Code;Rate\n{cell};0,5\n")
    assert made.faults == []
    assert set(made.prices[0].prefixes) == prefixes


@pytest.mark.parametrize("cell", ["", "9(1|2)x?", "abc", "1203-1201", "12-1234", "1" * 19, "[0-9]" * 6, "^", "[-]"])
def test_a_cell_that_is_none_is_a_fault_of_its_row(cell: str) -> None:
    made = read(f"Code;Rate\n46;0,5\n{cell};0,5\n")
    assert [(fault.row, fault.message.partition(":")[0]) for fault in made.faults] == [(3, "prefix")]


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0,0123", 12_300_000),
        ("0.0123", 12_300_000),
        (".5", 500_000_000),
        ("1.234,5", 1_234_500_000_000),
        ("$ 0.10", 100_000_000),
    ],
)
def test_a_price_may_be_written_in_several_ways(text: str, nano: int) -> None:
    assert read(f"Code;Rate\n46;{text}\n").prices[0].price == nano


@pytest.mark.parametrize("text", ["", "-1", "free", "1e3", "0.1234567891", "99999999999"])
def test_what_is_no_price_is_a_fault_of_its_row(text: str) -> None:
    assert [fault.row for fault in read(f"Code;Rate\n46;{text}\n").faults] == [2]


def test_columns_are_known_by_their_headings_below_what_stands_above_them() -> None:
    text = (
        "Supplier AB;;;;;\n\nDial Code;Country;Rate per minute;Connect Fee;Billing increments;Effective Date;Enabled\n"
        "46;Sweden;0,10;0,05;60/1;13/04/2026;yes\n47;Norway;0,20;0;1/1;01/05/2026;no\n"
    )
    made = read(text, zone="Europe/Stockholm")
    assert (made.faults, made.disabled) == ([], 1)
    (one,) = made.prices
    assert (one.row, one.destination, one.setup, one.first, one.next) == (4, "Sweden", 50_000_000, 60, 1)
    assert one.valid_from == datetime(2026, 4, 12, 22, tzinfo=UTC)


def test_a_day_that_may_be_a_month_must_be_told_apart() -> None:
    text = "Code,Rate,Effective\n46,1,03/04/2026\n"
    assert "dates" in read(text).faults[0].message
    assert read(text, dates="mdy").prices[0].valid_from == datetime(2026, 3, 4, tzinfo=UTC)
    assert read(text, dates="dmy").prices[0].valid_from == datetime(2026, 4, 3, tzinfo=UTC)
    assert read(text.replace("03/04", "31/04"), dates="dmy").faults[0].row == 2


def test_columns_can_be_named_and_a_country_code_stands_before() -> None:
    made = read(
        "Land,Riktnr,Pris\n46,8|31,0.1\n", columns={"country_code": "land", "prefix": "riktnr", "price": "pris"}
    )
    assert made.prices[0].prefixes == ("468", "4631")
    with pytest.raises(BadValue):
        read("a,b\n1,2\n")
    with pytest.raises(BadValue):
        read("Code,Rate\n46,1\n", columns={"colour": "x"})


def test_a_column_without_a_role_is_a_fault_until_it_is_given_one_or_left() -> None:
    text = "Prefix,Destination,Country,Rate,Interval,Peak,Empty\n46,Sweden,SE,1,60,2,\n"
    made = read(text)
    assert [(fault.row, fault.message.partition(" has no role")[0]) for fault in made.faults] == [
        (1, "columns: 'Interval'"),
        (1, "columns: 'Peak'"),
    ]
    assert made.ignored == ["Country", "Interval", "Peak", "Empty"]
    mapped = read(text, columns={"next": "interval"}, ignored=("peak",))
    assert (mapped.faults, mapped.ignored, mapped.prices[0].next) == ([], ["Country", "Peak", "Empty"], 60)
    assert read(text, ignored=("*",)).faults == []
    twice = read("Prefix,Rate,New rate\n46,1,2\n")
    assert "'New rate' has no role" in twice.faults[0].message, "which of two prices holds is for a person to say"


def test_a_prefix_that_stands_twice_is_a_fault_unless_it_is_of_another_day() -> None:
    assert "row 2" in read("Code,Rate\n46,1\n46,2\n").faults[0].message
    assert len(read("Code,Rate,Effective\n46,1,2026-05-01\n46,2,2026-06-01\n").prices) == 2


def workbook(*rows_: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows_:
        book.active.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_a_workbook_is_read_with_its_numbers_and_dates() -> None:
    content = workbook(("Prefix", "Price", "Effective date"), (4670, 0.1 + 0.2, datetime(2026, 5, 1)))  # noqa: DTZ001  (a cell has no zone)
    (one,) = read_sheet(SheetFiles().rows(content), Layout()).prices
    assert (one.prefixes, one.price, one.valid_from) == (("4670",), 300_000_000, datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(NotFound):
        SheetFiles().rows(content, sheet="Prices")


def test_what_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"", b"PK\x03\x04 not a workbook", b"\x00\x01\x02", b"\xff\xfe\x00"):
        with pytest.raises(Unreadable):
            SheetFiles().rows(content)
    monkeypatch.setattr(sheet_rows, "UNPACKED_MAX", 100)
    with pytest.raises(LimitExceeded):
        SheetFiles().rows(workbook(("a",)))


async def sheet(world: World, text: str, *, caller: str = "operator", **more: Any) -> SheetAnswer:
    cmd = ReadRateSheet(**({"content": text.encode(), "price_list": "supplier"} | more))
    where: dict[str, Any] = {"begin": world.begin, "clock": world.clock, "sheets": SheetFiles()}
    return await read_rate_sheet(cmd, actor=getattr(world, caller), **where)


async def publish(world: World) -> None:
    cmd = PublishDraft(name="deck", accept_warnings=True)
    await publish_draft(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


def kinds(answer: SheetAnswer) -> dict[str, str]:
    return {line.destination: line.kind for line in answer.lines}


async def test_a_preview_shows_new_changed_ended_and_suspicious_and_a_draft_does_it(world: World) -> None:
    await load(world)
    first = f"{HEAD}\n46,Sweden,0.10\n47,Norge,0.20\n49,Tyskland,0.30\n358,Finland,0.40\n"
    looked = await sheet(world, first)
    assert kinds(looked) == {"SE": "new", "NO": "new", "DE": "new", "Finland": "new"}
    assert looked.draft is None
    answer = await sheet(world, first, draft="deck")
    assert answer.draft is not None
    assert answer.draft.changes["destinations"] == {"Finland": {"prefixes": ["358"]}}
    await publish(world)
    assert (await rates(world, "supplier", "NO"))[0].steps[0].price == 200_000_000
    world.clock.pass_by(days=1)
    second = f"{HEAD}\n46,Sweden,0.10\n47,Norge,0.23\n358,Finland,0.90\n"
    part = await sheet(world, second)
    assert kinds(part) == {"SE": "same", "NO": "changed", "Finland": "changed"}
    assert {line.destination: line.percent for line in part.lines if line.suspicious} == {"Finland": Decimal("125.00")}
    full = await sheet(world, second, full=True, draft="deck")
    assert full.counts == {"new": 0, "changed": 2, "same": 1, "ended": 1, "suspicious": 1}
    await publish(world)
    (ended,) = await rates(world, "supplier", "DE")
    assert ended.valid_to == world.clock.now()
    old, new = await rates(world, "supplier", "NO")
    assert (old.valid_to, new.valid_from) == (world.clock.now(), world.clock.now())
    compile_book(await tariff(world))
    assert ("boss", "read_rate_sheet", "draft:deck") in await trail(world)


async def test_finer_prefixes_take_the_dearest_and_coarser_ones_reach_what_they_hold(world: World) -> None:
    await load(world)
    answer = await sheet(world, f"{HEAD}\n46,Sweden,0.10\n4670,Sweden mobile,0.50\n4,Europe,0.05\n", full=True)
    found = {line.destination: line for line in answer.lines}
    assert found["SE"].new is not None
    assert (found["SE"].new.steps[0].price, found["SE"].note) == (500_000_000, "the dearest of 2 prices in the sheet")
    assert found["NO"].new is not None
    assert found["NO"].new.steps[0].price == 50_000_000
    assert found["Europe"].kind == "new"


async def test_a_finer_prefix_that_prices_a_whole_destination_is_said(world: World) -> None:
    await load(world)
    answer = await sheet(world, f"{HEAD}\n4670,Sweden mobile,0.50\n47,Norway,0.10\n4790,Norway mobile,0.10\n")
    found = {line.destination: line.note for line in answer.lines}
    assert found == {"SE": "the sheet prices 4670 alone, and the price will hold for all of 46", "NO": ""}


async def test_dates_are_in_the_operators_zone_unless_another_is_named(world: World) -> None:
    await load(world)
    text = "Prefix,Rate,Effective\n46,0.1,2026-05-01\n"
    for layout, hour in ((Layout(), 22), (Layout(zone="UTC"), 0)):
        (line,) = (await sheet(world, text, layout=layout)).lines
        assert line.new is not None
        assert line.new.valid_from is not None
        assert line.new.valid_from.hour == hour


async def test_a_new_list_needs_a_currency_and_one_name_with_two_prices_is_two_destinations(world: World) -> None:
    text = f"{HEAD}\n881,Satellite,1.00\n882,Satellite,2.00\n883,Satellite,1.00\n"
    with pytest.raises(BadValue):
        await sheet(world, text, price_list="sat")
    answer = await sheet(world, text, price_list="sat", currency="EUR", draft="deck")
    assert kinds(answer) == {"Satellite": "new", "Satellite 882": "new"}
    await publish(world)
    found = await tariff(world)
    assert found.destinations["Satellite"].prefixes == ("881", "883")
    assert found.price_lists["sat"].currency == "EUR"
    grown = await sheet(world, f"{HEAD}\n888,Satellite,1.00\n", price_list="sat", draft="deck")
    assert kinds(grown) == {"Satellite": "same"}
    await publish(world)
    assert (await tariff(world)).destinations["Satellite"].prefixes == ("881", "883", "888")


async def test_with_a_fault_no_draft_is_touched(world: World) -> None:
    answer = await sheet(world, f"{HEAD}\n46,SE,1\n47,NO,x\n48,PL,\n", currency="SEK", draft="deck")
    assert [fault.row for fault in answer.faults] == [3, 4]
    assert (answer.draft, list(answer.lines)) == (None, [])
    async with world.begin(world.operator) as unit:
        assert await unit.drafts.open("deck") is None


async def test_nobody_but_the_operator_reads_sheets(world: World) -> None:
    await load(world)
    for caller in ("north", "north_east", "south"):
        with pytest.raises(NotAllowed):
            await sheet(world, f"{HEAD}\n46,SE,1\n", caller=caller)
    with pytest.raises(BadValue):  # the other operator has no such list
        await sheet(world, f"{HEAD}\n46,SE,1\n", caller="other_operator")


@pytest.mark.parametrize("more", [{"direction": "up"}, {"mode": ""}, {"currency": "kr"}, {"suspicious": Decimal(-1)}])
async def test_a_wrong_call_is_refused(world: World, more: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        await sheet(world, f"{HEAD}\n46,SE,1\n", **more)


@pytest.mark.shared
async def test_a_whole_deck_becomes_a_list(world: World, shared: Path) -> None:
    content = (shared / "data" / "rate_decks" / "astpp_az_36k.csv").read_bytes()
    layout = Layout(columns={"price": "rate_per_min_usd", "next": "increment_seconds"})  # no second is included
    answer = await sheet(world, "", content=content, price_list="deck", currency="USD", layout=layout, draft="deck")
    assert list(answer.faults) == []
    assert answer.rows == 36_205
    await publish(world)
    found = await tariff(world)
    assert sum(len(one.prefixes) for one in found.destinations.values()) == 36_205
    again = await sheet(world, "", content=content, price_list="deck", layout=layout, full=True)
    assert (again.counts["same"], again.counts["new"] + again.counts["changed"] + again.counts["ended"]) == (
        len(found.price_lists["deck"].rates),
        0,
    )


def test_unknown_headings_and_unclear_dates_say_what_to_give() -> None:
    with pytest.raises(BadValue, match=r"headings for prefix and price; name those of the sheet, as price=Tariff"):
        read("Prefix,Price EUR\n47,1\n")
    (fault,) = read("Prefix,Rate,Valid from\n47,1,05/06/2026\n").faults
    assert fault.message.endswith("(dates: dmy or mdy)")
