"""Import a sheet of customers, contracts, subscriptions or numbers: each row by the use case that the APIs call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor, allow
from domain.access.frozen import freeze
from domain.access.operations import operation
from domain.bulk.run import (
    BYTES_MAX,
    CHUNK_ROWS,
    FAULTS_MAX,
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
from domain.ids import BulkImportId
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.sheets import Sheets
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, Refusal
from domain.usecases.find_references import Places, places_of
from domain.usecases.take_rows import Faulty, Quick, Taking
from domain.usecases.tell_faults import all_faults

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
        rows, bad = [], []
        for number, cells in chunk:
            row, faults = read_row(header, number, cells, zone)
            if faults:
                bad.append((row, faults))
            else:
                rows.append(row)
        known = await unit.bulk.keys(self._run.kind, [row.key for row in rows])
        places = await places_of(unit, self._run.kind, [*rows, *(row for row, _ in bad)])
        made = await self._at_once(unit, rows, known, places)
        if made is None:
            made = await self._one_by_one(unit, rows, known, places)
        for row, cells_faults in bad:
            await self._faulty(unit, places, row, cells_faults)
        await unit.bulk.put_keys(self._run.kind, made)
        self._seen += len(chunk)
        self._told(self._rows, self._seen)

    async def _at_once(self, unit: Unit, rows: Sequence[Row], known: Known, places: Places) -> Known | None:
        """Take rows without a savepoint for each; None, and nothing taken, where one of them has a fault."""
        taking, made = Taking(Quick(unit, self._run.kind), self._actor, self._clock, places), dict[str, Any]()
        try:
            async with unit.attempt():
                for row in rows:
                    await self._take(taking, row, known, made)
        except (Refusal, Faulty):
            places.forget(self._run.kind, made)
            return None
        self._tally.add(RowOutcome.CREATED, times=len(made))
        self._tally.add(RowOutcome.UNCHANGED, times=len(rows) - len(made))
        return made

    async def _one_by_one(self, unit: Unit, rows: Sequence[Row], known: Known, places: Places) -> Known:
        taking, made = Taking(Quick(unit, self._run.kind), self._actor, self._clock, places), dict[str, Any]()
        for row in rows:
            try:
                async with unit.attempt():
                    new = await self._take(taking, row, known, made)
            except Refusal as no:
                await self._faulty(unit, places, row, [no])
            except Faulty as several:
                await self._faulty(unit, places, row, several.faults)
            else:
                self._tally.add(RowOutcome.CREATED if new else RowOutcome.UNCHANGED)
        return made

    async def _faulty(self, unit: Unit, places: Places, row: Row, faults: Sequence[Refusal]) -> None:
        """Count a row that has faults, and tell those that stand behind the ones that are known."""
        if len(self._tally.faults) < FAULTS_MAX:
            taking = Taking(Quick(unit, self._run.kind), self._actor, self._clock, places)
            faults = await all_faults(unit, taking, self._run.kind, row, faults)
        self._tally.add(RowOutcome.FAULTY, *(_fault(row.number, no) for no in faults))

    async def _take(self, taking: Taking, row: Row, known: Known, made: dict[str, tuple[int, bytes]]) -> bool:
        before = made.get(row.key) or known.get(row.key)
        if before is not None:
            _check_same(row, before)
            return False
        one = await taking.row(self._run.kind, row)
        made[row.key] = (one, row.content)
        taking.places.learn(self._run.kind, row.key, one)
        return True


def _fault(number: int, no: Refusal) -> BulkFault:
    # An address is spread over columns of its own.
    field = None if no.field is None else no.field.removeprefix("address.")
    return BulkFault(row=number, field=field, code=no.code, message=no.message)


def _check_same(row: Row, before: tuple[int, bytes]) -> None:
    if before[1] != row.content:
        raise Conflict(
            "{key} came before with other content; change it by its own operation, or give the row another id",
            key=row.key,
            field="externalId",
        )
