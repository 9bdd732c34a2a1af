"""Number series and the stock of numbers in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import NumberReservationId, NumberSeriesId, OperatorId, ResellerId
from domain.numbers.series import NumberKind, NumberSeries
from domain.numbers.stock import NumberStatus, Reservation, StockNumber
from domain.ports.numbers import NumberFilter
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound, Overlap, Stale
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing

_SERIES: Final = ("name", "kind", "first_number", "last_number", "quarantine_days", "reseller")
_STOCK: Final = (
    *("number", "series", "kind", "reseller", "status", "since", "until", "free_from", "class", "price"),
    *("quarantine_days", "reservation", "reserved_for", "other", "holder", "reason", "version"),
)
# A number that is free, or is not to be free, has an infinite free_from; here that is none.
_COLUMNS: Final = ", ".join(_STOCK).replace(
    "free_from", "case when isfinite(free_from) then free_from end as free_from"
)
# What a number is at $1, told by SQL as domain.numbers.stock.StockNumber.status_at tells it.
_STATUS: Final = (
    "case when free_from <= {now} then 'free'"
    " when status = 'assigned' and until <= {now} then case when holder is null then 'quarantine' else 'returned' end"
    " when status = 'ported_out' and since > {now} then 'assigned' else status end"
)
_AT_ONCE: Final = 100_000
_FILL: Final = (
    "insert into number_stock (operator, number, series, kind, reseller, status, free_from, quarantine_days)"
    " select $1, n::text, $2, $3, $4, 'free', '-infinity', $5 from generate_series($6::bigint, $7::bigint) n"
)


class NumberStore:
    """Keeps ``domain.ports.numbers.Numbers``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = OperatorId(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def add_series(self, series: NumberSeries) -> NumberSeries:
        """Keep a new one and fill the stock. Refuses with: Conflict (name taken), Overlap, NotFound (reseller)."""
        columns = ", ".join(_SERIES)
        rules = {
            "number_series_operator_name_key": Conflict("the name {name} is taken", name=series.name, field="name"),
            "number_series_operator_reseller_fkey": NotFound("no such reseller, or not yours", field="reseller"),
            "number_stock_pkey": Overlap("a number of the series is in the stock already", field="firstNumber"),
        }
        with refusing(rules):
            key = await self._connection.fetchval(
                f"insert into number_series (operator, {columns}) values ($1, $2, $3, $4, $5, $6, $7) returning id",  # noqa: S608  (our own words)
                *(self._operator, series.name, series.kind.value, series.first_number, series.last_number),
                *(series.quarantine_days, series.reseller),
            )
            last = int(series.last_number)
            for first in range(int(series.first_number), last + 1, _AT_ONCE):  # a statement has its time
                await self._connection.execute(
                    _FILL,
                    *(self._operator, key, series.kind.value, series.reseller, series.quarantine_days),
                    *(first, min(first + _AT_ONCE - 1, last)),
                )
        await self._follow_held(series)
        return replace(series, id=NumberSeriesId(key))

    async def _follow_held(self, series: NumberSeries) -> None:
        """Let the stock know of numbers that somebody had before it was made."""
        held = await self._connection.fetch(
            "select distinct number from number_assignment where operator = $1 and char_length(number) = $4"
            ' and number collate "C" between $2 and $3',
            *(self._operator, series.first_number, series.last_number, len(series.first_number)),
        )
        if held:
            await self._connection.execute("select number_follow($1)", [row["number"] for row in held])

    async def series(self, keys: Sequence[NumberSeriesId]) -> Mapping[NumberSeriesId, NumberSeries]:
        """Return those that exist and may be seen."""
        rows = await self._connection.fetch(
            "select * from number_series where operator = $1 and id = any($2)", self._operator, possible(keys)
        )
        return {one.id: one for one in map(_series, rows)}

    async def series_page(self, request: PageRequest) -> Page[NumberSeries]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from number_series where operator = $1 and id > $2 order by id limit $3",
            *(self._operator, beyond(request.after), request.first + 1),
        )
        return Page.of([_series(row) for row in rows], request)

    async def claim_series(self, key: NumberSeriesId) -> NumberSeries:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select * from number_series where operator = $1 and id = $2 for no key update", self._operator, key
            )
        if row is None:
            raise NotFound("no number series {key}", key=key, field="series")
        return _series(row)

    async def keep_series(self, series: NumberSeries) -> NumberSeries:
        """Write a changed one, and its numbers' time of rest from here on. Refuses with: Stale, Conflict (name)."""
        taken = Conflict("the name {name} is taken", name=series.name, field="name")
        with refusing({"number_series_operator_name_key": taken}):
            done = await self._connection.fetchval(
                "update number_series set name = $4, quarantine_days = $5, version = version + 1"
                " where operator = $1 and id = $2 and version = $3 returning version",
                *(self._operator, series.id, series.version, series.name, series.quarantine_days),
            )
        if done is None:
            raise Stale("the series was changed by somebody else; read it again", field="version")
        await self._connection.execute(
            "update number_stock set quarantine_days = $4 where operator = $1 and number between $2 and $3"
            " and series = $5 and quarantine_days <> $4",
            *(self._operator, series.first_number, series.last_number, series.quarantine_days, series.id),
        )
        return replace(series, version=done)

    async def counts(self, series: NumberSeriesId, now: datetime) -> Mapping[NumberStatus, int]:
        """Return how many numbers of a series have which status."""
        rows = await self._connection.fetch(
            f"select {_STATUS.format(now='$3')} as status, count(*) from number_stock n join number_series r"  # noqa: S608  (our own words)
            " on r.operator = n.operator and r.id = $2 and n.number between r.first_number and r.last_number"
            " where n.operator = $1 and n.series = $2 group by 1",
            *(self._operator, series, now),
        )
        return {NumberStatus(row["status"]): row["count"] for row in rows}

    async def find(self, wanted: NumberFilter, request: PageRequest, now: datetime) -> Page[StockNumber]:
        """List numbers of the stock by their digits; the request's ``after`` is a number."""
        where, values = self._where(wanted, now)
        if request.after is not None:
            values.append(str(request.after))
            where.append(f"number > ${len(values)}")
        query = f"select {_COLUMNS} from number_stock where {' and '.join(where)} order by number"  # noqa: S608  (our own words)
        rows = await self._connection.fetch(f"{query} limit {request.first + 1}", *values)
        return Page.of([self._number(row) for row in rows], request)

    def _where(self, wanted: NumberFilter, now: datetime) -> tuple[list[str], list[Any]]:
        values: list[Any] = [self._operator]
        where = ["operator = $1"]

        def add(condition: str, value: Any) -> None:
            values.append(value)
            where.append(condition.format(f"${len(values)}"))

        # A reseller's part is small beside the whole; said here, so that an index finds it.
        mine = None if self._actor.reseller is None else self._actor.resellers
        if wanted.of_resellers is not None:
            mine = wanted.of_resellers if mine is None else tuple(set(mine) & set(wanted.of_resellers))
        if mine is not None:
            add("reseller = any({})", list(mine))
        if wanted.given is not None:
            where.append(f"reseller is {'not ' if wanted.given else ''}null")
        if wanted.kind is not None:
            add("kind = {}", wanted.kind.value)
        if wanted.series is not None:
            add("series = {}", wanted.series)
            key = f"${len(values)}"
            for side, name in ((">=", "first_number"), ("<=", "last_number")):
                where.append(
                    f"number {side} (select {name} from number_series where operator = $1 and id = {key})"  # noqa: S608  (our own words)
                )
        if wanted.number_class is not None:
            add("class = {}", wanted.number_class)
        if wanted.prefix:
            add("number >= {}", wanted.prefix)
            add("number < {}", f"{wanted.prefix}:")  # ":" follows "9"
        if wanted.suffix:
            add("reversed >= {}", wanted.suffix[::-1])
            add("reversed < {}", f"{wanted.suffix[::-1]}:")
        if wanted.contains:
            add("number like '%' || {} || '%'", wanted.contains)
        if wanted.status is not None:
            _of_status(wanted.status, now, add)
        return where, values

    async def many(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that are in the stock and may be seen."""
        query = f"select {_COLUMNS} from number_stock where operator = $1 and number = any($2)"  # noqa: S608  (our own words)
        return await self._those(query, numbers)

    async def standing(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that are in the stock, whoever sees them."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from number_standing($1)",  # noqa: S608  (our own words)
            list(numbers),
        )
        return {row["number"]: self._number(row) for row in rows}

    async def claim(self, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        """Return those that may be seen, locked until the unit ends, in the order of their digits."""
        return await self._those(
            f"select {_COLUMNS} from number_stock where operator = $1 and number = any($2)"  # noqa: S608  (our own words)
            " order by number for no key update",
            numbers,
        )

    async def _those(self, query: str, numbers: Sequence[str]) -> Mapping[str, StockNumber]:
        rows = await self._connection.fetch(query, self._operator, list(numbers))
        return {row["number"]: self._number(row) for row in rows}

    async def claim_free(self, wanted: NumberFilter, count: int, now: datetime) -> Sequence[StockNumber]:
        """Return free numbers that nobody else is claiming, locked, by their digits; fewer where there are no more."""
        where, values = self._where(replace(wanted, status=NumberStatus.FREE), now)
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from number_stock where {' and '.join(where)} order by number limit {count}"  # noqa: S608  (our own words)
            " for no key update skip locked",
            *values,
        )
        return [self._number(row) for row in rows]

    async def give(self, first: str, last: str, reseller: ResellerId | None, now: datetime) -> tuple[int, int]:
        """Give the free numbers from first to last that may be seen; return how many, and how many are not free."""
        there = "operator = $1 and number between $2 and $3 and char_length(number) = char_length($2)"
        with refusing({}):
            done = await self._connection.execute(
                f"update number_stock set reseller = $4, version = version + 1 where {there} and free_from <= $5",  # noqa: S608  (our own words)
                *(self._operator, first, last, reseller, now),
            )
        others = await self._connection.fetchval(
            f"select count(*) from number_stock where {there} and free_from > $4",  # noqa: S608  (our own words)
            *(self._operator, first, last, now),
        )
        return int(done.removeprefix("UPDATE ")), others

    async def keep(self, numbers: Sequence[StockNumber]) -> Sequence[StockNumber]:
        """Write changed ones, or new ones that were ported in (version 0)."""
        if not numbers:
            return []
        names = [name for name in _STOCK if name not in {"number", "version"}]
        places = ", ".join(_place(name, place) for place, name in enumerate(["number", *names], start=2))
        sets = ", ".join(f"{name} = excluded.{name}" for name in names)
        rules = {"number_stock_pkey": Conflict("a number is in the stock already", field="number")}
        with refusing(rules):
            await self._connection.executemany(
                f"insert into number_stock as s (operator, number, {', '.join(names)}) values ($1, {places})"  # noqa: S608  (our own words)
                f" on conflict (operator, number) do update set {sets}, version = s.version + 1",
                [(self._operator, one.number, *(_value(one, name) for name in names)) for one in numbers],
            )
        return [replace(one, version=one.version + 1) for one in numbers]

    async def add_reservation(self, reservation: Reservation) -> Reservation:
        """Keep a new one. Refuses with: NotFound (customer)."""
        with refusing({"number_reservation_operator_customer_fkey": NotFound("no such customer", field="customer")}):
            key = await self._connection.fetchval(
                "insert into number_reservation (operator, reseller, customer, until, numbers)"
                " values ($1, $2, $3, $4, $5) returning id",
                *(self._operator, reservation.reseller, reservation.customer, reservation.until),
                list(reservation.numbers),
            )
        return replace(reservation, id=NumberReservationId(key))

    async def reservation(self, key: NumberReservationId) -> Reservation:
        """Return one. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select id, numbers, until, reseller, customer from number_reservation where operator = $1 and id = $2",
                *(self._operator, key),
            )
        if row is None:
            raise NotFound("no reservation {key}", key=key, field="reservation")
        return Reservation(operator=self._operator, **(dict(row) | {"numbers": tuple(row["numbers"])}))

    def _number(self, row: Mapping[str, Any]) -> StockNumber:
        fields = {name: row[name] for name in _STOCK if name != "class"}
        return StockNumber(
            operator=self._operator,
            **fields
            | {
                "kind": NumberKind(row["kind"]),
                "status": NumberStatus(row["status"]),
                "number_class": row["class"],
            },
        )


