"""Import a sheet of customers, contracts, subscriptions or numbers: each row by the use case that the APIs call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, TypeAlias, cast
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor, allow
from domain.access.frozen import freeze
from domain.access.operations import operation
from domain.bulk.run import (
    BYTES_MAX,
    CHUNK_ROWS,
    JOB,
    ROWS_MAX,
    BulkFault,
    BulkImport,
    BulkMode,
    BulkState,
    RowOutcome,
    Tally,
)
from domain.bulk.sheet import Header, Row, SheetKind, read_header, read_row
from domain.contracts.contract import ContractService, ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import NumberAssignment
from domain.contracts.terms import Terms
from domain.ids import BulkImportId, ContractId, CustomerId, ResellerId, SubscriptionId
from domain.jobs.job import NewJob
from domain.operators import Address
from domain.ports.clock import Clock
from domain.ports.sheets import Sheets
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound, Refusal
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer

NAME_MAX: Final = 200
ACTIONS: Final = {
    SheetKind.CUSTOMERS: Action.WRITE_CUSTOMERS,
    SheetKind.CONTRACTS: Action.WRITE_CONTRACTS,
    SheetKind.SUBSCRIPTIONS: Action.WRITE_CONTRACTS,
    SheetKind.NUMBERS: Action.WRITE_CONTRACTS,
}
Progress: TypeAlias = Callable[[int | None, int], None]
Known: TypeAlias = Mapping[str, tuple[int, bytes]]  # by external id: the key, and the content it came with


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSheet:
    """A sheet, CSV or XLSX. ``preview``: find every fault and keep nothing."""

    kind: SheetKind
    name: str
    content: bytes
    mode: BulkMode = BulkMode.ALL
    preview: bool = False


class _Undo(Exception):  # noqa: N818  (ends a unit whose work is not wanted; nobody else sees it)
    """The unit is not to be committed."""


class _Faulty(Exception):  # noqa: N818  (refusals of one row, which are told with it; nobody else sees it)
    """A row has more faults than one."""

    def __init__(self, faults: Sequence[Refusal]) -> None:
        super().__init__(*(one.message for one in faults))
        self.faults = faults


@operation(any_of=tuple(dict.fromkeys(ACTIONS.values())))
async def take_sheet(cmd: TakeSheet, *, actor: Actor, begin: Begin, clock: Clock, promise: bool = True) -> BulkImport:
    """Keep a sheet and promise its import to a worker; without ``promise`` the caller imports it himself.

    Refuses with: NotAllowed, BadValue (name, empty), LimitExceeded (size).
    """
    allow(actor, ACTIONS[cmd.kind], "take_sheet")
    if not cmd.name.strip() or len(cmd.name) > NAME_MAX or not cmd.name.isprintable():
        raise BadValue("a name is printable and has 1 to {most} characters", most=NAME_MAX, field="name")
    if not cmd.content:
        raise BadValue("the sheet is empty", field="content")
    if len(cmd.content) > BYTES_MAX:
        raise LimitExceeded("a sheet has at most {most} MB", most=BYTES_MAX >> 20, field="content")
    new = BulkImport(
        id=BulkImportId(0),
        operator=actor.operator,
        kind=cmd.kind,
        name=cmd.name,
        mode=cmd.mode,
        preview=cmd.preview,
        client=actor.client,
        reseller=actor.reseller,
        created_at=clock.now(),
    )
    async with begin(actor) as unit:
        kept = await unit.bulk.add(new, cmd.content)
        if promise:
            # A worker does it later: it goes no further than who brought the sheet, and in his name.
            asked = {"user": actor.user, "factor": actor.factor, "limits": freeze(actor.limits)}
            await unit.jobs.add(NewJob(kind=JOB, payload={"import": kept.id, **asked}))
        detail = {"kind": cmd.kind.value, "mode": cmd.mode.value, "preview": cmd.preview}
        await unit.audit.write("take_bulk", f"bulk_import:{kept.id}", detail)
    return kept


@operation(any_of=tuple(dict.fromkeys(ACTIONS.values())))
async def import_bulk(
    key: BulkImportId, *, actor: Actor, begin: Begin, clock: Clock, sheets: Sheets, told: Progress | None = None
) -> BulkImport:
    """Import a sheet that was kept; one that has ended is left. ``told`` hears of the rows there are and were seen.

    Interrupted, it is begun again: rows that were taken are known by their external ids, and counted as before.
    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        run = await unit.bulk.get(key)
        if run.state in {BulkState.DONE, BulkState.REFUSED}:
            return run
        content = await unit.bulk.content(key)
        zone = ZoneInfo((await unit.operators.own()).zone)
    allow(actor, ACTIONS[run.kind], "import_bulk")
    work = _Work(run, actor, begin, clock, told or (lambda _rows, _seen: None))
    try:
        rows = sheets.rows(content)
        if len(rows) < 2:
            raise BadValue("the sheet has no rows below its header", field="content")
        if len(rows) > ROWS_MAX:
            raise LimitExceeded("a sheet has at most {most} rows", most=ROWS_MAX, field="content")
        header = read_header(run.kind, rows[0].cells)
        body = [(row.number, row.cells) for row in rows[1:] if any(cell.strip() for cell in row.cells)]
        kept = await work.all(header, body, zone)
    except Refusal as no:
        return await work.finish(BulkState.REFUSED, fault=no.message)
    return await work.finish(BulkState.DONE if kept else BulkState.REFUSED)


