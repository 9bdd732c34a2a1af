"""A seller's brand: set by whom it is of, from a day on, on both stores; and what was issued looks as it did."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.refusal import BadValue, NotAllowed, NotFound, Stale
from domain.usecases.print_invoice import print_invoice
from domain.usecases.set_brand import SetBrand, get_brand, set_brand
from integrations.printing.documents import InvoiceDocuments


async def test_a_brand_holds_from_its_day_on(outgoing):
    given = outgoing.given
    today = outgoing.world.clock.now().date()
    first = await set_brand(SetBrand(accent="#8A1538", intro={"sv": "Hej {name}"}), **given)
    assert (first.version, first.valid_from) == (1, today)
    with pytest.raises(Stale):
        await set_brand(SetBrand(accent="#000000"), **given)
    with pytest.raises(BadValue, match="looks as it did"):
        await set_brand(SetBrand(version=1, valid_from=today - timedelta(days=1)), **given)
    with pytest.raises(NotFound, match="picture"):
        await set_brand(SetBrand(version=1, logo="0" * 64), **given)
    later = today + timedelta(days=400)
    await set_brand(SetBrand(version=1, accent="#0A5566", valid_from=later), **given)
    assert await get_brand(on=today, **given) == first
    assert (await get_brand(on=later, **given)).accent == "#0A5566"
    assert await get_brand(on=today - timedelta(days=1), **given) is None
    assert first.intro == {"sv": "Hej {name}"}


async def test_documents_are_drawn_by_the_brand_of_their_day(outgoing):
    invoice = (await outgoing.invoices())[0]
    given = {"actor": outgoing.world.operator, "begin": outgoing.world.begin, "documents": InvoiceDocuments()}
    _, before = await print_invoice(invoice.id, **given)
    on = invoice.issued_on + timedelta(days=1)
    await set_brand(SetBrand(accent="#8A1538", valid_from=on), **outgoing.given)
    _, same = await print_invoice(invoice.id, **given)
    assert same == before
    await set_brand(SetBrand(accent="#8A1538", version=1), **outgoing.given)
    _, other = await print_invoice(invoice.id, **given)
    assert other != before


async def test_who_may(outgoing):
    world = outgoing.world
    own = await set_brand(SetBrand(accent="#123456"), actor=world.north, begin=world.begin, clock=world.clock)
    assert own.reseller == world.north.reseller
    given = {"begin": world.begin, "clock": world.clock}
    with pytest.raises(NotFound):
        await set_brand(SetBrand(reseller=world.north.reseller), actor=world.south, **given)
    with pytest.raises(NotFound):
        await set_brand(SetBrand(reseller=world.north.reseller), actor=world.other_operator, **given)
    assert (await get_brand(world.north.reseller, actor=world.operator, **given)).accent == "#123456"
    with pytest.raises((NotAllowed, NotFound)):
        await get_brand(world.north.reseller, actor=world.south, **given)
    assert await get_brand(actor=world.operator, **given) is None
