"""The operations of the WSDL about feeds: where files are fetched, when, by which rules."""

from __future__ import annotations

from typing import Any

from spyne import Boolean, DateTime, Enum, Integer, ServiceBase, Unicode

from api.catalogues import perhaps
from api.feed_fields import RULES, STANDING, command
from api.soap.faults import NAMESPACE
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.commands import camel
from domain.feeds.feed import After, Completeness
from domain.feeds.run import Run, RunState
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue
from domain.usecases.list_feeds import FeedNow, get_feed, list_feed_runs, list_feeds, remove_feed
from domain.usecases.promise_poll import promise_poll
from domain.usecases.put_feed import put_feed
from domain.usecases.try_feed import try_feed

PAGE = 50
CompleteOfFeed = _enum(Completeness, "FeedComplete")
AfterOfFeed = _enum(After, "FeedAfter")
StateOfRun = _enum(RunState, "FeedRunState")
VerdictOfFile = Enum("take", "wait", "put away", "put aside", "nothing", type_name="FeedVerdict")
VerdictOfFile.__namespace__ = NAMESPACE


class FeedCredential(Model):
    """A credential: going in, its secret or a reference; coming out, its reference, and never its secret."""

    name = needed(Unicode)
    secret = Unicode
    reference = Unicode


class FeedChange(Model):
    """A feed as a whole: what is left out has its default, but credentials, which stay as they are."""

    name = needed(Unicode)
    source = needed(Unicode)
    address = needed(Unicode)
    version = Integer(ge=0)
    hostKey = many(Unicode)
    ca = Unicode
    region = Unicode
    endpoint = Unicode
    credential = many(FeedCredential)
    schedule = Unicode
    active = Boolean
    pattern = Unicode
    ignored = many(Unicode)
    complete = CompleteOfFeed
    stableSeconds = Integer
    marker = Unicode
    grows = Boolean
    after = AfterOfFeed
    doneFolder = Unicode
    refusedFolder = Unicode
    silentAfterMinutes = Integer
    sequence = Unicode
    sequenceLast = Integer
    sequenceColumn = Unicode
    watchCounts = Boolean


class Feed(FeedChange):
    """A feed and how it stands."""

    nextAt = DateTime
    lastRunAt = DateTime
    lastSuccessAt = DateTime
    lastFileAt = DateTime
    failures = needed(Integer)
    fault = Unicode
    polling = needed(Boolean)


class FeedList(Model):
    """The operator's feeds."""

    feed = many(Feed)


class FeedRun(Model):
    """One look at a feed's place: counts of names, and of bytes fetched."""

    id = needed(Integer)
    state = needed(StateOfRun)
    startedAt = needed(DateTime)
    finishedAt = DateTime
    found = needed(Integer)
    wanted = needed(Integer)
    taken = needed(Integer)
    again = needed(Integer)
    waiting = needed(Integer)
    held = needed(Integer)
    gone = needed(Integer)
    unsafe = needed(Integer)
    bytes = needed(Integer)
    more = needed(Boolean)
    fault = Unicode


class FeedRunPage(Model):
    """Runs, the newest first; ``next`` asks for those before them."""

    count = needed(Integer)
    run = many(FeedRun)
    next = Unicode


class TriedFile(Model):
    """A name that the feed wants, and what the next run would do with it."""

    name = needed(Unicode)
    size = Integer
    modified = DateTime
    verdict = needed(VerdictOfFile)


class FeedTried(Model):
    """What was seen, or why nothing was."""

    reached = needed(Boolean)
    fault = Unicode
    found = needed(Integer)
    wanted = needed(Integer)
    unsafe = needed(Integer)
    file = many(TriedFile)