class _Work:
    """One import while it goes on."""

    def __init__(self, run: BulkImport, actor: Actor, begin: Begin, clock: Clock, told: Progress) -> None:
        self._run = run
        self._actor = actor
        self._begin = begin
        self._clock = clock
        self._told = told
        self._tally = Tally()
        self._seen = 0
        self._rows: int | None = None

    async def all(self, header: Header, body: Sequence[tuple[int, Sequence[str]]], zone: ZoneInfo) -> bool:
        """Take the rows, and return whether what was good was kept."""
        self._rows = len(body)
        chunks = [body[first : first + CHUNK_ROWS] for first in range(0, len(body), CHUNK_ROWS)]
        if self._run.mode is BulkMode.VALID and not self._run.preview:
            for chunk in chunks:
                async with self._begin(self._actor) as unit:
                    await self._chunk(unit, header, chunk, zone)
            return True
        # In one unit, so that a row finds those above it, and all of it is undone together.
        try:
            async with self._begin(self._actor) as unit:
                for chunk in chunks:
                    await self._chunk(unit, header, chunk, zone)
                self._undo()
        except _Undo:
            return self._run.preview
        return True

    def _undo(self) -> None:
        if self._run.preview or self._tally.counts[RowOutcome.FAULTY]:
            raise _Undo

    async def finish(self, state: BulkState, *, fault: str | None = None) -> BulkImport:
        """Write how it ended."""
        counts = self._tally.counts
        kept = state is BulkState.DONE
        done = replace(
            self._run,
            state=state,
            rows=self._rows,
            seen=self._seen,
            # What was undone was not made, but a preview tells what would be.
            created=counts[RowOutcome.CREATED] if kept else 0,
            unchanged=counts[RowOutcome.UNCHANGED],
            faulty=counts[RowOutcome.FAULTY],
            fault=fault,
        )
        async with self._begin(self._actor) as unit:
            ended = await unit.bulk.finish(
                done, sorted(self._tally.faults, key=lambda one: one.row), at=self._clock.now()
            )
            detail = {"state": state.value, **self._tally.told, "preview": self._run.preview}
            await unit.audit.write("import_bulk", f"bulk_import:{self._run.id}", detail)
        return ended

    async def _chunk(
        self, unit: Unit, header: Header, chunk: Sequence[tuple[int, Sequence[str]]], zone: ZoneInfo
    ) -> None:
        rows = []
        for number, cells in chunk:
            row, faults = read_row(header, number, cells, zone)
            if row is None:
                self._tally.add(RowOutcome.FAULTY, *(_fault(number, no) for no in faults))
            else:
                rows.append(row)
        known = await unit.bulk.keys(self._run.kind, [row.key for row in rows])
        places = await _places(unit, self._run.kind, rows)
        made = await self._at_once(unit, rows, known, places)
        if made is None:
            made = await self._one_by_one(unit, rows, known, places)
        await unit.bulk.put_keys(self._run.kind, made)
        self._seen += len(chunk)
        self._told(self._rows, self._seen)

    async def _at_once(self, unit: Unit, rows: Sequence[Row], known: Known, places: _Places) -> Known | None:
        """Take rows without a savepoint for each; None, and nothing taken, where one of them has a fault."""
        taking, made = _Taking(_Quick(unit, self._run.kind), self._actor, self._clock, places), dict[str, Any]()
        try:
            async with unit.attempt():
                for row in rows:
                    await self._take(taking, row, known, made)
        except (Refusal, _Faulty):
            places.forget(self._run.kind, made)
            return None
        self._tally.add(RowOutcome.CREATED, times=len(made))
        self._tally.add(RowOutcome.UNCHANGED, times=len(rows) - len(made))
        return made

    async def _one_by_one(self, unit: Unit, rows: Sequence[Row], known: Known, places: _Places) -> Known:
        taking, made = _Taking(_Quick(unit, self._run.kind), self._actor, self._clock, places), dict[str, Any]()
        for row in rows:
            try:
                async with unit.attempt():
                    new = await self._take(taking, row, known, made)
            except Refusal as no:
                self._tally.add(RowOutcome.FAULTY, _fault(row.number, no))
            except _Faulty as all_of_them:
                self._tally.add(RowOutcome.FAULTY, *(_fault(row.number, no) for no in all_of_them.faults))
            else:
                self._tally.add(RowOutcome.CREATED if new else RowOutcome.UNCHANGED)
        return made

    async def _take(self, taking: _Taking, row: Row, known: Known, made: dict[str, tuple[int, bytes]]) -> bool:
        before = made.get(row.key) or known.get(row.key)
        if before is not None:
            _check_same(row, before)
            return False
        one = await taking.row(self._run.kind, row)
        made[row.key] = (one, row.content)
        taking.places.learn(self._run.kind, row.key, one)
        return True


