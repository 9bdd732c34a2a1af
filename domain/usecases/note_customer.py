"""Note something about a customer, and read the notes."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.customers.customer import check_open
from domain.customers.note import Note, check
from domain.ids import CustomerId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCustomer:
    """A note; it is never changed. The author is the client that writes it."""

    customer: CustomerId
    text: str
    idempotency_key: str | None = None


@operation(Action.WRITE_CUSTOMERS)
async def note_customer(cmd: NoteCustomer, *, actor: Actor, begin: Begin, clock: Clock) -> Note:
    """Keep a note. Refuses with: NotAllowed, BadValue, NotFound, Conflict (key), WrongState (closed)."""
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            (note,) = (await unit.notes.page(cmd.customer, PageRequest(1, known - 1))).items
            return note
        customer = check_open(await unit.customers.get(cmd.customer))
        new = Note(
            id=0,
            operator=actor.operator,
            customer=customer.id,
            at=clock.now(),
            author=actor.client,
            text=cmd.text.strip(),
        )
        kept = await unit.notes.add(check(new))
        await remember(unit.answers, cmd, kept.id)
        detail = {"version": customer.version, "changed": ["notes"], "note": kept.id}
        await unit.audit.write("note_customer", f"customer:{customer.id}", detail)
    return kept


@operation(Action.READ_CUSTOMERS)
async def list_notes(customer: CustomerId, page: PageRequest, *, actor: Actor, begin: Begin) -> Page[Note]:
    """Return a page of a customer's notes in the order they were written. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.customers.get(customer)
        return await unit.notes.page(customer, page)
