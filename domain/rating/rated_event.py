"""A stored event with what it costs on each level, as the APIs show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from domain.ids import ChunkId, ContractId, CustomerId, FileId, ResellerId, SourceId, SubscriptionId
from domain.money import Amount
from domain.refusal import BadValue

_INT64 = re.compile(r"-?[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class EventRef:
    """Names one stored event: its start (µs since 1970, UTC), its source and its 64-bit key. The order is by start."""

    start_us: int
    source: SourceId
    key: int

    def __str__(self) -> str:
        return f"{self.start_us}.{self.source}.{self.key}"

    @classmethod
    def read(cls, text: str) -> EventRef:
        """Read what ``str`` wrote. Refuses with: BadValue."""
        parts = text.split(".")
        if len(parts) != 3 or not all(_INT64.fullmatch(part) and -(2**63) <= int(part) < 2**63 for part in parts):
            raise BadValue(
                "{text!r} does not name an event; take the id from a usage list", text=text[:80], field="event"
            )
        start, source, key = map(int, parts)
        return cls(start, SourceId(source), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one level pays: the amount, and the list and rate version (database keys) that decided it."""

    amount: Amount
    price_list: str
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedEvent:
    """One event. ``cost`` is None where the trunk has no cost list, or the caller may not see it.

    ``wholesale`` has one charge for each of the resellers ``tiers``, the outermost first; a tier without a price is
    in neither. ``flags``: words of ``domain.mediation.events.FLAGS``, such as ``incomplete``.
    """

    ref: EventRef
    version: int
    chunk: ChunkId
    file: FileId
    record: int
    reference: str
    leg: str
    customer: CustomerId
    contract: ContractId
    subscription: SubscriptionId
    reseller: ResellerId | None
    mode: str
    direction: str
    a: str
    b: str
    destination: str
    start: datetime
    used: int
    billed: int
    offset: int
    trunk: str | None
    cause: str | None
    visited: str | None
    retail: Charge
    tiers: tuple[ResellerId, ...]
    wholesale: tuple[Charge, ...]
    cost: Charge | None
    flags: tuple[str, ...] = ()
