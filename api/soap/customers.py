"""The operations of the WSDL about what happens to customers, finding them, and fields of the operator's own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from spyne import Boolean, ByteArray, Date, DateTime, Integer, ServiceBase, Unicode

from api.persons import file_name, person_bytes
from api.soap import models, showing
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.particulars import changes, own_fields
from api.soap.service import filled, given, operation
from domain.customers.place import Place
from domain.fields.definition import Aggregate, FieldDefinition, FieldKind
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.define_fields import (
    ChangeField,
    DefineField,
    FindByField,
    change_field,
    define_field,
    find_by_field,
    list_fields,
)
from domain.usecases.erase_person import ErasePerson, erase_person
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.get_service import get_service
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.list_resellers import list_resellers
from domain.usecases.load_batches import contracts_by_ids, customers_by_ids, services_by_ids
from domain.usecases.merge_customers import MergeCustomers, merge_customers
from domain.usecases.move_customer import CancelMove, MoveCustomer, cancel_move, list_places, move_customer
from domain.usecases.note_customer import NoteCustomer, list_notes, note_customer
from domain.usecases.set_fields import SetFields, set_fields

PAGE: Final = 50
KindOfField = _enum(FieldKind, "FieldKind")
KindOfAggregate = _enum(Aggregate, "Aggregate")


class CustomerPage(Model):
    """A page of customers; ``next`` asks for the following one and is absent on the last."""

    count = needed(Integer)
    customer = many(models.Customer)
    next = Unicode


class CustomerPlace(Model):
    """Where a customer stands from a day until another; customers are named by number."""

    validFrom = Date
    validTo = Date
    parentNumber = Unicode
    throughParent = needed(Boolean)
    billedThroughNumber = Unicode


class CustomerPlaces(Model):
    """Places in order of time. ``mergedIntoNumber``: it was a double of that customer."""

    place = many(CustomerPlace)
    mergedIntoNumber = Unicode


class Move(Model):
    """What a move changes; an element that is left out stays, one that is nil is emptied."""

    parentNumber = Unicode
    throughParent = Boolean
    billedThroughNumber = Unicode


class CustomerNote(Model):
    """What somebody noted."""

    at = needed(DateTime)
    author = needed(Unicode)
    text = needed(Unicode)


class NotePage(Model):
    """A page of notes in the order they were written."""

    count = needed(Integer)
    note = many(CustomerNote)
    next = Unicode


class PersonExport(Model):
    """Everything that is kept of a customer: a ZIP of JSON files."""

    name = needed(Unicode)
    mediaType = needed(Unicode)
    content = needed(ByteArray)


class KeptByLaw(Model):
    """What of an erased person stays, why, and until when it must."""

    what = needed(Unicode)
    number = many(Unicode)
    reason = needed(Unicode)
    until = needed(Date)


class Erasure(Model):
    """A person was anonymised in place."""

    events = needed(Integer)
    notes = needed(Integer)
    numbers = needed(Integer)
    kept = many(KeptByLaw)


class FieldDefinitionModel(Model):
    """A field of the operator's own."""

    __type_name__ = "FieldDefinition"

    aggregate = needed(KindOfAggregate)
    name = needed(Unicode)
    kind = needed(KindOfField)
    choice = many(Unicode)
    required = needed(Boolean)
    searchable = needed(Boolean)
    endsAt = DateTime
    version = needed(Integer)


class FieldDefinitions(Model):
    """Fields of the operator's own."""

    field = many(FieldDefinitionModel)


class FieldChange(Model):
    """What changes; an element that is left out stays. ``choice``, where any is given, are all there will be."""

    choice = many(Unicode)
    required = Boolean
    endsAt = DateTime


class OwnFields(Model):
    """The fields of a thing after a change, and its version."""

    version = needed(Integer)
    field = many(models.OwnField)


class FoundKeys(Model):
    """What has a value in a field: customers and contracts by number, services and resellers by code, lines by id."""

    count = needed(Integer)
    name = many(Unicode)
    next = Unicode


