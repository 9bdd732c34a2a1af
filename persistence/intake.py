"""The import pipeline's bulk reads and writes in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import asyncpg
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.access.actor import Actor
from domain.ids import ChunkId, ResellerId, SourceId
from domain.intake.routes import known_by
from domain.intake.spans import spans
from domain.intake.subscribers import ALWAYS, MEMBERS, NUMBERS, Pricing, Revision, Subscribers, varied
from domain.intake.tiers import chain, retiered, timeline
from domain.plans.assignment import ASSIGNED, InForce
from domain.ports.intake import IN_SUSPENSE, KNOWN, Chunk, Collision
from domain.rating.clock import EPOCH
from domain.resellers.reseller import Reseller
from persistence.catalogue import CatalogueStore
from persistence.copying import Target
from persistence.engine import Transaction
from persistence.locks import CHUNKS
from persistence.plans import PlanStore
from persistence.resellers import ResellerStore

# Up to this many kept events per event of the chunk, reading them all is cheaper than asking for each by its key.
DENSITY_MAX: Final = 4
CHANGES_MAX: Final = 1000

_REVISION: Final = (
    "select (select revision from catalogue where operator = $1), count(*), coalesce(max(id), 0)::bigint,"
    " coalesce(sum(id), 0)::bigint from subscriber_change where operator = $1"
)
_SUBSCRIBERS: Final = (
    "select s.id, s.customer, s.contract, coalesce(cu.reseller, 0) as reseller,"
    ' coalesce(co.price_list, cu.price_list) as retail, co.start, co."end",'
    " (s.activated_at at time zone o.zone)::date as activated, (s.ended_at at time zone o.zone)::date as ended"
    " from subscription s join operator o on o.id = s.operator"
    " join contract co on co.operator = s.operator and co.customer = s.customer and co.id = s.contract"
    " join customer cu on cu.operator = s.operator and cu.id = s.customer where s.operator = $1 order by s.id"
)
# What is pending has no numbers yet: nothing of it may be billed.
_NUMBERS: Final = (
    "select number, subscription, kind, (extract(epoch from valid_from) * 1000000)::bigint as valid_from,"
    " (extract(epoch from valid_to) * 1000000)::bigint as valid_to from number_assignment n where operator = $1"
    " and not exists (select from subscription s"
    " where s.operator = $1 and s.id = n.subscription and s.state = 'pending')"
)
_PRICING: Final = (
    "insert into pricing (operator, retail, tiers, wholesale, cost, groups) values ($1, $2, $3, $4, $5, $6)"
    " on conflict do nothing"
)
_MEMBERS: Final = (
    "select customer, name, (extract(epoch from valid_from) * 1000000)::bigint as valid_from,"
    " (extract(epoch from valid_to) * 1000000)::bigint as valid_to from customer_group where operator = $1"
    " order by customer"
)
# When the catalogue last changed: as of that instant it is what it is now.
_BELIEVED: Final = "select changed_at from catalogue where operator = $1"
_OPEN: Final = "kind = 'unrated' and resolved_at is null"
_LIGHTLY: Final = (
    "select pg_advisory_xact_lock_shared($1, $2), set_config('synchronous_commit', 'off', true),"
    " set_config('lock_timeout', coalesce($3, current_setting('lock_timeout')), true)"
)
_KEPT: Final = "(extract(epoch from start) * 1000000)::bigint as start, key, content"
_VERSIONED: Final = (("usage", "true", "version"), ("suspense", _OPEN, f"{IN_SUSPENSE} as version"))
# Bits of every row, whatever the order; ``#`` is exclusive or. One cheap aggregate, since it runs for every chunk:
# only what may be null is asked whether it is.
_MIXED: Final = ("key", "content", "customer", "pricing", "used", "billed", "retail_rate", "cost_micro")
_BITS: Final = " # ".join("coalesce(cost_micro, 0)" if name == "cost_micro" else name for name in _MIXED)
_CHECK: Final = (
    f"select count(*) as rows, coalesce(sum(retail_micro), 0) as retail, coalesce(bit_xor({_BITS}), 0) as mixed"  # noqa: S608  (our own words)
    " from usage where operator = $1 and source = $2 and start between $3 and $4 and chunk = $5"
)


class IntakeStore:
    """Bulk reads and writes of the actor's operator, in one transaction."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._actor = actor
        self._operator = int(actor.operator)

    async def revision(self) -> Revision:
        """Return what changes whenever the catalogue or a subscriber has changed."""
        row = await self._connection.fetchrow(_REVISION, self._operator)
        return tuple(-1 if value is None else int(value) for value in row)

    async def subscribers(self) -> Subscribers:
        """Return every subscriber at the present revision, read before the rest: what is newer is noticed next time."""
        revision = await self.revision()
        believed = await self._connection.fetchval(_BELIEVED, self._operator)
        rows = await self._connection.fetch(_SUBSCRIBERS, self._operator)
        resellers = ResellerStore(self._transaction, self._actor)
        over = timeline(await resellers.base(), await resellers.terms())
        places: dict[tuple[str | None, int], int] = {}
        pricing = np.fromiter(
            (places.setdefault((row["retail"], row["reseller"]), len(places)) for row in rows), np.int32, len(rows)
        )
        own = tuple(_pricing(retail, reseller, over.last) for retail, reseller in places)
        subscription, customer = _integers(rows, "id"), _integers(rows, "customer")
        contract = _integers(rows, "contract")
        plans = await self._plans(subscription, contract)
        whose = _integers(rows, "reseller")
        variants, pricings = varied(await self._members(), customer, pricing, own, plans.spans())
        variants, pricings = retiered(variants, pricings, pricing, whose, over)
        return Subscribers(
            revision=revision,
            believed_at=believed or EPOCH,
            subscription=subscription,
            customer=customer,
            contract=contract,
            reseller=whose,
            pricing=pricing,
            pricings=pricings,
            pricing_keys=await self._pricing_keys(pricings),
            **await self._numbers(subscription),
            variants=variants,
            term=tuple((row["start"], row["end"]) for row in rows),
            on_plan=plans,
            active=tuple((row["activated"], row["ended"]) for row in rows),
        )

    async def _plans(self, subscription: NDArray[np.int64], contract: NDArray[np.int64]) -> InForce:
        """Return who is on which plan."""
        unit = (self._transaction, self._actor)
        plans = await CatalogueStore(*unit).plans()
        assigned = await PlanStore(*unit).columns() if plans else ASSIGNED.to_frame()
        zone = await self._connection.fetchval("select zone from operator where id = $1", self._operator)
        return InForce(assigned, subscription, contract, plans, zone or "UTC")

    async def _members(self) -> pl.DataFrame:
        rows = await self._connection.fetch(_MEMBERS, self._operator)
        return pl.DataFrame(
            [
                (r["customer"], r["name"], r["valid_from"], ALWAYS if r["valid_to"] is None else r["valid_to"])
                for r in rows
            ],
            schema=MEMBERS,
            orient="row",
        )

    async def _pricing_keys(self, pricings: Sequence[Pricing]) -> NDArray[np.int32]:
        """Return the database key of each, keeping those that are new."""
        rows = [(self._operator, p.retail, list(p.tiers), list(p.wholesale), p.cost, list(p.groups)) for p in pricings]
        await self._connection.executemany(_PRICING, rows)
        kept = await self._connection.fetch(
            "select id, retail, tiers, wholesale, cost, groups from pricing where operator = $1", self._operator
        )
        keys = {pricing_of(row): row["id"] for row in kept}
        return np.array([keys[one] for one in pricings], np.int32)

    async def _numbers(self, subscription: NDArray[np.int64]) -> dict[str, pl.DataFrame]:
        """Return what lines are known by: ``numbers``, ``trunks`` and ``prefixes``."""
        rows = await self._connection.fetch(_NUMBERS, self._operator)
        owner = np.searchsorted(subscription, _integers(rows, "subscription")).astype(np.int32)
        held = pl.DataFrame(
            {
                "number": [row["number"] for row in rows],
                "owner": owner,
                "valid_from": _integers(rows, "valid_from"),
                "valid_to": [ALWAYS if row["valid_to"] is None else row["valid_to"] for row in rows],
            },
            schema=NUMBERS,
        )
        return known_by(held, pl.Series([row["kind"] for row in rows], dtype=pl.String))

    async def partitions(self, months: Collection[date]) -> None:
        """Make room for usage of these months, and forget changes that no reader can have missed."""
        for month in sorted(months):
            await self._connection.execute("select usage_partition($1)", month)
        await self._connection.execute(
            "delete from subscriber_change c where operator = $1 and id < (select max(id) from subscriber_change"
            " where operator = $1) and (select count(*) from subscriber_change where operator = $1) > $2",
            self._operator,
            CHANGES_MAX,
        )

    async def known(self, source: SourceId, starts: NDArray[np.int64], keys: NDArray[np.int64]) -> pl.DataFrame:
        """Return what is kept of a source around these events.

        How many there may be is told by the chunks that overlap; a file that goes forward in time meets none.
        """
        if not len(starts):
            return KNOWN.to_frame()
        first, last = _instant(starts.min()), _instant(starts.max())
        kept = await self._connection.fetchval(
            "select coalesce(sum(rated + unrated), 0)::bigint from chunk where operator = $1 and source = $2"
            " and last_start >= $3 and first_start <= $4",
            *(self._operator, source, first, last),
        )
        if not kept:
            return KNOWN.to_frame()
        if kept <= DENSITY_MAX * len(starts) + 10_000:
            found = await self._around(source, starts)
        else:
            found = await self._same(source, starts, keys)
        return pl.DataFrame(
            {name: _integers(found, name) for name in KNOWN.names()},
            schema=KNOWN,
        )

    async def _around(self, source: SourceId, starts: NDArray[np.int64]) -> list[Any]:
        """Read all that was kept in the spans of time of these events."""
        rows: list[Any] = []
        for lowest, highest in spans(starts):
            for table, which, version in _VERSIONED:
                rows += await self._connection.fetch(
                    f"select {_KEPT}, {version} from {table} where operator = $1 and source = $2"  # noqa: S608  (our own words)
                    f" and start between $3 and $4 and {which}",
                    *(self._operator, source, _instant(lowest), _instant(highest)),
                )
        return rows

    async def _same(self, source: SourceId, starts: NDArray[np.int64], keys: NDArray[np.int64]) -> list[Any]:
        """Join what was kept with these events, in one statement."""
        rows: list[Any] = []
        times = [_instant(start) for start in starts.tolist()]
        for table, which, version in _VERSIONED:
            rows += await self._connection.fetch(
                f"select (extract(epoch from u.start) * 1000000)::bigint as start, u.key, u.content, {version}"  # noqa: S608  (our own words)
                f" from unnest($3::timestamptz[], $4::bigint[]) wanted (start, key) join {table} u on u.operator = $1"
                f" and u.source = $2 and u.start = wanted.start and u.key = wanted.key and {which}",
                *(self._operator, source, times, keys.tolist()),
            )
        return rows

    async def store(self, chunk: Chunk, *, patience: float | None = None, turn: asyncio.Lock | None = None) -> ChunkId:
        """Write a chunk and compare what arrived with what was sent. Raises ``Collision``.

        Its commit does not wait for the disk: see ``domain.intake.run``.
        """
        waited = None if patience is None else f"{int(1000 * patience)}ms"
        await self._connection.execute(_LIGHTLY, CHUNKS, self._operator, waited)
        try:
            key = ChunkId(
                await self._connection.fetchval(
                    "insert into chunk (operator, file, source, number, position, first_start, last_start, rated,"
                    " unrated, believed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
                    *(self._operator, chunk.file, chunk.source, chunk.number, chunk.position),
                    *(chunk.first_start, chunk.last_start, chunk.usage.num_rows),
                    *(chunk.suspended.filter(pl.col("kind") == "unrated").height, chunk.believed_at),
                )
            )
            own = {"operator": self._operator, "source": int(chunk.source), "chunk": int(key)}
            await self._copy("usage", chunk.usage, own, turn)
            await self._copy("usage_share", chunk.shares.to_arrow(), own)
            await self._copy("usage_flag", chunk.flags.to_arrow(), own)
            await self._copy("suspense", chunk.suspended.to_arrow(), own | {"file": int(chunk.file)})
        except asyncpg.UniqueViolationError as fault:
            if fault.constraint_name in {
                "chunk_operator_file_number_key",
                "suspense_identity",
            } or fault.table_name.startswith("usage"):
                raise Collision(str(fault)) from None
            raise
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as fault:
            raise Collision(str(fault)) from None
        await self._compare(chunk, key)
        return key

    async def _copy(self, name: str, table: Any, own: Mapping[str, int], turn: asyncio.Lock | None = None) -> None:
        target = _TARGETS.get(name) or await Target.of(self._connection, name)
        _TARGETS[name] = target
        for column, value in own.items():
            table = table.append_column(column, pa.repeat(pa.scalar(value, pa.int64()), table.num_rows))
        await target.copy(self._connection, table, turn=turn)

    async def _compare(self, chunk: Chunk, key: ChunkId) -> None:
        """Compare what was sent with what is there: rows, amounts, and the bits of every row mixed."""
        if not chunk.usage.num_rows:
            return
        rows = retail = bits = 0
        for lowest, highest in spans(pc.cast(chunk.usage["start"], pa.int64()).to_numpy()):
            found = await self._connection.fetchrow(
                _CHECK, self._operator, chunk.source, _instant(lowest), _instant(highest), key
            )
            rows, retail, bits = rows + found["rows"], retail + int(found["retail"]), bits ^ found["mixed"]
        mixed = np.zeros(chunk.usage.num_rows, np.int64)
        for name in _MIXED:
            mixed ^= pc.fill_null(chunk.usage[name], 0).to_numpy()
        amounts = exact_sum(chunk.usage["retail_micro"].to_numpy())
        sent = (chunk.usage.num_rows, amounts, int(np.bitwise_xor.reduce(mixed)))
        assert (rows, retail, bits) == sent, f"rows, amounts, bits: {(rows, retail, bits)} arrived of {sent}"


_TARGETS: dict[str, Target] = {}


def _pricing(retail: str | None, reseller: int, tree: Mapping[ResellerId, Reseller]) -> Pricing:
    return Pricing(retail, *chain(ResellerId(reseller), tree)) if reseller else Pricing(retail)


def pricing_of(row: Mapping[str, Any]) -> Pricing:
    """Make the pricing of a row."""
    tiers_of = tuple(ResellerId(tier) for tier in row["tiers"])
    return Pricing(row["retail"], tiers_of, tuple(row["wholesale"]), row["cost"], tuple(row["groups"]))


def _integers(rows: Sequence[Any], name: str) -> NDArray[np.int64]:
    return np.fromiter((row[name] for row in rows), np.int64, len(rows))


def exact_sum(values: NDArray[np.int64]) -> int:
    """Add up 64-bit integers without wrapping: halves apart.

    >>> exact_sum(np.array([2**63 - 1, 2**63 - 1, -5])) == 2**64 - 7
    True
    """
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(micros))