def _of_status(status: NumberStatus, now: datetime, add: Any) -> None:
    """Add the condition of a status at an instant, and what lets an index find it."""
    if status is NumberStatus.FREE:
        add("free_from <= {} and free_from < 'infinity'", now)
        return
    if status is NumberStatus.QUARANTINE:
        add("until is not null and free_from > {}", now)
        add(f"{_STATUS.format(now='{0}')} = '{status.value}'", now)
        return
    stored = {NumberStatus.ASSIGNED: ["assigned", "ported_out"], NumberStatus.RETURNED: ["assigned", "returned"]}
    add("status = any({})", stored.get(status, [status.value]))
    add(f"{_STATUS.format(now='{0}')} = '{status.value}'", now)


def _place(name: str, place: int) -> str:
    if name != "free_from":
        return f"${place}"
    status = _STOCK.index("status") + 2  # behind the operator and the number
    return f"coalesce(${place}, case when ${status} = 'free' then '-infinity' else 'infinity' end::timestamptz)"


def _value(one: StockNumber, name: str) -> Any:
    if name == "class":
        return one.number_class
    value = getattr(one, name)
    return value.value if name in {"kind", "status"} else value


def _series(row: Mapping[str, Any]) -> NumberSeries:
    same = {name: row[name] for name in (*_SERIES, "id", "operator", "version")}
    return NumberSeries(**same | {"kind": NumberKind(row["kind"])})
