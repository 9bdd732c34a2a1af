"""Texts of rules that no database and no document can keep are refused, not run into."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.collection.limits import ReferenceRate
from domain.delivery.channel import Settings
from domain.delivery.dispatch import Form, Way
from domain.refusal import BadValue
from domain.usecases.manage_collection import put_reference_rate
from domain.usecases.put_channel import PutChannel, put_channel
from domain.usecases.set_brand import SetBrand, set_brand
from tests.stores.worlds import World


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b", "a\x1bb"])
async def test_a_brand_holds_texts_that_can_be_kept(world: World, odd: str) -> None:
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    for cmd in (SetBrand(note=odd), SetBrand(intro={"sv": odd}), SetBrand(closing={"en": odd})):
        with pytest.raises(BadValue, match="control characters"):
            await set_brand(cmd, **around)
    kept = await set_brand(SetBrand(note="one\ntwo", intro={"sv": "Hej\nigen"}), **around)
    assert kept.intro["sv"] == "Hej\nigen"


async def test_neither_does_a_channel_nor_a_rate(world: World) -> None:
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin}
    odd: dict[str, Any] = {"http": None, "transports": None, "vault": None}  # refused before anything is asked
    for said in (
        Settings(intermediary="a\x00"),
        Settings(document_field="\ud800"),
        Settings(states=(("\x00", "sent"),)),
    ):
        with pytest.raises(BadValue, match="control characters"):
            await put_channel(PutChannel(code="x", way=Way.MAIL, forms=(Form.PDF,), settings=said), **around, **odd)
    rate = ReferenceRate(
        country="SE", valid_from=date(2027, 1, 1), percent=Decimal(2), source="a\x00", operator=world.operator.operator
    )
    with pytest.raises(BadValue, match="control characters"):
        await put_reference_rate(rate, **around)