def _fault(number: int, no: Refusal) -> BulkFault:
    return BulkFault(row=number, field=no.field, code=no.code, message=no.message)


def _check_same(row: Row, before: tuple[int, bytes]) -> None:
    if before[1] != row.content:
        raise Conflict(
            "{key} came before with other content; change it by its own operation, or give the row another id",
            key=row.key,
            field="externalId",
        )


class _Places:
    """What rows of a chunk refer to, by the words they use."""

    def __init__(self) -> None:
        self._found: dict[tuple[SheetKind, str], int] = {}
        self.resellers: dict[str, ResellerId] = {}
        self.services: dict[str, Any] = {}

    def learn(self, kind: SheetKind, key: str, one: int) -> None:
        """Remember a row's own id, for rows below it."""
        self._found[kind, key] = one

    def forget(self, kind: SheetKind, keys: Iterable[str]) -> None:
        """Forget rows that were undone."""
        for key in keys:
            self._found.pop((kind, key), None)

    def known(self, kind: SheetKind, key: str) -> int | None:
        """Return what an external id stands for."""
        return self._found.get((kind, key))


_REFERS: Final = {
    SheetKind.CUSTOMERS: ("parent", SheetKind.CUSTOMERS),
    SheetKind.CONTRACTS: ("customer", SheetKind.CUSTOMERS),
    SheetKind.SUBSCRIPTIONS: ("contract", SheetKind.CONTRACTS),
    SheetKind.NUMBERS: ("subscription", SheetKind.SUBSCRIPTIONS),
}


async def _places(unit: Unit, kind: SheetKind, rows: Sequence[Row]) -> _Places:
    found = _Places()
    column, of = _REFERS[kind]
    wanted = list(dict.fromkeys(row.values[column] for row in rows if column in row.values))
    for name, (key, _) in (await unit.bulk.keys(of, wanted)).items():
        found.learn(of, name, key)
    if any("reseller" in row.values for row in rows):
        found.resellers = {one.code: one.id for one in (await unit.resellers.tree()).values()}
    listed = {one for row in rows for one in row.values.get("services", ())}
    if codes := {one.rpartition("*")[0].strip() if "*" in one else one for one in listed}:
        found.services = dict(await unit.services.by_codes(sorted(codes)))
    return found


class _Once:
    """A store some of whose answers are asked for once."""

    def __init__(self, store: Any, *names: str) -> None:
        self._store = store
        self._names = names
        self._answers: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._store, name)
        if name not in self._names:
            return ask

        async def once(*arguments: Any, **more: Any) -> Any:
            key = f"{name}{arguments}{more}"
            if key not in self._answers:
                self._answers[key] = await ask(*arguments, **more)
            return self._answers[key]

        return once


