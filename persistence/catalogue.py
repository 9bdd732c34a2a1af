"""The catalogue in PostgreSQL: rows that end when they are replaced, so that what was believed when is never lost.

Every change locks the operator's row of ``catalogue``, raises its revision and is recorded later than the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.access.actor import Actor
from domain.catalogue.tariff import Destination, PriceList, Rate, Tariff
from domain.ids import ResellerId
from domain.ports.catalogue import Changed
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.catalogue_changes import OUTLINED, PARTS, Changes, between, counted, put, span
from persistence.catalogue_rows import (
    RATE_COLUMNS,
    RateReader,
    list_from_row,
    list_to_row,
    part_from_json,
    part_to_json,
    rates_to_columns,
)
from persistence.engine import Transaction
from persistence.violations import beyond, refusing

# What was believed at $2; null: now.
_BELIEVED = """operator = $1 and case when $2::timestamptz is null then replaced_at is null
    else recorded_at <= $2 and (replaced_at is null or replaced_at > $2) end"""
# The lists that a reseller's caller may use; the customers and contracts are those he sees.
_REACHED = """name in (
    select name from price_list where operator = $1 and replaced_at is null and reseller = any ($2::bigint[])
    union select price_list from reseller where operator = $1 and id = any ($2::bigint[])
    union select price_list from customer where operator = $1 and reseller = any ($2::bigint[])
    union select price_list from contract where operator = $1 and reseller = any ($2::bigint[]))"""
_RATE_TYPES = dict.fromkeys(RATE_COLUMNS, "text") | {
    "setup_nano": "bigint",
    "grace": "bigint",
    "min_charge_nano": "bigint",
    "max_charge_nano": "bigint",
    "first": "bigint",
    "steps": "jsonb",
    "adjust": "jsonb",
    "valid_from": "timestamptz",
    "valid_to": "timestamptz",
}


class CatalogueStore:
    """Keeps ``domain.ports.catalogue.Catalogue``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = int(actor.operator)

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        rows: list[Any] = await self._transaction.connection.fetch(query, self._operator, *arguments)
        return rows

    async def _run(self, query: str, *arguments: Any) -> None:
        await self._transaction.connection.execute(query, self._operator, *arguments)

    async def revision(self) -> int:
        """Return a number that grows with every change of the catalogue."""
        rows = await self._fetch("select revision from catalogue where operator = $1")
        return int(rows[0]["revision"]) if rows else 0

    async def tariff(self, *, as_of: datetime | None = None) -> Tariff:
        """Return the whole catalogue without parties, as it was believed at ``as_of`` (None: now)."""
        heads = await self._fetch(f"select * from price_list where {_BELIEVED} order by id", as_of)  # noqa: S608  (constants)
        rates: dict[str, list[Rate]] = {row["name"]: [] for row in heads}
        reader = RateReader()
        for row in await self._fetch(f"select * from rate where {_BELIEVED} order by id", as_of):  # noqa: S608  (constants)
            rates[row["price_list"]].append(reader.rate(row))
        return Tariff(
            destinations=await self._destinations(as_of),
            price_lists={row["name"]: list_from_row(row, rates[row["name"]]) for row in heads},
            **await self._parts(tuple(PARTS), as_of),
        )

    async def outline(self) -> Tariff:
        """Return the present catalogue without prefixes, rates, ported numbers, rings and buckets."""
        heads = await self._fetch("select * from price_list where operator = $1 and replaced_at is null order by id")
        names = await self._fetch(
            "select id, name, groups from destination where operator = $1 and replaced_at is null order by id"
        )
        return Tariff(
            destinations={
                row["name"]: Destination(name=row["name"], prefixes=(), groups=tuple(row["groups"]), id=row["id"])
                for row in names
            },
            price_lists={row["name"]: list_from_row(row) for row in heads},
            **await self._parts(OUTLINED, None),
        )

    async def _parts(self, parts: Sequence[str], as_of: datetime | None) -> dict[str, Any]:
        """Return parts of the catalogue under the names of the tariff's fields."""
        query = f"select part, body from catalogue_part where {_BELIEVED} and part = any ($3::text[])"  # noqa: S608  (constants)
        rows = await self._fetch(query, as_of, list(parts))
        return {PARTS[row["part"]]: part_from_json(row["part"], row["body"]) for row in rows}

    async def _destinations(self, as_of: datetime | None) -> dict[str, Destination]:
        prefixes = {
            row["destination"]: row
            for row in await self._fetch(
                f"""select destination, valid_from, valid_to, array_agg(prefix order by prefix) as prefixes
                    from prefix where {_BELIEVED} group by destination, valid_from, valid_to""",  # noqa: S608  (constants)
                as_of,
            )
        }
        found = {}
        for row in await self._fetch(f"select id, name, groups from destination where {_BELIEVED} order by id", as_of):  # noqa: S608  (constants)
            own = prefixes.get(row["id"], {"prefixes": (), "valid_from": None, "valid_to": None})
            found[row["name"]] = Destination(
                name=row["name"],
                prefixes=tuple(own["prefixes"]),
                groups=tuple(row["groups"]),
                valid_from=own["valid_from"],
                valid_to=own["valid_to"],
                id=row["id"],
            )
        return found

    async def publish(self, tariff: Tariff, *, recorded_at: datetime) -> Changed:
        """Make the operator's catalogue that of the document; what is the same stays untouched with its key."""
        at = await self._moment(recorded_at)
        changes = between(await self.tariff(), tariff)
        if not changes.any:
            return Changed()
        await self._write_destinations(changes, at)
        await self._write_lists(changes, at)
        await self._end_rates(changes.ended_rates, at)
        await self._add_rates(changes.new_rates, at)
        for part in changes.parts:
            await self._run(
                "update catalogue_part set replaced_at = $3 where operator = $1 and part = $2 and replaced_at is null",
                part,
                at,
            )
            await self._run(
                "insert into catalogue_part (operator, part, body, recorded_at) values ($1, $2, $3, $4)",
                part,
                part_to_json(getattr(tariff, PARTS[part])),
                at,
            )
        await self._changed(at)
        return counted(changes)

    async def lists(self, request: PageRequest) -> Page[PriceList]:
        """List the price lists the actor may use by key, without their rates."""
        rows = await self._heads("id > $3 order by id limit $4", beyond(request.after), request.first + 1)
        return Page.of([list_from_row(row) for row in rows], request)

    async def lists_by_name(self, names: Sequence[str]) -> Mapping[str, PriceList]:
        """Return those that exist and the actor may use, without their rates."""
        rows = await self._heads("name = any ($3::text[])", list(names))
        return {row["name"]: list_from_row(row) for row in rows}

    async def lists_in_use(self) -> frozenset[str]:
        """Return the names of the lists that a customer, a contract or a reseller of the operator has."""
        rows = await self._fetch(
            """select price_list from customer where operator = $1
               union select price_list from contract where operator = $1
               union select price_list from reseller where operator = $1"""
        )
        return frozenset(row["price_list"] for row in rows if row["price_list"] is not None)

    async def named(self, name: str, *, field: str) -> PriceList:
        """Return the list with this name, where the actor may use it. Refuses with: NotFound, naming ``field``."""
        found = await self.lists_by_name([name])
        if name not in found:
            raise NotFound(f"no price list {name!r}", field=field)
        return found[name]

    async def rates(self, price_list: str, request: PageRequest) -> Page[Rate]:
        """List the present rates of one list by key. Refuses with: NotFound (list)."""
        await self.named(price_list, field="priceList")
        rows = await self._fetch(
            """select * from rate where operator = $1 and price_list = $2 and replaced_at is null and id > $3
               order by id limit $4""",
            price_list,
            beyond(request.after),
            request.first + 1,
        )
        reader = RateReader()
        return Page.of([reader.rate(row) for row in rows], request)

    async def add_list(
        self, price_list: PriceList, *, recorded_at: datetime, reseller: ResellerId | None = None
    ) -> PriceList:
        """Keep a new list with its rates. Refuses with: Conflict (name)."""
        at = await self._moment(recorded_at)
        with refusing({"price_list_present": Conflict(f"the price list {price_list.name} exists", field="name")}):
            rows = await self._fetch(
                """insert into price_list (operator, name, parent, currency, zone, band_policy, decimals, rounding,
                   reseller, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id""",
                *list_to_row(price_list),
                reseller,
                at,
            )
        rates = await self._add_rates([(price_list.name, rate) for rate in price_list.rates], at)
        await self._changed(at)
        return replace(price_list, id=rows[0]["id"], rates=tuple(rates))

    async def put_rates(
        self, price_list: str, new: Sequence[Rate], *, valid_from: datetime, recorded_at: datetime
    ) -> Sequence[Rate]:
        """Let each rate hold from ``valid_from`` on, ending the versions with the same selector there."""
        at = await self._moment(recorded_at)
        await self.named(price_list, field="priceList")
        reader = RateReader()
        rows = await self._fetch(
            """select * from rate where operator = $1 and price_list = $2 and replaced_at is null
               and (to_name, mode) in (select * from unnest($3::text[], $4::text[])) order by id""",
            price_list,
            [rate.to for rate in new],
            [rate.mode for rate in new],
        )
        ended, begun = put([reader.rate(row) for row in rows], new, valid_from)
        if not begun:
            return []
        await self._end_rates(ended, at)
        kept = await self._add_rates([(price_list, rate) for rate in begun], at)
        await self._changed(at)
        return kept

    async def _heads(self, condition: str, *arguments: Any) -> list[Any]:
        """Return the present rows of price lists that the actor may use and that fulfil a condition on $3 and on."""
        reached = "true or cardinality($2::bigint[]) = 0" if self._actor.reseller is None else _REACHED
        return await self._fetch(
            f"select * from price_list where operator = $1 and replaced_at is null and ({reached}) and {condition}",  # noqa: S608  (constants)
            list(self._actor.resellers),
            *arguments,
        )

    async def _moment(self, recorded_at: datetime) -> datetime:
        """Lock the catalogue and return when the change is recorded: later than the one before, whatever the clock."""
        rows = await self._fetch("select changed_at from catalogue where operator = $1 for update")
        before = rows[0]["changed_at"]
        return recorded_at if before is None else max(recorded_at, before + timedelta(microseconds=1))

    async def _changed(self, at: datetime) -> None:
        await self._run("update catalogue set revision = revision + 1, changed_at = $2 where operator = $1", at)

    async def _write_destinations(self, changes: Changes, at: datetime) -> None:
        gone = [one.id for one in changes.ended_destinations]
        await self._run(
            "update destination set replaced_at = $3 where operator = $1 and id = any ($2::int[])", gone, at
        )
        emptied = gone + [old.id for old, new in changes.prefixes if span(old) != span(new)]
        await self._run(
            """update prefix set replaced_at = $3
               where operator = $1 and destination = any ($2::int[]) and replaced_at is null""",
            emptied,
            at,
        )
        removed, added = _moved_prefixes(changes)
        if removed:
            await self._run(
                """update prefix set replaced_at = $4 from unnest($2::int[], $3::text[]) as gone (destination, prefix)
                   where operator = $1 and replaced_at is null
                   and prefix.destination = gone.destination and prefix.prefix = gone.prefix""",
                [key for key, _ in removed],
                [prefix for _, prefix in removed],
                at,
            )
        keys = await self._fetch(
            """insert into destination (operator, name, groups, recorded_at)
               select $1, name, string_to_array(groups, chr(31)), $4
               from unnest($2::text[], $3::text[]) with ordinality as new (name, groups, place) order by place
               returning id, name""",
            [one.name for one in changes.new_destinations],
            ["\x1f".join(one.groups) for one in changes.new_destinations],
            at,
        )
        by_name = {row["name"]: row["id"] for row in keys}
        for one in changes.new_destinations:
            added += [(by_name[one.name], prefix, *span(one)) for prefix in sorted(set(one.prefixes))]
        await self._run(
            """insert into prefix (operator, destination, prefix, valid_from, valid_to, recorded_at)
               select $1, new.*, $6 from unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) as new""",
            *([row[column] for row in added] for column in range(4)),
            at,
        )

    async def _write_lists(self, changes: Changes, at: datetime) -> None:
        rows = await self._fetch(
            """update price_list set replaced_at = $3 where operator = $1 and id = any ($2::bigint[])
               returning name, reseller""",
            [one.id for one in changes.ended_lists],
            at,
        )
        owners = {row["name"]: row["reseller"] for row in rows}
        await self._transaction.connection.executemany(
            """insert into price_list (operator, name, parent, currency, zone, band_policy, decimals, rounding,
               reseller, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
            [(self._operator, *list_to_row(one), owners.get(one.name), at) for one in changes.new_lists],
        )

    async def _end_rates(self, ended: Sequence[Rate], at: datetime) -> None:
        await self._run(
            "update rate set replaced_at = $3 where operator = $1 and id = any ($2::bigint[])",
            [rate.id for rate in ended],
            at,
        )

    async def _add_rates(self, new: Sequence[tuple[str, Rate]], at: datetime) -> list[Rate]:
        """Keep rates of lists in one statement and return them with their keys."""
        if not new:
            return []
        columns = ", ".join(RATE_COLUMNS)
        arrays = ", ".join(f"${place}::{_RATE_TYPES[name]}[]" for place, name in enumerate(RATE_COLUMNS, 2))
        rows = await self._fetch(
            f"""insert into rate (operator, {columns}, recorded_at)
                select $1, {columns}, ${len(RATE_COLUMNS) + 2}
                from unnest({arrays}) with ordinality as new ({columns}, place) order by place returning id""",  # noqa: S608  (constants)
            *rates_to_columns(new),
            at,
        )
        keys = sorted(row["id"] for row in rows)
        return [replace(rate, id=key, recorded_at=at) for key, (_, rate) in zip(keys, new, strict=True)]


def _moved_prefixes(changes: Changes) -> tuple[list[tuple[int, str]], list[tuple[Any, ...]]]:
    """Return (destination, prefix) that end and (destination, prefix, from, to) that begin in those that stay."""
    removed: list[tuple[int, str]] = []
    added: list[tuple[Any, ...]] = []
    for old, new in changes.prefixes:
        before, after = set(old.prefixes), set(new.prefixes)
        if span(old) != span(new):
            before = set()  # they all end and begin anew
        removed += [(old.id, prefix) for prefix in sorted(before - after)]
        added += [(old.id, prefix, *span(new)) for prefix in sorted(after - before)]
    return removed, added
