from __future__ import annotations

from decimal import Decimal

import pytest

from domain.ids import InvoiceId
from domain.refusal import NotAllowed, NotFound, WrongState
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office


async def take_back(office: Office, key: InvoiceId, actor=None):
    return await credit_invoice(
        CreditInvoice(invoice=key, issued_on=NOVEMBER.start),
        actor=actor or office.actor,
        begin=office.world.begin,
        clock=office.world.clock,
    )


async def test_a_credit_note_is_the_mirror_and_names_its_invoice(office: Office) -> None:
    one, _, line = await office.customer()
    await office.use(line, 1_234_567)
    await office.bill()
    (invoice,) = office.invoices
    note = await take_back(office, invoice.id)
    assert (note.number, note.original, note.run) == ("100001", invoice.number, None)
    assert (note.net, note.vat_total, note.rounding, note.total) == tuple(
        -each for each in (invoice.net, invoice.vat_total, invoice.rounding, invoice.total)
    )
    assert [each.net for each in note.lines] == [-each.net for each in invoice.lines]
    async with office.begin() as unit:
        assert await unit.invoices.get(note.id) == note
        assert await unit.invoices.get(invoice.id) == invoice
        assert await unit.invoices.credited(invoice.number) == [note]
        assert await unit.ledger.owed([one.id]) == {one.id: {"SEK": 0}}
        assert (await unit.ledger.by_key("credit_note:100001")).entry.reverses == f"invoice:{invoice.number}"
        assert set((await unit.ledger.balances()).values()) == {0}
    # What was credited is not charged anew.
    assert (await office.bill(OCTOBER)).invoices == 0
    assert (await office.bill(NOVEMBER)).net == Decimal("199.00")


async def test_an_invoice_is_credited_once(office: Office) -> None:
    await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    note = await take_back(office, invoice.id)
    with pytest.raises(WrongState, match="was credited before"):
        await take_back(office, invoice.id)
    with pytest.raises(WrongState, match="is a credit note"):
        await take_back(office, note.id)
    async with office.begin() as unit:
        assert await unit.invoices.credited(invoice.number) == [note]
        _, numbers = await unit.invoices.draw(note.kind, 1)
        assert numbers == ["100002"]  # the one that was refused left no gap


async def test_strangers_credit_nothing(office: Office) -> None:
    await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    with pytest.raises(NotAllowed):
        await take_back(office, invoice.id, office.world.north)
    with pytest.raises(NotFound):
        await take_back(office, invoice.id, office.world.other_operator)
