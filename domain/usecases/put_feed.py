"""Keep a feed: where a source's files are fetched, when, by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.feeds.feed import SECRET_MAX, Credential, Feed, Rules, check
from domain.feeds.payment_files import format_of
from domain.feeds.receipt_files import tells
from domain.feeds.schedule import following
from domain.ids import FeedId
from domain.ports.clock import Clock
from domain.ports.intake import Formats
from domain.ports.transports import Transports, Vault
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotFound, Stale
from domain.transports.place import CREDENTIALS, read_place

REFERENCES = ("env:", "file:")


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFeed:
    """A new feed, or what an existing one will be as a whole; ``version`` is the one that was read, 0 of a new one.

    ``credentials`` are secrets, or references (``env:NAME``, ``file:NAME``); one that is left out stays as it is, as
    long as the feed goes to the same host as the same user; an empty one is taken away. ``source`` is a source of the
    operator, a shipped profile's name, ``payments`` (``payments:FORMAT``) for files of a bank, or ``receipts`` for what
    printhouses and networks say became of documents.
    """

    name: str
    source: str
    address: str
    host_keys: tuple[str, ...] = ()
    ca: str | None = None
    region: str | None = None
    endpoint: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    schedule: str = "*/5 * * * *"
    active: bool = True
    rules: Rules = field(default_factory=Rules)
    version: int = 0


@operation(Action.MANAGE_FEEDS)
async def put_feed(
    cmd: PutFeed, *, actor: Actor, begin: Begin, clock: Clock, formats: Formats, transports: Transports, vault: Vault
) -> Feed:
    """Keep a feed. Its first look is at the schedule's next moment, or by :func:`poll_feed`.

    Refuses with: NotAllowed, BadValue, NotFound (source), Stale (version, also where there is one of this name).
    """
    place = read_place(cmd.address, host_keys=cmd.host_keys, ca=cmd.ca, region=cmd.region, endpoint=cmd.endpoint)
    now = clock.now()
    feed = check(
        Feed(
            id=FeedId(0),
            operator=actor.operator,
            name=cmd.name,
            source=cmd.source,
            place=place,
            credentials={name: Credential() for name in cmd.credentials},
            schedule=cmd.schedule,
            active=cmd.active,
            rules=cmd.rules,
            created_at=now,
            changed_at=now,
        )
    )
    of_usage = format_of(cmd.source) is None and not tells(cmd.source)
    if not of_usage and cmd.rules.grows:
        raise BadValue("a file of payments or receipts is taken whole, and never grows", field="grows")
    await transports.check(place, operator=actor.operator)
    async with begin(actor) as unit:
        if of_usage:
            try:
                await unit.sources.by_name(cmd.source)
            except NotFound:
                formats.profile(cmd.source)  # a shipped profile becomes a source with the first file
        known = await unit.feeds.claim(cmd.name)
        if (known.version if known else 0) != cmd.version:
            raise Stale("the feed has changed since it was read, or is there already", field="version")
        feed = Feed(
            id=known.id if known else FeedId(0),
            operator=actor.operator,
            name=cmd.name,
            source=cmd.source,
            place=place,
            credentials=_credentials(cmd, feed, known, vault),
            schedule=cmd.schedule,
            active=cmd.active,
            rules=cmd.rules,
            version=cmd.version + 1,
            created_at=known.created_at if known else now,
            changed_at=now,
        )
        zone = (await unit.operators.own()).zone
        kept = await unit.feeds.put(feed, next_at=following(cmd.schedule, zone, now) if cmd.active else None)
        detail = {"name": kept.name, "version": kept.version, "address": place.address, "active": kept.active}
        await unit.audit.write("put_feed", f"feed:{kept.id}", detail)
    return kept


def _credentials(cmd: PutFeed, feed: Feed, known: Feed | None, vault: Vault) -> dict[str, Credential]:
    """Return the feed's credentials: those given sealed, the others as they were."""
    kept: dict[str, Credential] = {}
    if known is not None:
        for name, one in known.credentials.items():
            same = one.reference is not None or known.about(name) == feed.about(name)
            if same and name in CREDENTIALS[feed.place.protocol]:
                kept[name] = one
            elif name not in cmd.credentials and name in CREDENTIALS[feed.place.protocol]:
                raise BadValue("it goes elsewhere now: give the secret again", field=f"credentials.{name}")
    for name, secret in cmd.credentials.items():
        if not secret:
            kept.pop(name, None)
        elif len(secret) > SECRET_MAX:
            raise BadValue(
                "a secret has at most {secret_max} characters", secret_max=SECRET_MAX, field=f"credentials.{name}"
            )
        elif secret.startswith(REFERENCES):
            vault.check_reference(secret, operator=feed.operator)
            kept[name] = Credential(reference=secret)
        else:
            kept[name] = Credential(sealed=vault.seal(secret, about=feed.about(name)))
    return kept


def revealed(feed: Feed, vault: Vault) -> dict[str, str]:
    """Return the credentials' secrets, for a transport alone. Raises TransportFault."""
    return {
        name: vault.refer(one.reference, operator=feed.operator)
        if one.reference is not None
        else vault.open(one.sealed or b"", about=feed.about(name))
        for name, one in feed.credentials.items()
    }
