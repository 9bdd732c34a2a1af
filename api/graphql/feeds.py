"""Feeds: where files are fetched, when, by which rules; their runs, and looking whether they can be reached."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.catalogues import told
from api.feed_fields import RULES, STANDING, command
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, read_number
from api.graphql.inputs import given
from api.graphql.jobs import JobType
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.feeds.feed import After, Completeness
from domain.feeds.run import Run, RunState
from domain.feeds.sightings import Seen, Verdict
from domain.refusal import BadValue
from domain.usecases.list_feeds import FeedNow, get_feed, list_feed_runs, list_feeds, remove_feed
from domain.usecases.promise_poll import promise_poll
from domain.usecases.put_feed import put_feed
from domain.usecases.try_feed import FeedTried, TriedFile, try_feed

strawberry.enum(Completeness, name="FeedComplete", description="How it is told that nobody writes a file any more.")
strawberry.enum(After, name="FeedAfter", description="What becomes of a file that is committed.")
strawberry.enum(RunState, name="FeedRunState", description="Interrupted: its process died, and a later run went on.")
strawberry.enum(Verdict, name="FeedVerdict", description="What the next run would do with a file.")
strawberry.enum(Seen, name="FeedSeen", description="Held could not be read; refused was put aside.")


@strawberry.type(name="FeedCredential", description="A secret's name, and where it lies: kept here, or its reference.")
class CredentialType:
    """One of ``Feed.credentials``; never its secret."""

    name: str
    reference: str | None


@strawberry.type(name="FeedRun", description="One look at a feed's place. Counts of names, and of bytes fetched.")
class FeedRunType:
    """``domain.feeds.run.Run``."""

    id: strawberry.ID = identified()
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    found: int
    wanted: int
    taken: int
    again: int = strawberry.field(description="Of those taken, whose content was here before.")
    waiting: int
    held: int
    gone: int
    unsafe: int = strawberry.field(description="Names that are none of a file, such as ../x; never touched.")
    bytes: BigInt
    more: bool
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"))

    is_type_of = shows(Run)


def _id(root: strawberry.Parent[FeedNow]) -> strawberry.ID:
    return strawberry.ID(global_id("Feed", root.feed.id))


def _credentials(root: strawberry.Parent[FeedNow]) -> list[CredentialType]:
    known = sorted(root.feed.credentials.items())
    return [CredentialType(name=name, reference=one.reference) for name, one in known]


async def _runs(
    root: strawberry.Parent[FeedNow], info: Info, first: int = FIRST_DEFAULT, after: str | None = None
) -> Any:
    asked = request(first, read_number(after, "FeedRun"))
    return connect(await info.context.ask(list_feed_runs, root.feed.name, asked), "FeedRun", after=after)


def _address(root: strawberry.Parent[FeedNow]) -> str:
    return root.feed.place.address


def _host_keys(root: strawberry.Parent[FeedNow]) -> list[str]:
    return list(root.feed.place.host_keys)


def _endpoint(root: strawberry.Parent[FeedNow]) -> str | None:
    return root.feed.place.endpoint


def _name(root: strawberry.Parent[FeedNow]) -> str:
    return root.feed.name


def _source(root: strawberry.Parent[FeedNow]) -> str:
    return root.feed.source


def _schedule(root: strawberry.Parent[FeedNow]) -> str:
    return root.feed.schedule


def _active(root: strawberry.Parent[FeedNow]) -> bool:
    return root.feed.active


def _version(root: strawberry.Parent[FeedNow]) -> int:
    return root.feed.version


def _polling(root: strawberry.Parent[FeedNow]) -> bool:
    return root.standing.polling_by is not None


@strawberry.type(name="FeedRules", description="Which files, when they are ready, what becomes of them.")
class RulesType:
    """``domain.feeds.feed.Rules``."""

    pattern: str
    ignored: list[str]
    complete: Completeness | None = strawberry.field(description="null: as the source's profile says.")
    stable_seconds: int
    marker: str
    grows: bool
    after: After
    done_folder: str
    refused_folder: str
    silent_after_minutes: int | None
    sequence: str | None
    sequence_last: BigInt | None
    sequence_column: str | None
    watch_counts: bool


@strawberry.type(name="FeedStanding", description="How a feed stands.")
class StandingType:
    """What of ``domain.feeds.feed.Standing`` is shown."""

    next_at: datetime | None
    last_run_at: datetime | None
    last_success_at: datetime | None
    last_file_at: datetime | None
    failures: int = strawberry.field(description="In a row, until now.")
    fault: str | None


def _rules(root: strawberry.Parent[FeedNow]) -> RulesType:
    return RulesType(**{name: getattr(root.feed.rules, name) for name in RULES})


def _standing(root: strawberry.Parent[FeedNow]) -> StandingType:
    shown = {name: getattr(root.standing, name) for name in STANDING}
    return StandingType(**shown | {"fault": None if shown["fault"] is None else told(shown["fault"])})


@strawberry.type(name="Feed", description="Where a source's files are fetched. Its secrets are never shown.")
class FeedType:
    """``domain.usecases.list_feeds.FeedNow``."""

    id: strawberry.ID = strawberry.field(resolver=_id)
    name: str = strawberry.field(resolver=_name)
    source: str = strawberry.field(resolver=_source)
    address: str = strawberry.field(resolver=_address)
    host_keys: list[str] = strawberry.field(resolver=_host_keys)
    endpoint: str | None = strawberry.field(resolver=_endpoint)
    credentials: list[CredentialType] = strawberry.field(resolver=_credentials)
    schedule: str = strawberry.field(resolver=_schedule, description="Cron, in the operator's zone.")
    active: bool = strawberry.field(resolver=_active)
    version: int = strawberry.field(resolver=_version)
    rules: RulesType = strawberry.field(resolver=_rules)
    standing: StandingType = strawberry.field(resolver=_standing)
    polling: bool = strawberry.field(resolver=_polling, description="Whether a run goes on now.")
    runs: Connection[FeedRunType] = strawberry.field(resolver=_runs, description="The newest first.")

    is_type_of = shows(FeedNow)


@strawberry.input(description="password, private_key, passphrase; access_key, secret_key, session_token.")
class FeedCredentialInput:
    """One of ``PutFeed.credentials``."""

    name: str
    secret: str = strawberry.field(description="Or a reference, env:FEED_SECRET_1_X or file:X. Empty: taken away.")


@strawberry.input(
    description="A feed as a whole: what is left out has its default, but credentials, which stay as they are."
)
class PutFeedInput:
    """``PutFeed``."""

    name: str
    source: str = strawberry.field(description="A source's name, or a shipped profile's.")
    address: str = strawberry.field(
        description="folder:///path, sftp://user@host/path, ftp://, ftpes://, ftps://, s3://bucket/prefix."
    )
    version: int = strawberry.field(default=0, description="The one that was read; 0 for a new feed.")
    host_keys: list[str] | None = strawberry.field(default=None, description="SHA256:… or the key itself; SFTP.")
    ca: str | None = strawberry.field(default=None, description="Certificates in PEM, in place of the system's.")
    region: str | None = None
    endpoint: str | None = strawberry.field(default=None, description="Of an S3 that is not Amazon's.")
    credentials: list[FeedCredentialInput] | None = None
    schedule: str | None = strawberry.field(default=None, description="Cron; */5 * * * *.")
    active: bool | None = None
    pattern: str | None = None
    ignored: list[str] | None = None
    complete: Completeness | None = None
    stable_seconds: int | None = None
    marker: str | None = None
    grows: bool | None = strawberry.field(default=None, description="Appended to for ever; its new lines are taken.")
    after: After | None = None
    done_folder: str | None = None
    refused_folder: str | None = None
    silent_after_minutes: int | None = strawberry.field(default=None, description="An alarm is raised then.")
    sequence: str | None = strawberry.field(default=None, description="As cdr_{seq}.csv; a gap raises an alarm.")
    sequence_last: BigInt | None = None
    sequence_column: str | None = None
    watch_counts: bool | None = strawberry.field(default=None, description="An unusual hour raises an alarm.")
    idempotency_key: str | None = kept_key()


@strawberry.type(name="TriedFile", description="A name that the feed wants.")
class TriedFileType:
    """``domain.usecases.try_feed.TriedFile``."""

    name: str
    size: BigInt | None
    modified: datetime | None
    verdict: Verdict
    seen: Seen

    is_type_of = shows(TriedFile)


@strawberry.type(name="FeedTried", description="What was seen, or why nothing was. Nothing was fetched or changed.")
class FeedTriedType:
    """``domain.usecases.try_feed.FeedTried``."""

    reached: bool
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"))
    found: int
    wanted: int
    unsafe: int
    files: list[TriedFileType]

    is_type_of = shows(FeedTried)


async def _feeds(info: Info) -> Any:
    return await info.context.ask(list_feeds)


async def _feed(info: Info, name: str) -> Any:
    return await info.context.ask(get_feed, name)


async def _put(info: Info, asked: Annotated[PutFeedInput, strawberry.argument(name="input")]) -> Any:
    fields = given(asked)
    listed = asked.credentials or []
    if len({one.name for one in listed}) != len(listed):
        raise BadValue("a credential stands there twice", field="credentials")
    fields["credentials"] = {one.name: one.secret for one in listed}
    wiring = info.context.wiring
    kept = await info.context.ask(
        put_feed,
        command(fields),
        clock=wiring.clock,
        formats=wiring.formats,
        transports=wiring.transports,
        vault=wiring.vault,
    )
    return await info.context.ask(get_feed, kept.name)


@strawberry.type(name="FeedRemoved", description="The feed is gone with its secrets and its log; its files stay.")
class FeedRemoved:
    """What was removed."""

    name: str


async def _remove(info: Info, name: str, version: int) -> Any:
    gone = await info.context.ask(remove_feed, name, version)
    return FeedRemoved(name=gone.name)


async def _try(info: Info, name: str) -> Any:
    wiring = info.context.wiring
    return await info.context.ask(
        try_feed,
        name,
        clock=wiring.clock,
        formats=wiring.formats,
        transports=wiring.transports,
        vault=wiring.vault,
    )


async def _poll(info: Info, name: str, again: bool = False) -> Any:
    return await info.context.ask(promise_poll, name, again=again)


@strawberry.type
class FeedQuery:
    """Where files are fetched."""

    feeds: list[FeedType] = strawberry.field(resolver=_feeds)
    feed: FeedType | None = strawberry.field(resolver=_feed)


@strawberry.type
class FeedMutation:
    """Setting up feeds."""

    put_feed = strawberry.mutation(resolver=_put, graphql_type=outcome("PutFeedResult", FeedType))
    remove_feed = strawberry.mutation(resolver=_remove, graphql_type=outcome("RemoveFeedResult", FeedRemoved))
    test_feed = strawberry.mutation(
        resolver=_try,
        graphql_type=outcome("TestFeedResult", FeedTriedType),
        description="Connect as the feed would, and list.",
    )
    poll_feed = strawberry.mutation(
        resolver=_poll,
        graphql_type=outcome("PollFeedResult", JobType),
        description="Now, by a worker; again: what could not be read is tried once more.",
    )
