"""Look whether a feed's place can be reached, and what it would take there; nothing is fetched or changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.feeds.sightings import Seen, Verdict, sighted, verdict, wanted
from domain.ports.clock import Clock
from domain.ports.intake import Formats
from domain.ports.transports import TransportFault, Transports, Vault
from domain.ports.unit import Begin
from domain.usecases.poll_feed import completed_rules, look_of, read_listing
from domain.usecases.put_feed import revealed

SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class TriedFile:
    """A name that the feed wants, and what the next run would do with it."""

    name: str
    size: int | None
    modified: datetime | None
    verdict: Verdict
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTried:
    """What was seen; ``fault`` says why nothing was. ``files`` are the first of the ``wanted`` ones."""

    reached: bool
    fault: str | None = None
    found: int = 0
    wanted: int = 0
    unsafe: int = 0
    files: Sequence[TriedFile] = ()


@operation(Action.MANAGE_FEEDS)
async def try_feed(
    name: str, *, actor: Actor, begin: Begin, clock: Clock, formats: Formats, transports: Transports, vault: Vault
) -> FeedTried:
    """Connect as the feed would, and list. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        feed = await unit.feeds.by_name(name)
        rules = await completed_rules(feed, unit, formats)
        await unit.audit.write("try_feed", f"feed:{feed.id}", {"name": feed.name})
    try:
        async with transports.open(feed.place, revealed(feed, vault), operator=feed.operator) as transport:
            listing, unsafe = await read_listing(transport)
    except TransportFault as fault:
        return FeedTried(reached=False, fault=fault.message)
    names, _ = wanted(list(listing), rules)
    now = clock.now()
    async with begin(actor) as unit:
        known = await unit.feeds.sightings(feed.id, names[:SHOWN_MAX])
    files = []
    for one in names[:SHOWN_MAX]:
        found = listing[one]
        seen = sighted(one, look_of(found), known.get(one), now)
        files.append(TriedFile(one, found.size, found.modified, verdict(seen, rules, listing, now), seen.seen))
    return FeedTried(reached=True, found=len(listing) + unsafe, wanted=len(names), unsafe=unsafe, files=files)
