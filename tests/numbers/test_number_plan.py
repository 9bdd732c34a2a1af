"""How an operator says that numbers are dialled holds for lines, the stock, orders and searching alike."""

from __future__ import annotations

import pytest

from domain.contracts.dialled import as_kept, dialling
from domain.contracts.identifiers import IdentifierKind
from domain.mediation.profile import NumberPlan
from domain.numbers.stock import NumberStatus
from domain.operators import NumberPlan as OwnPlan
from domain.ports.page import PageRequest
from domain.usecases.change_operator import ChangeOperator, change_operator
from domain.usecases.find_numbers import FindNumbers, NumbersWanted, find_numbers
from domain.usecases.get_operator import get_operator
from domain.usecases.list_subscriptions import ListSubscriptions, list_subscriptions
from tests.numbers.made import at, by, held, line, series, status
from tests.stores.worlds import World


@pytest.mark.parametrize(
    ("text", "plan", "kept"),
    [
        ("9701234567", NumberPlan("SE", "9"), "46701234567"),
        ("0701234567", NumberPlan("SE", "9"), "0701234567"),
        ("9994712345678", NumberPlan("SE", None, "999"), "4712345678"),
        ("701234567", NumberPlan("SE", ""), "46701234567"),
        ("22123456", NumberPlan("NO"), "4722123456"),
        ("4722123456", NumberPlan("NO"), "4722123456"),
        ("0770333", NumberPlan("SE", short=("0770333",)), "0770333"),
        ("0770333", NumberPlan("SE", short=()), "46770333"),
        ("46701234567", NumberPlan("SE"), "46701234567"),
        ("trunk-1", NumberPlan(None), "trunk-1"),
    ],
)
def test_the_plan_decides(text: str, plan: NumberPlan, kept: str) -> None:
    assert as_kept([text], plan) == [kept]
    # Beside others it is the same number.
    assert as_kept([text, "+46 8 12 34 56"], plan) == [kept, "468123456"]


async def test_an_operator_dials_by_its_own_plan(world: World) -> None:
    own = await get_operator(**by(world))
    plan = OwnPlan(national_prefix="9", international_prefix="999", short=("7712",))
    changed = await change_operator(ChangeOperator(version=own.version, number_plan=plan), **by(world))
    assert dialling(changed) == NumberPlan(own.country, "9", "999", ("7712",))
    one = await line(world, held("98-123 456 01", kind=IdentifierKind.FIXED), held("7712"))
    assert [number.number for number in one.numbers] == ["46812345601", "7712"]
    found = await list_subscriptions(ListSubscriptions(page=PageRequest(), number="999 46 8 123 456 01"), **by(world))
    assert [each.id for each in found.items] == [one.id]
    await series(world, first_number="98-123 456 00", last_number="98-123 456 09")
    assert await status(world, "98-123 456 01") is NumberStatus.ASSIGNED
    query = FindNumbers(wanted=NumbersWanted(area="98", status=NumberStatus.FREE), page=PageRequest(50))
    assert len((await find_numbers(query, **at(world))).items) == 9
