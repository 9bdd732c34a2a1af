"""Rate events with a book: any number of them, or one quote, by the same kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.rating.book import Book
from domain.rating.columns import Events
from domain.rating.kernel import NARROW_COLUMNS, WIDE_COLUMNS, rate_all
from domain.rating.layout import Bytes, Int16s, Int32s, Int64s
from domain.rating.parties import Parties, State
from domain.rating.rolling import rate_rolling

STATUSES = ("rated", "bad_event", "no_party", "no_destination")  # of an event
LEVEL_STATUSES = ("absent", "rated", "no_rate", "overflow")
_NATURAL = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """Rated events, in the order of the events given.

    Arrays of two dimensions are (slot, event): slot 0 retail, 1… the wholesale tiers outermost first, the last cost.
    ``status`` and ``level_status``: places in ``STATUSES`` and ``LEVEL_STATUSES``. ``destination``, ``plist``,
    ``rate``, ``band``: indexes in the book, -1 none; ``rate`` is the nearest one, adjusting or not. ``amount``:
    micro-units; ``setup``: nano-units; ``currency``: index in ``book.currencies``. ``shares`` and ``draws``: rows of
    (event, slot, ring in ``book.rings`` or bucket in ``parties.buckets``, amount), in micro-units (shares with their
    sign), or in units for a bucket of units. ``counts``: rows of (event, slot, ring, its volume before, what it adds).
    """

    destination: Int32s
    status: Bytes
    level_status: Bytes
    amount: Int64s
    billed: Int64s
    setup: Int64s
    plist: Int32s
    rate: Int32s
    band: Int32s
    currency: Int16s
    shares: Int64s
    draws: Int64s
    counts: Int64s

    def __len__(self) -> int:
        return len(self.status)

    @property
    def unrated(self) -> int:
        """How many events are unrated, altogether or on some level."""
        return int(((self.status != 0) | (self.level_status > 1).any(axis=0)).sum())

    @property
    def slots(self) -> int:
        """Levels per event."""
        return len(self.amount)


def in_order(events: Events) -> Int64s:
    """Return the events' places in the order of (start, offset, key); empty where they stand in it already."""
    start, offset, rank = events.start, events.offset, events.rank
    later, same = start[1:] > start[:-1], start[1:] == start[:-1]
    if same.any():
        by_offset = offset[1:] > offset[:-1]
        later |= same & (by_offset | ((offset[1:] == offset[:-1]) & (rank[1:] >= rank[:-1])))
    if later.all():
        return _NATURAL
    return np.lexsort((rank, offset, start)).astype(np.int64)


def rate(book: Book, parties: Parties, events: Events, state: State | None = None) -> Rated:
    """Rate events. ``state`` goes on from earlier events and is changed; fresh where none is given."""
    held = State.fresh(parties) if state is None else state
    order = in_order(events) if parties.any_stateful else _NATURAL
    if parties.rolls:
        return rate_rolling(parties, events, order, held, lambda part: _rate(book, parties, part, _NATURAL, held))
    return _rate(book, parties, events, order, held)


def _rate(book: Book, parties: Parties, events: Events, order: Int64s, held: State) -> Rated:
    count, slots = len(events), parties.slots
    destination, statuses = np.full(count, -1, np.int32), np.zeros((1 + slots, count), np.uint8)
    broad, narrow = (
        np.zeros((WIDE_COLUMNS, slots, count), np.int64),
        np.full((NARROW_COLUMNS, slots, count), -1, np.int32),
    )
    currency = np.full((slots, count), -1, np.int16)
    shares, draws, counts = rate_all(
        book.cells, book.wide, parties.cells, held.left, held.volume, order, events.numbers(), events.codes(),
        destination, statuses, broad, narrow, currency, parties.rings_max, parties.buckets_max,
    )  # fmt: skip
    return Rated(
        destination=destination, status=statuses[0], level_status=statuses[1:], amount=broad[0], billed=broad[1],
        setup=broad[2], plist=narrow[0], rate=narrow[1], band=narrow[2], currency=currency, shares=shares, draws=draws,
        counts=counts,
    )  # fmt: skip


def quote(book: Book, parties: Parties, events: Events) -> Rated:
    """Rate one event as if it were the first: what it would cost."""
    assert len(events) == 1
    return rate(book, parties, events)