class _Quick:
    """The unit, which asks once for what no row of this kind changes: half of the statements a row would need."""

    def __init__(self, unit: Unit, kind: SheetKind) -> None:
        self._unit = unit
        self.operators = _Once(unit.operators, "own")
        self.field_definitions = _Once(unit.field_definitions, "all", "now")
        self.resellers = _Once(unit.resellers, "tree")
        self.catalogue = _Once(unit.catalogue, "named")
        if kind is SheetKind.SUBSCRIPTIONS:
            self.contracts = _Once(unit.contracts, "many")
        if kind is SheetKind.CONTRACTS:
            self.customers = _Once(unit.customers, "many")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)


class _Taking:
    """Makes what rows say, by the use cases, within the unit of a chunk."""

    def __init__(self, unit: _Quick, actor: Actor, clock: Clock, places: _Places) -> None:
        self._unit = cast("Unit", unit)
        self._actor = actor
        self._clock = clock
        self.places = places

    @asynccontextmanager
    async def _same(self, actor: Actor, *, bulk: bool = False) -> AsyncIterator[Unit]:
        assert actor is self._actor
        assert not bulk
        yield self._unit

    async def row(self, kind: SheetKind, row: Row) -> int:
        """Return the key of what was made. Refuses as the use case does, with ``field`` the column where it has one.

        What the row refers to is looked up first, and where that is not all there, also whether its number is taken,
        which the use case finds otherwise. Raises _Faulty where there is more than one fault.
        """
        makers = {
            SheetKind.CUSTOMERS: self._customer,
            SheetKind.CONTRACTS: self._contract,
            SheetKind.SUBSCRIPTIONS: self._subscription,
            SheetKind.NUMBERS: self._number,
        }
        return await makers[kind](row)

    async def _customer(self, row: Row) -> int:
        values = dict(row.values)
        faults: list[Refusal] = []
        if (code := values.pop("reseller", None)) is not None and code not in self.places.resellers:
            faults.append(NotFound("no reseller {code}", code=code, field="reseller"))
        parent = None
        if "parent" in values:
            parent = CustomerId(await _found(self._customer_of(values["parent"], "parent"), faults))
        await self._priced(values, faults)
        if faults and "number" in values and await _there(self._unit.customers.by_number(values["number"])):
            faults.append(Conflict("customer number {number} is taken", number=values["number"], field="number"))
        _refuse(faults)
        cmd = CreateCustomer(
            name=values["name"],
            kind=values["kind"],
            address=Address(
                street=values["street"],
                street2=values.get("street2"),
                postcode=values["postcode"],
                city=values["city"],
                country=values["country"].upper(),
            ),
            parent=parent,
            reseller=None if code is None else self.places.resellers[code],
            fields=row.own,
            **_named(values, _CUSTOMER_FIELDS),
        )
        return (await create_customer(cmd, actor=self._actor, begin=self._same)).id

    async def _contract(self, row: Row) -> int:
        values = row.values
        faults: list[Refusal] = []
        customer = await _found(self._customer_of(values["customer"], "customer"), faults)
        services = []
        for one in values.get("services", ()):
            try:
                services.append(self._service(one, values["start"]))
            except Refusal as no:
                faults.append(no)
        await self._priced(values, faults)
        if faults and "number" in values and await _there(self._unit.contracts.by_number(values["number"])):
            faults.append(Conflict("contract number {number} is taken", number=values["number"], field="number"))
        _refuse(faults)
        cmd = CreateContract(
            customer=CustomerId(customer),
            start=values["start"],
            state=values.get("state", ContractState.ACTIVE),
            services=tuple(services),
            terms=Terms(**_named(values, {"bindingMonths": "binding_months", "noticeMonths": "notice_months"})
                        | _named(values, {"seller": "seller"})),
            fields=row.own,
            **_named(values, {"end": "end", "number": "number", "priceList": "price_list"}),
        )  # fmt: skip
        return (await create_contract(cmd, actor=self._actor, begin=self._same, clock=self._clock)).id

    async def _subscription(self, row: Row) -> int:
        values = row.values
        numbers = values.get("numbers", ())
        faults: list[Refusal] = []
        if numbers and "validFrom" not in values:
            faults.append(BadValue("numbers need the time from when they are the line's", field="validFrom"))
        contract = await _found(self._contract_of(values["contract"]), faults)
        _refuse(faults)
        cmd = AddSubscription(
            contract=ContractId(contract),
            kind=values["kind"],
            label=values.get("label", ""),
            numbers=tuple(_identifier(one, values["validFrom"]) for one in numbers),
            pending=values.get("pending", False),
            fields=row.own,
        )
        return (await add_subscription(cmd, actor=self._actor, begin=self._same, clock=self._clock)).id

    async def _number(self, row: Row) -> int:
        values = row.values
        line = self.places.known(SheetKind.SUBSCRIPTIONS, values["subscription"])
        if line is None:
            raise NotFound("no subscription {key}", key=values["subscription"], field="subscription")
        one = NumberAssignment(
            number=values["number"],
            kind=values.get("kind", IdentifierKind.NUMBER),
            valid_from=values["validFrom"],
            valid_to=values.get("validTo"),
        )
        cmd = AssignNumbers(subscription=SubscriptionId(line), numbers=(one,))
        return (await assign_numbers(cmd, actor=self._actor, begin=self._same, clock=self._clock)).id

    async def _priced(self, values: Mapping[str, Any], faults: list[Refusal]) -> None:
        """Look whether the price list is there, which is asked once of a chunk."""
        if "priceList" in values:
            try:
                await self._unit.catalogue.named(values["priceList"], field="priceList")
            except Refusal as no:
                faults.append(no)

    async def _customer_of(self, name: str, field: str) -> int:
        known = self.places.known(SheetKind.CUSTOMERS, name)
        if known is None:
            try:
                known = (await self._unit.customers.by_number(name)).id
            except NotFound:
                raise NotFound("no customer {name}", name=name, field=field) from None
            self.places.learn(SheetKind.CUSTOMERS, name, known)
        return known

    async def _contract_of(self, name: str) -> int:
        known = self.places.known(SheetKind.CONTRACTS, name)
        if known is None:
            try:
                known = (await self._unit.contracts.by_number(name)).id
            except NotFound:
                raise NotFound("no contract {name}", name=name, field="contract") from None
            self.places.learn(SheetKind.CONTRACTS, name, known)
        return known

    def _service(self, text: str, start: date) -> ContractService:
        code, quantity = _code(text)
        service = self.places.services.get(code)
        if service is None:
            raise NotFound("no service {code}", code=code, field="services")
        return ContractService(service=service.id, start=start, quantity=quantity)


