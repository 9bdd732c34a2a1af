"""Drawing: events rated in order by what is left, and what is left after them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.buckets.granting import granted_apart
from domain.buckets.standing import BALANCES, LASTS, LOSSES, NEVER, VOLUMES, Moved, Standing, counting_key
from domain.catalogue.tariff import Party
from domain.intake.rater import drawing_party
from domain.intake.rows import COST_SLOT, SHARES, ring_shares
from domain.intake.subscribers import Pricing
from domain.rating import layout as at
from domain.rating.allowances import ALWAYS, Allowance, OnPlan, Roll, Term, allowances, both, owners
from domain.rating.book import Book
from domain.rating.clock import EPOCH, micros
from domain.rating.columns import Events, event_ids, from_frame
from domain.rating.parties import Parties, State, compile_parties
from domain.rating.rate import Rated, rate

Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
Key = tuple[int, str, str, int]  # customer, bucket, owner, since
Counted = tuple[int, int, str, int]  # customer, whose (``counting_key``), ring, slot
_KEY: Final = ("customer", "bucket", "owner", "since")
_VOLUME: Final = ("customer", "subscription", "ring", "slot")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Drawers:
    """Events (``EVENT_SCHEMA``; ``source`` is the source's name) and who draws for each, columns of equal length.

    ``pricing``: a position in ``pricings``. ``terms``: when a contract runs. ``slots``: levels of an event at least.
    ``on_plan``: when an owner's lines were on which plan. ``active``: the days on which a subscription is active.
    """

    frame: pl.DataFrame
    subscription: Longs
    contract: Longs
    customer: Longs
    pricing: Longs
    pricings: Sequence[Pricing]
    terms: Mapping[int, Term]
    slots: int = 0
    on_plan: OnPlan = field(default_factory=dict)
    active: Mapping[int, Term] = field(default_factory=dict)

    def taken(self, chosen: Flags) -> Drawers:
        """Return those of some events."""
        columns = {name: getattr(self, name)[chosen] for name in ("subscription", "contract", "customer", "pricing")}
        return replace(self, frame=self.frame.filter(pl.Series(chosen)), **columns)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Events as they were rated, what rings and buckets did (``SHARES``), and the standing moved."""

    rated: Rated
    shares: pl.DataFrame
    moved: Moved


@dataclass(slots=True)
class _Work:
    """What one drawing has compiled."""

    book: Book
    drawers: Drawers
    party: Longs
    parties: Parties
    members: Sequence[Party]
    granted: Mapping[str, Allowance]
    keys: Mapping[str, Key]
    rolls: Sequence[Roll]
    customer_of: Mapping[str, int]
    cells: Mapping[Counted, list[int]] = field(default_factory=dict)


def draw(book: Book, drawers: Drawers, standing: Standing, *, anew: bool = False) -> Drawn:
    """Rate the events in order by a standing.

    ``anew``: they were taken out of it before, whatever of a roll is not settled with them; their order is then what
    counts, and nothing of theirs is disordered. An event without a retail price draws nothing.
    """
    work = _compiled(book, drawers, standing, anew=anew)
    opening = _opening(work, standing, anew=anew)
    events = from_frame(book, drawers.frame, work.party.astype(np.int32))
    kept: Rated | None = None
    out = np.zeros(len(events), np.bool_)
    while True:
        state = State(opening.left.copy(), opening.volume.copy())
        rated = rate(book, work.parties, replace(events, party=np.where(out, -1, events.party).astype(np.int32)), state)
        rated = rated if kept is None else _patched(rated, kept, out)
        unbilled = (rated.status != at.RATED) | (rated.level_status[0] != at.PRICED)
        drew = np.zeros(len(events), np.bool_)
        drew[rated.draws[:, 0]] = True
        drew[rated.counts[:, 0]] = True
        again = drew & unbilled & ~out
        if not again.any():
            break
        kept, out = rated, out | again
    shares = pl.concat([ring_shares(rated, book), _draws(work, rated, opening, state, events), _counts(work, rated)])
    if unbilled.any():
        shares = shares.filter(pl.Series(~unbilled[shares["place"].to_numpy()], dtype=pl.Boolean))
    return Drawn(rated, shares, _moved(work, standing, opening, state, shares, anew=anew))


def _compiled(book: Book, drawers: Drawers, standing: Standing, *, anew: bool) -> _Work:
    who = np.stack([drawers.subscription, drawers.contract, drawers.customer, drawers.pricing])
    rows, party = np.unique(who, axis=1, return_inverse=True)
    members = [
        drawing_party(subscription, contract, customer, drawers.pricings[pricing])
        for subscription, contract, customer, pricing in rows.T.tolist()
    ]
    starts = drawers.frame["start"].to_numpy()
    first, last = (_moment(moment) for moment in (starts.min(), starts.max()))
    terms = {f"contract:{key}": term for key, term in drawers.terms.items()}
    terms |= {
        f"subscription:{row[0]}": both(drawers.terms.get(row[1], ALWAYS), drawers.active.get(row[0], ALWAYS))
        for row in rows.T.tolist()
    }
    buckets = book.tariff.buckets
    made, rolls = allowances(buckets, owners(buckets, members), first, last, terms, on_plan=drawers.on_plan)
    names = {name for member in members for name in _names(member)}
    made += granted_apart(standing.grants, buckets, names, first, last)
    customer_of = {
        name: row[2] for member, row in zip(members, rows.T.tolist(), strict=True) for name in _names(member)
    }
    # A roll takes away when the first event of its owner stands behind it; another's event says nothing of his.
    latest: defaultdict[str, int] = defaultdict(lambda: NEVER)
    moments = np.full(len(members), NEVER, np.int64)
    np.maximum.at(moments, party.reshape(-1), starts)
    for member, moment in zip(members, moments.tolist(), strict=True):
        for name in _names(member):
            latest[name] = max(latest[name], moment)
    done = {(row["bucket"], row["owner"], row["at"]) for row in standing.losses.iter_rows(named=True)}
    if anew:
        until = dict(standing.settled.select("customer", "until").rows())
        done = {one for one in done if one[2] < until.get(customer_of.get(one[1], 0), NEVER)}
    wanted = [
        roll
        for roll in rolls
        if micros(roll.at) <= latest[roll.owner] and (roll.definition, roll.owner, micros(roll.at)) not in done
    ]
    parties = compile_parties(book, members, [one.bucket for one in made], rolls=wanted, slots=max(drawers.slots, 2))
    return _Work(
        book=book,
        drawers=drawers,
        party=party.reshape(-1),
        parties=parties,
        members=members,
        granted={one.bucket.id: one for one in made},
        keys={one.bucket.id: _key(one, customer_of) for one in made},
        rolls=sorted(wanted, key=lambda one: one.at),
        customer_of=customer_of,
    )


def _names(party: Party) -> tuple[str, ...]:
    return (party.name, *party.shares)


def _key(one: Allowance, customer_of: Mapping[str, int]) -> Key:
    owner = one.bucket.owner
    return customer_of[owner], one.definition.id, owner, micros(one.since)


def _moment(us: Any) -> datetime:
    return EPOCH + timedelta(microseconds=int(us))


def _opening(work: _Work, standing: Standing, *, anew: bool) -> State:
    """Return what is left and counted before the events; fills in where each volume's cells are."""
    drawn = {row[:4]: row[4] for row in standing.balances.select(*_KEY, "drawn").rows()}
    given = {row[:4]: row[4] for row in standing.balances.filter(pl.col("given") > 0).select(*_KEY, "given").rows()}
    lost: defaultdict[Key, int] = defaultdict(int)
    until = dict(standing.settled.select("customer", "until").rows()) if anew else {}
    for customer, bucket, owner, since, when, amount in standing.losses.select(
        "customer", "bucket", "owner", "since", "at", "amount"
    ).rows():
        if not anew or when < until.get(customer, NEVER):
            lost[customer, bucket, owner, since] += amount
    names = work.parties.buckets
    gone = {
        name: drawn.get(work.keys[name], 0) + given.get(work.keys[name], 0) + lost[work.keys[name]] for name in names
    }
    left = [max(work.granted[name].bucket.amount - gone[name], 0) for name in names]
    for place, party in work.parties.caps:
        customer, bucket, _, since = work.keys[names[place]]
        cap = work.granted[names[place]].bucket.cap or 0
        left.append(max(cap - drawn.get((customer, bucket, party, since), 0), 0))
    volume = np.zeros(work.parties.counters, np.int64)
    counted = {row[:4]: row[4] for row in standing.volumes.select(*_VOLUME, "counted").rows()}
    cells: defaultdict[Counted, list[int]] = defaultdict(list)
    for (name, ring, slot), cell in _volume_cells(work):
        key = (work.customer_of[name], counting_key(name), ring, slot)
        if cell not in cells[key]:
            cells[key].append(cell)
            volume[cell] = counted.get(key, 0)
    work.cells = cells
    return State(np.array(left, np.int64), volume)


def _volume_cells(work: _Work) -> Iterator[tuple[tuple[str, str, int], int]]:
    """Yield (who counts it, ring, slot) and the cell of the volume state for each that a party may count."""
    cells, rings = work.parties.cells, {ring.id: ring for ring in work.book.tariff.rings}
    for place, member in enumerate(work.members):
        row = at.row_at(cells, at.PARTIES, place)
        tiers = int(cells[row + at.P_TIERS])
        for one in range(int(cells[row + at.P_RINGS]), int(cells[row + at.P_RINGS_END])):
            counter = at.cell(cells, at.PARTY_RINGS, one, at.PR_COUNTER)
            if counter < 0:
                continue
            ring = work.book.rings[at.cell(cells, at.PARTY_RINGS, one, at.PR_RING)]
            base = int(cells[row + at.P_VOLUME]) + counter * (tiers + 2)
            levels = rings[ring].levels
            positions = [0] if "retail" in levels else []
            positions += range(1, tiers + 1) if "wholesale" in levels else []
            positions += [tiers + 1] if "cost" in levels else []
            for position in positions:
                yield (
                    (rings[ring].counted_by(member), ring, COST_SLOT if position == tiers + 1 else position),
                    base + position,
                )


def _patched(rated: Rated, kept: Rated, out: Flags) -> Rated:
    """Return a run with what an earlier run said of the events that were left out of it."""
    columns: dict[str, Any] = {}
    for column in fields(Rated):
        array = getattr(rated, column.name)
        if column.name not in {"shares", "draws", "counts"}:
            array = array.copy()
            array[..., out] = getattr(kept, column.name)[..., out]
        columns[column.name] = array
    return Rated(**columns)


def _slots(rated: Rated, slot: Longs) -> Longs:
    return np.where(slot == rated.slots - 1, COST_SLOT, slot)


def _draws(work: _Work, rated: Rated, opening: State, state: State, events: Events) -> pl.DataFrame:
    """Return what buckets gave, as ``SHARES``, in the order in which they gave it."""
    if not len(rated.draws):
        return SHARES.to_frame()
    event, slot, bucket, amount = rated.draws.T
    names = work.parties.buckets
    of = [work.keys[name] for name in names]
    frame = pl.DataFrame({"bucket": bucket, "amount": amount})
    remaining = opening.left[bucket] - frame.select(pl.col("amount").cum_sum().over("bucket")).to_series().to_numpy()
    for roll, place, gone in state.lost:
        remaining -= np.where((bucket == place) & (events.start[event] >= micros(work.rolls[roll].at)), gone, 0)
    if work.parties.caps:
        remaining = np.minimum(remaining, _under_caps(work, opening, frame, event))
    return pl.DataFrame(
        {
            "place": event,
            "kind": pl.repeat("bucket", len(event), dtype=pl.String, eager=True),
            "slot": _slots(rated, slot),
            "name": pl.Series([key[1] for key in of], dtype=pl.String).gather(bucket),
            "owner": pl.Series([key[2] for key in of], dtype=pl.String).gather(bucket),
            "since": np.array([key[3] for key in of], np.int64)[bucket],
            "amount": amount,
            "remaining": remaining,
        },
        schema=SHARES,
    )


def _under_caps(work: _Work, opening: State, drawn: pl.DataFrame, event: Longs) -> Longs:
    """Return what each who drew may still take of the bucket after that, where there is a cap."""
    first = len(work.parties.buckets)
    cells = {key: first + number for number, key in enumerate(work.parties.caps)}
    names = [member.name for member in work.members]
    drew = zip(drawn["bucket"].to_list(), work.party[event].tolist(), strict=True)
    cell = np.array([cells.get((bucket, names[party]), -1) for bucket, party in drew], np.int64)
    taken = drawn.select(pl.col("amount").cum_sum().over(pl.Series(cell))).to_series().to_numpy()
    return np.where(cell >= 0, np.append(opening.left, 0)[cell] - taken, np.iinfo(np.int64).max)


def _counts(work: _Work, rated: Rated) -> pl.DataFrame:
    """Return what events added to volumes, as ``SHARES``."""
    if not len(rated.counts):
        return SHARES.to_frame()
    event, slot, ring, before, more = rated.counts.T
    return pl.DataFrame(
        {
            "place": event,
            "kind": pl.repeat("volume", len(event), dtype=pl.String, eager=True),
            "slot": _slots(rated, slot),
            "name": pl.Series(work.book.rings, dtype=pl.String).gather(ring),
            "owner": _counting(work, event, ring),
            "since": None,
            "amount": more,
            "remaining": before,
        },
        schema=SHARES,
    )


def _counting(work: _Work, event: Longs, ring: Longs) -> pl.Series:
    """Return who counts, for each event and ring, where that is another than the line itself."""
    rings = {one.id: one for one in work.book.tariff.rings}
    ordered = [rings[name] for name in work.book.rings]
    if all(one.volume_shared is None for one in ordered):
        return pl.Series([None] * len(event), dtype=pl.String)
    who = [work.members[place] for place in work.party[event].tolist()]
    names = [(ordered[place].counted_by(one), one.name) for place, one in zip(ring.tolist(), who, strict=True)]
    return pl.Series([name if name != own else None for name, own in names], dtype=pl.String)


def _moved(work: _Work, standing: Standing, opening: State, state: State, shares: pl.DataFrame, *, anew: bool) -> Moved:
    before = {row[:4]: row[4:] for row in standing.balances.select(*_KEY, "drawn", "given", "told").rows()}
    gave = _given(shares)
    balances, losses = [], []
    for key, one, granted, amount in (*_of_buckets(work, gave), *_of_caps(work, shares)):
        if amount or key in before:
            drawn, given, told = before.get(key, (0, 0, 0))
            marks = ",".join(map(str, one.definition.thresholds))
            rest = (granted, drawn + amount, given, marks, told)
            balances.append((*key, micros(one.until), one.bucket.unit, *rest))
    place_of = {name: place for place, name in enumerate(work.parties.buckets)}
    taken: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for number, place, amount in state.lost:
        taken[number][place] = amount
    for number, roll in enumerate(work.rolls):
        gone = taken[number]
        losses += [(*work.keys[name], micros(roll.at), gone.get(place_of[name], 0)) for name in roll.buckets]
    volumes = [
        (*key, int(opening.volume[places[0]]) + sum(more))
        for key, places in work.cells.items()
        if any(more := [int(state.volume[place] - opening.volume[place]) for place in places]) or anew
    ]
    relost = [(work.customer_of[roll.owner], roll.definition, roll.owner) for roll in work.rolls if anew]
    return Moved(
        balances=pl.DataFrame(balances, schema=BALANCES, orient="row"),
        losses=pl.DataFrame(losses, schema=LOSSES, orient="row"),
        volumes=pl.DataFrame(volumes, schema=VOLUMES, orient="row"),
        lasts=_lasts(work, standing, anew=anew),
        relost=sorted(set(relost)),
    )


def _of_buckets(work: _Work, gave: Mapping[tuple[str, str, int], int]) -> Iterator[tuple[Key, Allowance, int, int]]:
    """Yield for each bucket its key, its allowance, what it grants and what it gave."""
    for name in work.parties.buckets:
        key = work.keys[name]
        yield key, work.granted[name], work.granted[name].bucket.amount, gave.get(key[1:], 0)


def _of_caps(work: _Work, shares: pl.DataFrame) -> Iterator[tuple[Key, Allowance, int, int]]:
    """Yield the same for each cap: the key has the line as the owner, what it may take, and what it took."""
    if not work.parties.caps:
        return
    rows = shares.filter(pl.col("kind") == "bucket").select("place", "name", "owner", "since", "amount").rows()
    took: defaultdict[tuple[str, str, int, str], int] = defaultdict(int)
    for event, bucket, owner, since, amount in rows:
        took[bucket, owner, since, work.members[work.party[event]].name] += amount
    for place, party in work.parties.caps:
        name = work.parties.buckets[place]
        customer, bucket, owner, since = work.keys[name]
        one = work.granted[name]
        yield (customer, bucket, party, since), one, one.bucket.cap or 0, took[bucket, owner, since, party]


def _given(shares: pl.DataFrame) -> dict[tuple[str, str, int], int]:
    """Return what each bucket gave, by its id, owner and period."""
    sums = shares.filter(pl.col("kind") == "bucket").group_by("name", "owner", "since").agg(pl.col("amount").sum())
    return {(name, owner, since): amount for name, owner, since, amount in sums.rows()}


def _lasts(work: _Work, standing: Standing, *, anew: bool) -> pl.DataFrame:
    """Return the last event of each subscription, and whether one of these stands before one that was there."""
    drawers = work.drawers
    own = pl.DataFrame(
        {
            "customer": drawers.customer,
            "contract": drawers.contract,
            "subscription": drawers.subscription,
            "start": drawers.frame["start"],
            "offset": drawers.frame["offset"],
            "name": event_ids(drawers.frame),
        }
    ).sort("start", "offset", "name")
    new = own.group_by("subscription", maintain_order=True).agg(
        pl.first("customer", "contract"),
        pl.struct(pl.last("start"), pl.last("offset"), pl.last("name")).alias("last"),
        pl.struct(pl.first("start"), pl.first("offset"), pl.first("name")).alias("first"),
    )
    there = {row["subscription"]: row for row in standing.lasts.iter_rows(named=True)}
    scope = _scopes(work)
    latest: dict[str, tuple[int, int, str]] = {}
    for row in there.values():
        where = scope(row["subscription"], row["contract"], row["customer"])
        position = (row["start"], row["offset"], row["name"])
        latest[where] = max(latest.get(where, position), position)
    rows = []
    for row in new.iter_rows(named=True):
        key = (row["subscription"], row["contract"], row["customer"])
        first, last = tuple(row["first"].values()), tuple(row["last"].values())
        before = there.get(row["subscription"])
        disordered = not anew and (
            first < latest.get(scope(*key), first) or (before is not None and before["disordered"])
        )
        if before is not None:
            last = max(last, (before["start"], before["offset"], before["name"]))
        rows.append((row["customer"], row["contract"], row["subscription"], *last, disordered))
    return pl.DataFrame(rows, schema=LASTS, orient="row")


def _scopes(work: _Work) -> Callable[[int, int, int], str]:
    """Return what tells, of a subscription with its contract and customer, with whom it shares what it draws on."""
    shared = {one.bucket.owner for one in work.granted.values()}
    counting = [ring for ring in work.book.tariff.rings if ring.volume_shared is not None]
    shared |= {ring.counted_by(member) for ring in counting for member in work.members}

    def scope(subscription: int, contract: int, customer: int) -> str:
        for name in (f"customer:{customer}", f"contract:{contract}"):
            if name in shared:
                return name
        return f"subscription:{subscription}"

    return scope
