"""The catalogue in PostgreSQL: rows that end when they are replaced, so that what was believed when is never lost.

Every change locks the operator's row of ``catalogue``, raises its revision and is recorded later than the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.access.actor import Actor
from domain.access.charges import sees_cost_lists
from domain.catalogue.suppliers import cost_lists
from domain.catalogue.tariff import Bucket, Destination, Plan, PriceList, Rate, Tariff
from domain.catalogue.versions import put
from domain.ids import ResellerId
from domain.ports.catalogue import Changed
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.catalogue_changes import OUTLINED, PARTS, between, counted
from persistence.catalogue_rows import RateReader, list_from_row, list_to_row, part_from_json
from persistence.catalogue_writes import add_rates, end_rates, write
from persistence.engine import Transaction
from persistence.violations import beyond, refusing

# What was believed at $2.
_BELIEVED = "operator = $1 and recorded_at <= $2 and (replaced_at is null or replaced_at > $2)"
_CHANGED = "select {} from {} where operator = $1 and (recorded_at > $2 or replaced_at > $2)"
# The lists that a reseller's caller may use; the customers and contracts are those he sees.
_REACHED = """name in (
    select name from price_list where operator = $1 and replaced_at is null and reseller = any ($2::bigint[])
    union select price_list from reseller_at(now()) where operator = $1 and id = any ($2::bigint[])
    union select price_list from customer where operator = $1 and reseller = any ($2::bigint[])
    union select price_list from contract where operator = $1 and reseller = any ($2::bigint[]))"""


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
        """Return the whole catalogue without parties, as it was believed at ``as_of`` (None: now).

        Now is the instant of the last change: what is committed while this reads is of a later one, and left out.
        """
        as_of = as_of or await self._changed_at()
        if as_of is None:
            return Tariff()
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

    async def renewed(self, before: Tariff, since: datetime) -> Tariff:
        """Return what ``tariff`` returns now, reading only the lists and parts that changed after ``since``."""
        as_of = await self._changed_at()
        if as_of is None or as_of == since:
            return Tariff() if as_of is None else before
        heads = await self._fetch(f"select * from price_list where {_BELIEVED} order by id", as_of)  # noqa: S608  (constants)
        changed = {
            row["price_list"] for row in await self._fetch(_CHANGED.format("distinct price_list", "rate"), since)
        }
        names = [row["name"] for row in heads]
        rates = {name: before.price_lists[name].rates for name in names if name in before.price_lists}
        begun = await self._rates([name for name in names if name in changed or name not in rates], as_of)
        rates |= {name: tuple(own) for name, own in begun.items()}
        moved = [await self._fetch(f"{_CHANGED.format('1', of)} limit 1", since) for of in ("destination", "prefix")]
        parts = [row["part"] for row in await self._fetch(_CHANGED.format("part", "catalogue_part"), since)]
        fresh = {PARTS[part]: getattr(Tariff(), PARTS[part]) for part in parts} | await self._parts(parts, as_of)
        return replace(
            before,
            destinations=await self._destinations(as_of) if any(moved) else before.destinations,
            price_lists={row["name"]: list_from_row(row, rates[row["name"]]) for row in heads},
            **fresh,
        )

    async def _rates(self, names: Sequence[str], as_of: datetime) -> dict[str, list[Rate]]:
        """Return the rates of the named lists as they were believed."""
        found: dict[str, list[Rate]] = {name: [] for name in names}
        reader = RateReader()
        query = f"select * from rate where {_BELIEVED} and price_list = any ($3::text[]) order by id"  # noqa: S608  (constants)
        for row in await self._fetch(query, as_of, list(found)) if found else ():
            found[row["price_list"]].append(reader.rate(row))
        return found

    async def outline(self) -> Tariff:
        """Return the present catalogue without prefixes, rates, ported numbers, rings and buckets."""
        as_of = await self._changed_at()
        if as_of is None:
            return Tariff()
        heads = await self._fetch(f"select * from price_list where {_BELIEVED} order by id", as_of)  # noqa: S608  (constants)
        names = await self._fetch(f"select id, name, groups from destination where {_BELIEVED} order by id", as_of)  # noqa: S608  (constants)
        return Tariff(
            destinations={
                row["name"]: Destination(name=row["name"], prefixes=(), groups=tuple(row["groups"]), id=row["id"])
                for row in names
            },
            price_lists={row["name"]: list_from_row(row) for row in heads},
            **await self._parts(OUTLINED, as_of),
        )

    async def buckets(self) -> Sequence[Bucket]:
        """Return the present buckets, in the order of the document."""
        as_of = await self._changed_at()
        found: Sequence[Bucket] = () if as_of is None else (await self._parts(("buckets",), as_of)).get("buckets", ())
        return found

    async def plans(self) -> Mapping[str, Plan]:
        """Return the present plans, by name."""
        as_of = await self._changed_at()
        found: Mapping[str, Plan] = {} if as_of is None else (await self._parts(("plans",), as_of)).get("plans", {})
        return found

    async def _parts(self, parts: Sequence[str], as_of: datetime) -> dict[str, Any]:
        """Return parts of the catalogue under the names of the tariff's fields."""
        query = f"select part, body from catalogue_part where {_BELIEVED} and part = any ($3::text[])"  # noqa: S608  (constants)
        rows = await self._fetch(query, as_of, list(parts))
        return {PARTS[row["part"]]: part_from_json(row["part"], row["body"]) for row in rows}

    async def _destinations(self, as_of: datetime) -> dict[str, Destination]:
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
        await self.hold()
        return await self.amend(await self.tariff(), tariff, recorded_at=recorded_at)

    async def part(self, price_lists: Collection[str]) -> Tariff:
        """Return the outline with rings and buckets, and with the present rates of the named lists."""
        outline = await self.outline()
        as_of = await self._changed_at()
        if as_of is None:
            return outline
        rates: dict[str, list[Rate]] = {name: [] for name in price_lists}
        reader = RateReader()
        for row in await self._fetch(
            """select * from rate where operator = $1 and price_list = any ($2::text[]) and replaced_at is null
               order by id""",
            list(rates),
        ):
            rates[row["price_list"]].append(reader.rate(row))
        heads = outline.price_lists.items()
        return replace(
            outline,
            price_lists={name: replace(one, rates=tuple(rates.get(name, ()))) for name, one in heads},
            **await self._parts(("discount_rings", "buckets"), as_of),
        )

    async def rates_to(self, price_lists: Collection[str], names: Collection[str]) -> Mapping[str, Sequence[Rate]]:
        """Return the present rates of lists whose ``to`` is one of the names."""
        found: dict[str, list[Rate]] = {}
        reader = RateReader()
        for row in await self._fetch(
            """select * from rate where operator = $1 and price_list = any ($2::text[]) and to_name = any ($3::text[])
               and replaced_at is null order by id""",
            list(price_lists),
            list(names),
        ):
            found.setdefault(row["price_list"], []).append(reader.rate(row))
        return found

    async def amend(self, before: Tariff, after: Tariff, *, recorded_at: datetime) -> Changed:
        """Make of the catalogue what turns ``before`` into ``after``; what both leave out or have alike stays."""
        at = await self._moment(recorded_at)
        changes = between(before, after)
        if not changes.any:
            return Changed()
        await write(self._transaction.connection, self._operator, changes, after, at)
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
               union select price_list from reseller where operator = $1
               union select price_list from reseller_term where operator = $1"""
        )
        return frozenset(row["price_list"] for row in rows if row["price_list"] is not None)

    async def named(self, name: str, *, field: str) -> PriceList:
        """Return the list with this name, where the actor may use it. Refuses with: NotFound, naming ``field``."""
        await self._fetch("select from catalogue where operator = $1 for share")
        return await self._named(name, field)

    async def owner(self, name: str) -> ResellerId | None:
        """Return whose own the list of this name is; None: the operator's, or there is none."""
        rows = await self._fetch(
            "select reseller from price_list where operator = $1 and name = $2 and replaced_at is null", name
        )
        return rows[0]["reseller"] if rows else None

    async def owners(self, names: Sequence[str]) -> Mapping[str, ResellerId | None]:
        """Return whose own each of these lists is; None: the operator's."""
        rows = await self._fetch(
            "select name, reseller from price_list where operator = $1 and name = any ($2) and replaced_at is null",
            list(names),
        )
        return {row["name"]: row["reseller"] for row in rows}

    async def hold(self) -> None:
        """Let no other unit change the catalogue, or name a list of it, until this one ends."""
        await self._fetch("select from catalogue where operator = $1 for update")

    async def rates(self, price_list: str, request: PageRequest) -> Page[Rate]:
        """List the present rates of one list by key. Refuses with: NotFound (list)."""
        await self._named(price_list, "priceList")
        rows = await self._fetch(
            """select * from rate where operator = $1 and price_list = $2 and replaced_at is null and id > $3
               order by id limit $4""",
            price_list,
            beyond(request.after),
            request.first + 1,
        )
        reader = RateReader()
        return Page.of([reader.rate(row) for row in rows], request)

    async def rates_of(self, price_lists: Sequence[str], *, first: int) -> Mapping[str, Page[Rate]]:
        """Return the first ``first`` present rates of each list that may be seen, at once."""
        found: dict[str, list[Rate]] = {name: [] for name in await self.lists_by_name(price_lists)}
        rows = await self._fetch(
            """select * from (select r.*, row_number() over (partition by price_list order by id) as place
                                from rate r
                               where operator = $1 and price_list = any($2) and replaced_at is null) ranked
                where place <= $3 order by id""",
            list(found),
            first + 1,
        )
        reader = RateReader()
        for row in rows:
            found[row["price_list"]].append(reader.rate(row))
        return {name: Page.of(rates, PageRequest(first)) for name, rates in found.items()}

    async def add_list(
        self, price_list: PriceList, *, recorded_at: datetime, reseller: ResellerId | None = None
    ) -> PriceList:
        """Keep a new list with its rates. Refuses with: Conflict (name)."""
        at = await self._moment(recorded_at)
        with refusing(
            {"price_list_present": Conflict("the price list {name} exists", name=price_list.name, field="name")}
        ):
            rows = await self._fetch(
                """insert into price_list (operator, name, parent, currency, zone, band_policy, decimals, rounding,
                   reseller, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id""",
                *list_to_row(price_list),
                reseller,
                at,
            )
        new = [(price_list.name, rate) for rate in price_list.rates]
        rates = await add_rates(self._transaction.connection, self._operator, new, at)
        await self._changed(at)
        return replace(price_list, id=rows[0]["id"], rates=tuple(rates))

    async def put_rates(
        self, price_list: str, new: Sequence[Rate], *, valid_from: datetime, recorded_at: datetime
    ) -> Sequence[Rate]:
        """Let each rate hold from ``valid_from`` on, ending the versions with the same selector there."""
        at = await self._moment(recorded_at)
        await self._named(price_list, "priceList")
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
        await end_rates(self._transaction.connection, self._operator, ended, at)
        named = [(price_list, rate) for rate in begun]
        kept = await add_rates(self._transaction.connection, self._operator, named, at)
        await self._changed(at)
        return kept

    async def _named(self, name: str, field: str) -> PriceList:
        found = await self.lists_by_name([name])
        if name not in found:
            raise NotFound("no price list {name!r}", name=name, field=field)
        return found[name]

    async def _heads(self, condition: str, *arguments: Any) -> list[Any]:
        """Return the present rows of price lists that the actor may use and that fulfil a condition on $3 and on."""
        reached = "name <> all ($2::text[])" if self._actor.reseller is None else _REACHED
        return await self._fetch(
            f"select * from price_list where operator = $1 and replaced_at is null and ({reached}) and {condition}",  # noqa: S608  (constants)
            list(await self.unseen()) if self._actor.reseller is None else list(self._actor.resellers),
            *arguments,
        )

    async def unseen(self) -> frozenset[str]:
        """Return the lists of suppliers' prices, where the actor may not see them; else none."""
        as_of = None if sees_cost_lists(self._actor) else await self._changed_at()
        if as_of is None:
            return frozenset()
        trunks = (await self._parts(("trunks",), as_of)).get("trunks", {})
        rows = await self._fetch("select name, parent from price_list where operator = $1 and replaced_at is null")
        return cost_lists(trunks.values(), {row["name"]: row["parent"] for row in rows})

    async def _moment(self, recorded_at: datetime) -> datetime:
        """Hold the catalogue and return when the change is recorded: later than the one before, whatever the clock."""
        await self.hold()
        before = await self._changed_at()
        return recorded_at if before is None else max(recorded_at, before + timedelta(microseconds=1))

    async def _changed_at(self) -> datetime | None:
        rows = await self._fetch("select changed_at from catalogue where operator = $1")
        return rows[0]["changed_at"] if rows else None

    async def _changed(self, at: datetime) -> None:
        await self._run("update catalogue set revision = revision + 1, changed_at = $2 where operator = $1", at)
