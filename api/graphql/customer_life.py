"""What happens to customers: dated moves, notes, merging doubles, telling a person everything, erasing him."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.once import kept_key
from api.graphql.parties import CustomerType
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.persons import file_name, person_bytes
from domain.customers.note import Note
from domain.ids import CustomerId
from domain.usecases.erase_person import ErasePerson, Erasure, erase_person
from domain.usecases.get_customer import get_customer
from domain.usecases.merge_customers import MergeCustomers, merge_customers
from domain.usecases.move_customer import CancelMove, MoveCustomer, cancel_move, move_customer
from domain.usecases.note_customer import NoteCustomer, list_notes, note_customer

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


@strawberry.type(name="Note", description="What somebody noted about a customer; it is never changed.")
class NoteType:
    """``domain.customers.note.Note``."""

    at: datetime
    author: str = strawberry.field(description="The client that wrote it.")
    text: str

    is_type_of = shows(Note)


@strawberry.type(name="KeptByLaw", description="What of an erased person stays, why, and until when it must.")
class KeptType:
    """``domain.usecases.erase_person.Kept``."""

    what: str
    names: list[str] = strawberry.field(description="The numbers of documents.")
    reason: str
    until: date


def _count(name: str, description: str) -> Any:
    def resolve(root: strawberry.Parent[Erasure]) -> BigInt:
        return BigInt(root.changed.get(name, 0))

    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(name="Erasure", description="A person was anonymised in place.")
class ErasureType:
    """``domain.usecases.erase_person.Erasure``."""

    customer: CustomerType
    events: BigInt = _count("events", "Rated events that lost what names a person.")
    notes: BigInt = _count("notes", "Notes that are gone.")
    numbers: BigInt = _count("numbers", "Assignments of numbers that are gone.")
    kept: list[KeptType]

    is_type_of = shows(Erasure)


@strawberry.type(name="PersonExport", description="Everything that is kept of a customer, as a ZIP of JSON files.")
class PersonExportType:
    """What ``tell_person`` tells."""

    name: str
    media_type: str
    content: str = strawberry.field(description="Base64. What is larger than 16 MiB comes over REST at url alone.")
    url: str = strawberry.field(description="The same as a download, with the same token.")


@strawberry.input(description="What is left out stays as it is on that day. It holds until the next planned move.")
class MoveCustomerInput:
    """``MoveCustomer``."""

    customer: ID
    version: int
    valid_from: date = strawberry.field(description="In the operator's zone; not before what is invoiced already.")
    parent: strawberry.Maybe[ID | None]
    through_parent: strawberry.Maybe[bool]
    billed_through: strawberry.Maybe[ID | None]
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input(description="A planned move that has not come yet does not happen.")
class CancelMoveInput:
    """``CancelMove``."""

    customer: ID
    version: int
    valid_from: date
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The double goes on as the survivor; what is invoiced stays with the double.")
class MergeCustomersInput:
    """``MergeCustomers``."""

    survivor: ID
    survivor_version: int
    double: ID
    double_version: int
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input
class NoteCustomerInput:
    """``NoteCustomer``."""

    customer: ID
    text: str
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input(description="It cannot be undone.")
class ErasePersonInput:
    """``ErasePerson``."""

    customer: ID
    version: int
    idempotency_key: str | None = kept_key()


async def _move(info: Info, asked: Annotated[MoveCustomerInput, _AS_INPUT]) -> Any:
    ids = {"customer": "Customer", "parent": "Customer", "billed_through": "Customer"}
    return await info.context.ask(move_customer, command(MoveCustomer, asked, ids), clock=info.context.wiring.clock)


async def _cancel(info: Info, asked: Annotated[CancelMoveInput, _AS_INPUT]) -> Any:
    cmd = command(CancelMove, asked, {"customer": "Customer"})
    return await info.context.ask(cancel_move, cmd, clock=info.context.wiring.clock)


async def _merge(info: Info, asked: Annotated[MergeCustomersInput, _AS_INPUT]) -> Any:
    cmd = command(MergeCustomers, asked, {"survivor": "Customer", "double": "Customer"})
    return await info.context.ask(merge_customers, cmd, clock=info.context.wiring.clock)


async def _note(info: Info, asked: Annotated[NoteCustomerInput, _AS_INPUT]) -> Any:
    cmd = command(NoteCustomer, asked, {"customer": "Customer"})
    return await info.context.ask(note_customer, cmd, clock=info.context.wiring.clock)


async def _erase(info: Info, asked: Annotated[ErasePersonInput, _AS_INPUT]) -> Any:
    cmd = command(ErasePerson, asked, {"customer": "Customer"})
    return await info.context.ask(erase_person, cmd, clock=info.context.wiring.clock)


async def _export(info: Info, customer: ID) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    found = await info.context.ask(get_customer, key)
    content = await person_bytes(key, wiring=info.context.wiring, actor=info.context.actor)
    return PersonExportType(
        name=file_name(found),
        media_type="application/zip",
        content=base64.b64encode(content).decode("ascii"),
        url=f"/rest/v1/customers/{found.id}/export",
    )


async def _notes(info: Info, customer: ID, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(list_notes, key, request(first, read_number(after, "Note")))
    return connect(page, "Note", after=after)


@strawberry.type
class CustomerLifeQuery:
    """What was noted."""

    customer_notes: Connection[NoteType] = strawberry.field(
        resolver=_notes, description="Notes about a customer in the order they were written."
    )


@strawberry.type
class CustomerLifeMutation:
    """What happens to customers."""

    move_customer = strawberry.mutation(resolver=_move, graphql_type=outcome("MoveCustomerResult", CustomerType))
    cancel_move = strawberry.mutation(resolver=_cancel, graphql_type=outcome("CancelMoveResult", CustomerType))
    merge_customers = strawberry.mutation(resolver=_merge, graphql_type=outcome("MergeCustomersResult", CustomerType))
    note_customer = strawberry.mutation(resolver=_note, graphql_type=outcome("NoteCustomerResult", NoteType))
    export_person = strawberry.mutation(resolver=_export, graphql_type=outcome("ExportPersonResult", PersonExportType))
    erase_person = strawberry.mutation(resolver=_erase, graphql_type=outcome("ErasePersonResult", ErasureType))