class Feeds(ServiceBase):
    """Where files are fetched."""

    __service_name__ = "Billing"

    @operation("ListFeeds", returns=FeedList, result="feeds")
    async def list_feeds(ctx: Any) -> Any:
        """Return the operator's feeds by name."""
        return FeedList(feed=[_feed(one) for one in await ctx.udc.ask(list_feeds)])

    @operation("PutFeed", needed(FeedChange), returns=Feed, result="feed")
    async def put_feed(ctx: Any, feed: Any) -> Any:
        """Set up a feed, or change one as a whole at the version that was read."""
        wiring = ctx.udc.wiring
        kept = await ctx.udc.ask(
            put_feed,
            command(_fields(feed)),
            clock=wiring.clock,
            formats=wiring.formats,
            transports=wiring.transports,
            vault=wiring.vault,
        )
        return _feed(await ctx.udc.ask(get_feed, kept.name))

    @operation("RemoveFeed", needed(Unicode), needed(Integer), returns=needed(Unicode), result="name")
    async def remove_feed(ctx: Any, name: str, version: int) -> Any:
        """Forget a feed with its secrets and its log; its files stay."""
        return (await ctx.udc.ask(remove_feed, name, version)).name

    @operation("TestFeed", needed(Unicode), returns=FeedTried, result="tried")
    async def try_feed(ctx: Any, name: str) -> Any:
        """Connect as the feed would, and list; nothing is fetched or changed."""
        wiring = ctx.udc.wiring
        tried = await ctx.udc.ask(
            try_feed,
            name,
            clock=wiring.clock,
            formats=wiring.formats,
            transports=wiring.transports,
            vault=wiring.vault,
        )
        return FeedTried(
            reached=tried.reached,
            fault=perhaps(tried.fault),
            found=tried.found,
            wanted=tried.wanted,
            unsafe=tried.unsafe,
            file=[
                TriedFile(name=one.name, size=one.size, modified=one.modified, verdict=one.verdict.value)
                for one in tried.files
            ],
        )

    @operation("PollFeed", needed(Unicode), Boolean, returns=needed(Integer), result="job")
    async def poll_feed(ctx: Any, name: str, again: bool | None) -> Any:
        """Poll a feed now, by a worker; return its job."""
        return (await ctx.udc.ask(promise_poll, name, again=bool(again))).id

    @operation("ListFeedRuns", needed(Unicode), Integer(ge=1, le=PAGE_MAX), Unicode, returns=FeedRunPage, result="page")
    async def list_feed_runs(ctx: Any, name: str, first: int | None, after: str | None) -> Any:
        """Return a feed's runs, the newest first."""
        page = await ctx.udc.ask(list_feed_runs, name, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return FeedRunPage(count=len(page.items), run=[_run(one) for one in page.items], next=following)


def _fields(feed: Any) -> dict[str, Any]:
    """Return the flat fields of an element."""
    fields = {name: getattr(feed, camel(name)) for name in ("name", "source", "address", "version", "ca", "region")}
    fields |= {name: getattr(feed, camel(name)) for name in ("endpoint", "schedule", "active", *RULES)}
    for name in ("complete", "after"):  # spyne's own values of enumerations compare with nothing
        fields[name] = None if fields[name] is None else str(fields[name])
    fields["host_keys"] = list(feed.hostKey) if feed.hostKey else None
    given = feed.credential or []
    if len({one.name for one in given}) != len(given):
        raise BadValue("a credential stands there twice", field="credential")
    fields["credentials"] = {one.name: one.secret if one.secret is not None else one.reference or "" for one in given}
    return fields


def _feed(now: FeedNow) -> Any:
    feed, place = now.feed, now.feed.place
    rules = {camel(name): getattr(feed.rules, name) for name in RULES}
    rules |= {"ignored": list(feed.rules.ignored), "after": feed.rules.after.value}
    rules["complete"] = feed.rules.complete.value if feed.rules.complete else None
    return Feed(
        name=feed.name,
        source=feed.source,
        address=place.address,
        version=feed.version,
        hostKey=list(place.host_keys),
        endpoint=place.endpoint,
        region=place.region if place.bucket else None,
        credential=[FeedCredential(name=name, reference=one.reference) for name, one in feed.credentials.items()],
        schedule=feed.schedule,
        active=feed.active,
        polling=now.standing.polling_by is not None,
        **rules,
        **{camel(name): getattr(now.standing, name) for name in STANDING if name != "fault"},
        fault=perhaps(now.standing.fault),
    )


def _run(run: Run) -> Any:
    names = ("id", "found", "wanted", "taken", "again", "waiting", "held", "gone", "unsafe", "bytes", "more")
    same = {name: getattr(run, name) for name in names} | {"fault": perhaps(run.fault)}
    return FeedRun(state=run.state.value, startedAt=run.started_at, finishedAt=run.finished_at, **same)