async def _found(wanted: Awaitable[int], faults: list[Refusal]) -> int:
    """Return a key; 0, and the fault among the others, where there is none."""
    try:
        return await wanted
    except Refusal as no:
        faults.append(no)
        return 0


async def _there(wanted: Awaitable[object]) -> bool:
    try:
        await wanted
    except NotFound:
        return False
    return True


def _refuse(faults: Sequence[Refusal]) -> None:
    """Refuse a row with its faults, if it has any."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise _Faulty(faults)


_CUSTOMER_FIELDS: Final = {
    "number": "number",
    "identityNumber": "identity_number",
    "vatId": "vat_id",
    "email": "email",
    "phone": "phone",
    "language": "language",
    "paymentTermsDays": "payment_terms_days",
    "delivery": "delivery",
    "endpoint": "endpoint",
    "callSpecification": "call_specification",
    "maskDigits": "mask_digits",
    "priceList": "price_list",
    "creditLimit": "credit_limit",
    "buyerReference": "buyer_reference",
    "orderReference": "order_reference",
    "costCentre": "cost_centre",
    "billingDay": "billing_day",
    "directDebit": "direct_debit",
    "throughParent": "through_parent",
}


def _named(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {to: values[name] for name, to in names.items() if name in values}


def _code(text: str) -> tuple[str, int]:
    code, star, count = text.rpartition("*")
    if not star:
        return text, 1
    if not (count.isascii() and count.isdecimal() and len(count) < 8):
        raise BadValue("{text!r} is not a code, or a code and a quantity such as SIM*3", text=text, field="services")
    return code.strip(), int(count)


def _identifier(text: str, valid_from: Any) -> NumberAssignment:
    kind, colon, rest = text.partition(":")
    kinds = {one.value: one for one in IdentifierKind}
    if colon and kind.lower() in kinds:
        return NumberAssignment(number=rest.strip(), kind=kinds[kind.lower()], valid_from=valid_from)
    return NumberAssignment(number=text, valid_from=valid_from)
