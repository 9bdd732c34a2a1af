"""Re-rating in memory. The table ``usage`` holds the present versions, ``usage_past`` the others and reversals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from domain.ids import ChunkId, ReratingId
from domain.mediation.files import Suspended, SuspenseKind
from domain.ports.intake import Collision
from domain.ports.page import Page, PageRequest
from domain.ports.usage import Background
from domain.rating.clock import micros
from domain.refusal import NotFound
from domain.rerating.columns import HELD, STORED, written
from domain.rerating.rerating import Position, Rerating, ReratingState, Selection
from domain.rerating.traffic import OUTERMOST, TRAFFIC
from persistence.memory import Draft, page_of
from persistence.memory_draws import keep_shares
from persistence.memory_intake import Kept, usage_names
from persistence.memory_invoices import UsageRow
from persistence.memory_suspense import leave
from persistence.usage import rated_of

Place = tuple[int, int, int]


class MemoryReratings:
    """Keeps ``domain.ports.rerating.Reratings``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    def _own(self) -> list[Rerating]:
        rows = self._draft.table("rerating")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._operator]

    async def start(self, run: Rerating) -> Rerating:
        """Keep a new run (its ``id`` is 0), or return the unfinished one that was asked for in the same words."""
        for one in self._own():
            if one.state is ReratingState.RUNNING and (one.reason, one.selection) == (run.reason, run.selection):
                return one
        kept = replace(run, id=ReratingId(self._draft.draw("rerating")))
        await self.keep(kept)
        return kept

    async def claim(self, key: ReratingId) -> Rerating:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        for one in self._own():
            if one.id == key:
                return one
        raise NotFound("no re-rating {key}", key=key)

    async def keep(self, run: Rerating) -> None:
        """Write how far a run is."""
        self._draft.table("rerating")[run.id] = run

    async def page(self, request: PageRequest) -> Page[Rerating]:
        """List by key."""
        return page_of(self._own(), request, lambda one: one.id)

    async def count(self, selection: Selection) -> int:
        """Return how many rated events the period of a selection has."""
        rows = self._draft.table("usage").values()
        return sum(selection.since <= row.event.start < selection.until for row in rows if self._draft.sees(row))

    async def stored(self, selection: Selection, after: Position | None, *, first: int) -> pl.DataFrame:
        """Return the present versions of the next rated events, as ``domain.rerating.columns.STORED``, in order."""
        rows: dict[Place, UsageRow] = self._draft.table("usage")
        source = self._source(selection)
        found = [
            self._draft.table("usage_kept")[place].row | {"start": place[0], "source": place[1]}
            for place in sorted(rows)
            if self._draft.sees(rows[place])
            and (after is None or place > after)
            and source in (None, place[1])
            and _chosen(rows[place], selection)
        ]
        names = STORED.names()
        return pl.DataFrame([[row[name] for name in names] for row in found[:first]], schema=STORED, orient="row")

    async def traffic(
        self, since: datetime, until: datetime, after: Position | None, *, first: int
    ) -> tuple[pl.DataFrame, Position | None]:
        """Return the present versions of the next events, and where to go on; None: nothing is left."""
        stored = await self.stored(Selection(since=since, until=until), after, first=first)
        resold = pl.col("wholesale_micro").is_not_null().cast(pl.Int8).alias("resold")
        outer = [resold, *(pl.col(name).list.first() for name in OUTERMOST)]
        place = stored.select("start", "source", "key").row(-1) if stored.height == first else None
        return stored.with_columns(outer).select(TRAFFIC.names()), place

    def _source(self, selection: Selection) -> int | None:
        if selection.source is None:
            return None
        sources = self._draft.table("source").values()
        return next((one.id for one in sources if (one.operator, one.name) == (self._operator, selection.source)), 0)

    async def held(self, selection: Selection, after: int, *, first: int) -> pl.DataFrame:
        """Return the next unrated events in suspense, as ``domain.rerating.columns.HELD``, by key."""
        rows: dict[int, Suspended] = self._draft.table("suspense")
        source = self._source(selection)
        found = []
        for key in sorted(rows):
            one = rows[key]
            if one.operator != self._operator or one.kind is not SuspenseKind.UNRATED or key <= after:
                continue
            if one.start is None or not selection.since <= one.start < selection.until:
                continue
            if source not in (None, one.source) or selection.unrated not in (None, one.reason):
                continue
            kept = self._draft.table("suspense_told")[key]
            found.append((key, int(one.source), kept["event"], kept["key"], kept["content"]))
        return pl.DataFrame(found[:first], schema=HELD, orient="row")

    async def rates(self, keys: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """Return the price list and currency of rate versions, replaced ones too."""
        rates = usage_names(self._draft)[0].rates
        return {key: rates[key] for key in keys}

    async def known(self, price_list: str | None, destination: str | None) -> tuple[bool, bool]:
        """Tell whether there is, or ever was, a price list and a destination of these names."""
        believed = [tariff for _, tariff in self._draft.table("catalogue").get(self._operator, ())]
        return (
            any(price_list in one.price_lists for one in believed),
            any(destination in one.destinations for one in believed),
        )

    async def destinations(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the names of destinations, replaced ones too."""
        names = usage_names(self._draft)[0].destinations
        return {key: names[key] for key in keys if key in names}

    async def write(
        self,
        run: Rerating,
        believed_at: datetime,
        rows: pl.DataFrame,
        released: Sequence[int],
        shares: pl.DataFrame | None = None,
    ) -> ChunkId:
        """Write rows of ``STORED`` as one chunk, with what they drew (``KEPT``), and resolve what they release.

        Raises ``Collision``.
        """
        assert run.id in self._draft.table("rerating"), "only a run that is kept writes"
        key = ChunkId(self._draft.draw("chunk"))
        names, groups = usage_names(self._draft)
        pricings = {number: pricing for (_, pricing), number in self._draft.table("pricing").items()}
        usage, past, kept = (self._draft.table(name) for name in ("usage", "usage_past", "usage_kept"))
        files = {place: self._draft.table("suspense")[one].file for one in released for place in self._places(one)}
        for row in written(rows).iter_rows(named=True):
            place = (micros(row["start"]), row["source"], row["key"])
            before = usage.get(place)
            if row["version"] > 1 and (before is None or before.event.version >= row["version"]):
                raise Collision(f"{place} was rated by somebody else")
            file = before.event.file if before is not None else files[place]
            pricing = pricings[row["pricing"]]
            words = ",".join(before.event.flags) if before is not None else ""
            told: dict[str, Any] = {"flags": words, **row, "chunk": key, "file": file, "tiers": pricing.tiers}
            event = rated_of(told, names)
            made = UsageRow(self._operator, event, groups.get(event.destination, event.destination))
            if row["version"] % 2 == 0:
                past[*place, row["version"]] = made
                continue
            if before is not None:
                past[*place, before.event.version] = before
            usage[place] = made
            kept[place] = Kept(row["content"], Background(believed_at, pricing), told)
        if shares is not None:
            keep_shares(self._draft, shares)
        counted = self._draft.table("cdr_file")
        for one in released:
            gone: Suspended = self._draft.table("suspense")[one]
            file = counted[gone.file]
            counted[file.id] = replace(file, rated=file.rated + 1, unrated=file.unrated - 1)
            leave(self._draft, gone, "released")
        return key

    def _places(self, key: int) -> list[Place]:
        one: Suspended = self._draft.table("suspense")[key]
        assert one.start is not None, "what is released has a start"
        return [(micros(one.start), int(one.source), self._draft.table("suspense_told")[key]["key"])]


def _chosen(row: UsageRow, selection: Selection) -> bool:
    event = row.event
    lists = [event.retail, *event.wholesale, *([event.cost] if event.cost else [])]
    return (
        selection.since <= event.start < selection.until
        and selection.customer in (None, event.customer)
        and selection.contract in (None, event.contract)
        and selection.subscription in (None, event.subscription)
        and selection.destination in (None, event.destination)
        and (selection.price_list is None or any(one.price_list == selection.price_list for one in lists))
    )