class Customers(ServiceBase):
    """What happens to customers, and fields of the operator's own."""

    __service_name__ = "Billing"

    @operation("SearchCustomers", Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=CustomerPage, result="page")
    async def search_customers(ctx: Any, text: str | None, first: int | None, after: str | None) -> Any:
        """Return customers by the beginnings of words, as one types, of names, addresses and every number."""
        query = ListCustomers(page=PageRequest(first or PAGE, key_after(after)), text=text)
        page = await ctx.udc.ask(list_customers, query)
        following = str(page.items[-1].id) if page.more else None
        return CustomerPage(
            count=len(page.items), customer=[showing.customer(one) for one in page.items], next=following
        )

    @operation("GetCustomerPlaces", needed(Unicode), returns=CustomerPlaces, result="places")
    async def get_customer_places(ctx: Any, customerNumber: str) -> Any:
        """Return where a customer stood, stands and will stand in the tree."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        places = await ctx.udc.ask(list_places, found.id)
        keys = {key for one in places for key in (one.parent, one.billed_through)} | {found.merged_into}
        named = await ctx.udc.ask(customers_by_ids, [key for key in keys if key is not None])
        numbers = {key: one.number for key, one in named.items()}
        return CustomerPlaces(
            place=[_place(one, numbers) for one in places], mergedIntoNumber=numbers.get(found.merged_into)
        )

    @operation(
        "MoveCustomer",
        needed(Unicode),
        needed(Integer),
        needed(Date),
        needed(Move),
        Unicode,
        returns=models.Customer,
        result="customer",
    )
    async def move_customer(
        ctx: Any,
        customerNumber: str,
        version: int,
        validFrom: date,
        move: Any,
        idempotencyKey: str | None,
    ) -> Any:
        """Move a customer in the tree from a day on."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        fields = given(ctx.in_body_doc, "move", move)
        for name, field in (("parent_number", "parent"), ("billed_through_number", "billed_through")):
            if name in fields:
                number = fields.pop(name)
                fields[field] = None if number is None else (await ctx.udc.ask(get_customer, number)).id
        cmd = MoveCustomer(
            customer=found.id,
            version=version,
            valid_from=validFrom,
            idempotency_key=idempotencyKey,
            **filled(fields, MoveCustomer),
        )
        return showing.customer(await ctx.udc.ask(move_customer, cmd, clock=ctx.udc.wiring.clock))

    @operation("CancelMove", needed(Unicode), needed(Integer), needed(Date), returns=models.Customer, result="customer")
    async def cancel_move(ctx: Any, customerNumber: str, version: int, validFrom: date) -> Any:
        """Take a planned move back."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        cmd = CancelMove(customer=found.id, version=version, valid_from=validFrom)
        return showing.customer(await ctx.udc.ask(cancel_move, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "MergeCustomers",
        needed(Unicode),
        needed(Integer),
        needed(Unicode),
        needed(Integer),
        Unicode,
        returns=models.Customer,
        result="customer",
    )
    async def merge_customers(
        ctx: Any,
        survivorNumber: str,
        survivorVersion: int,
        doubleNumber: str,
        doubleVersion: int,
        idempotencyKey: str | None,
    ) -> Any:
        """Merge a double into the customer that survives, and return that one."""
        survivor = await ctx.udc.ask(get_customer, survivorNumber)
        double = await ctx.udc.ask(get_customer, doubleNumber)
        cmd = MergeCustomers(
            survivor=survivor.id,
            survivor_version=survivorVersion,
            double=double.id,
            double_version=doubleVersion,
            idempotency_key=idempotencyKey,
        )
        return showing.customer(await ctx.udc.ask(merge_customers, cmd, clock=ctx.udc.wiring.clock))

    @operation("NoteCustomer", needed(Unicode), needed(Unicode), Unicode, returns=CustomerNote, result="note")
    async def note_customer(ctx: Any, customerNumber: str, text: str, idempotencyKey: str | None) -> Any:
        """Note something about a customer."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        cmd = NoteCustomer(customer=found.id, text=text, idempotency_key=idempotencyKey)
        kept = await ctx.udc.ask(note_customer, cmd, clock=ctx.udc.wiring.clock)
        return CustomerNote(at=kept.at, author=kept.author, text=kept.text)

    @operation(
        "ListCustomerNotes", needed(Unicode), Integer(ge=1, le=PAGE_MAX), Unicode, returns=NotePage, result="page"
    )
    async def list_customer_notes(ctx: Any, customerNumber: str, first: int | None, after: str | None) -> Any:
        """Return a page of a customer's notes."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        page = await ctx.udc.ask(list_notes, found.id, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        notes = [CustomerNote(at=one.at, author=one.author, text=one.text) for one in page.items]
        return NotePage(count=len(notes), note=notes, next=following)

    @operation("ExportPerson", needed(Unicode), returns=PersonExport, result="export")
    async def export_person(ctx: Any, customerNumber: str) -> Any:
        """Return everything that is kept of a customer."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        content = await person_bytes(found.id, wiring=ctx.udc.wiring, actor=ctx.udc.actor)
        return PersonExport(name=file_name(found), mediaType="application/zip", content=[content])

    @operation("ErasePerson", needed(Unicode), needed(Integer), returns=Erasure, result="erasure")
    async def erase_person(ctx: Any, customerNumber: str, version: int) -> Any:
        """Anonymise a person in place; it cannot be undone."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        cmd = ErasePerson(customer=found.id, version=version)
        done = await ctx.udc.ask(erase_person, cmd, clock=ctx.udc.wiring.clock)
        return Erasure(
            **{name: done.changed.get(name, 0) for name in ("events", "notes", "numbers")},
            kept=[
                KeptByLaw(what=one.what, number=list(one.names), reason=one.reason, until=one.until)
                for one in done.kept
            ],
        )

    @operation("ListOwnFields", KindOfAggregate, returns=FieldDefinitions, result="fields")
    async def list_own_fields(ctx: Any, aggregate: str | None) -> Any:
        """Return the operator's own fields of an aggregate, or of all; ended ones too."""
        chosen = None if aggregate is None else Aggregate(str(aggregate))
        return FieldDefinitions(field=[_definition(one) for one in await ctx.udc.ask(list_fields, chosen)])

    @operation(
        "DefineField",
        needed(KindOfAggregate),
        needed(Unicode),
        needed(KindOfField),
        many(Unicode),
        Boolean,
        Boolean,
        returns=FieldDefinitionModel,
        result="field",
    )
    async def define_field(
        ctx: Any,
        aggregate: str,
        name: str,
        kind: str,
        choice: list[str] | None,
        required: bool | None,
        searchable: bool | None,
    ) -> Any:
        """Define a field of the operator's own."""
        cmd = DefineField(
            aggregate=Aggregate(str(aggregate)),
            name=name,
            kind=FieldKind(str(kind)),
            choices=tuple(choice or ()),
            required=bool(required),
            searchable=bool(searchable),
        )
        return _definition(await ctx.udc.ask(define_field, cmd))

    @operation(
        "ChangeField",
        needed(KindOfAggregate),
        needed(Unicode),
        needed(Integer),
        needed(FieldChange),
        returns=FieldDefinitionModel,
        result="field",
    )
    async def change_field(ctx: Any, aggregate: str, name: str, version: int, change: Any) -> Any:
        """Change a field: its choices, whether it is required, when it ends."""
        fields = given(ctx.in_body_doc, "change", change)
        if "choice" in fields:
            fields["choices"] = tuple(fields.pop("choice") or ())
        cmd = ChangeField(
            aggregate=Aggregate(str(aggregate)), name=name, version=version, **filled(fields, ChangeField)
        )
        return _definition(await ctx.udc.ask(change_field, cmd))

    @operation(
        "SetFields",
        needed(KindOfAggregate),
        needed(Unicode),
        needed(Integer),
        many(models.OwnField),
        returns=OwnFields,
        result="fields",
    )
    async def set_fields(ctx: Any, aggregate: str, of: str, version: int, field: list[Any] | None) -> Any:
        """Write fields of a customer or contract by number, a service or reseller by code, a line by id."""
        kind = Aggregate(str(aggregate))
        key = await _named(ctx.udc, kind, of)
        cmd = SetFields(aggregate=kind, id=key, version=version, fields=changes(field))
        kept = await ctx.udc.ask(set_fields, cmd)
        return OwnFields(version=kept.version, field=own_fields(kept.fields))

    @operation(
        "FindByField",
        needed(KindOfAggregate),
        needed(Unicode),
        needed(Unicode),
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=FoundKeys,
        result="page",
    )
    async def find_by_field(
        ctx: Any,
        aggregate: str,
        name: str,
        value: str,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return what has a searchable field that begins with a value."""
        kind = Aggregate(str(aggregate))
        page = PageRequest(first or PAGE, key_after(after))
        found = await ctx.udc.ask(find_by_field, FindByField(aggregate=kind, name=name, value=value, page=page))
        names = await _names(ctx.udc, kind, list(found.items))
        following = str(found.items[-1]) if found.more else None
        return FoundKeys(count=len(names), name=names, next=following)


async def _named(call: Any, kind: Aggregate, of: str) -> int:
    """Return the key of what SOAP names. Refuses with: NotFound."""
    key: int
    match kind:
        case Aggregate.CUSTOMER:
            key = (await call.ask(get_customer, of)).id
        case Aggregate.CONTRACT:
            key = (await call.ask(get_contract, of)).id
        case Aggregate.SERVICE:
            key = (await call.ask(get_service, of)).id
        case Aggregate.RESELLER:
            codes = {one.code: one.id for one in await call.ask(list_resellers)}
            if of not in codes:
                raise NotFound("no reseller {code}", code=of, field="of")
            key = codes[of]
        case Aggregate.SUBSCRIPTION:
            if not (of.isascii() and of.isdigit() and len(of) < 19):
                raise NotFound("no subscription {key}", key=of, field="of")
            key = int(of)
    return key


async def _names(call: Any, kind: Aggregate, keys: list[int]) -> list[str]:
    """Return how SOAP names things, in the order of their keys."""
    match kind:
        case Aggregate.SUBSCRIPTION:
            return [str(key) for key in keys]
        case Aggregate.RESELLER:
            codes = {one.id: one.code for one in await call.ask(list_resellers)}
            return [codes[key] for key in keys if key in codes]
        case Aggregate.CUSTOMER:
            customers = await call.ask(customers_by_ids, keys)
            return [customers[key].number for key in keys if key in customers]
        case Aggregate.CONTRACT:
            contracts = await call.ask(contracts_by_ids, keys)
            return [contracts[key].number for key in keys if key in contracts]
        case Aggregate.SERVICE:
            services = await call.ask(services_by_ids, keys)
            return [services[key].code for key in keys if key in services]


def _place(one: Place, numbers: dict[Any, str]) -> CustomerPlace:
    return CustomerPlace(
        validFrom=one.valid_from,
        validTo=one.valid_to,
        parentNumber=numbers.get(one.parent),
        throughParent=one.through_parent,
        billedThroughNumber=numbers.get(one.billed_through),
    )


def _definition(one: FieldDefinition) -> FieldDefinitionModel:
    ends: datetime | None = one.ends_at
    return FieldDefinitionModel(
        aggregate=one.aggregate.value,
        name=one.name,
        kind=one.kind.value,
        choice=list(one.choices),
        required=one.required,
        searchable=one.searchable,
        endsAt=ends,
        version=one.version,
    )
