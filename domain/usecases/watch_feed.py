"""Tell of what is wrong with a feed by alarms, and take them back when it is right again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.alarms.alarm import SUBJECT_MAX, TEXT_MAX, AlarmState, Raised, Severity
from domain.feeds.feed import Feed
from domain.feeds.watching import gaps, same_hours, silent_since, unusual
from domain.ports.clock import Clock
from domain.ports.page import PAGE_MAX, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound

FAILURES_MAX: Final = 3  # before somebody is told, of what may pass by itself
SETTLED: Final = timedelta(hours=2)  # after an hour's end its events are taken to be in
HOURS_MAX: Final = 48
SILENT: Final = "feed_silent"
FAILING: Final = "feed_failing"
HELD: Final = "feed_file_held"
STAYS: Final = "feed_not_put_away"
GAP: Final = "feed_sequence_gap"
COLUMN_GAP: Final = "feed_column_gap"
COUNT: Final = "feed_unusual_count"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something to raise."""

    raised: Raised

    @classmethod
    def file(cls, feed: Feed, name: str, fault: str) -> Trouble:
        """Return that a file could not be read."""
        text = f"{feed.name}: {name} was not taken: {fault}"
        return cls(_raised(HELD, f"{feed.name}/{name}", text, Severity.WARNING, file=name, fault=fault))

    @classmethod
    def stays(cls, feed: Feed, name: str, fault: str) -> Trouble:
        """Return that a file may not be put away."""
        text = f"{feed.name}: {name} cannot be put away: {fault}"
        return cls(_raised(STAYS, feed.name, text, Severity.WARNING, file=name, fault=fault))

    @classmethod
    def failing(cls, feed: Feed, fault: str, failures: int, *, lasting: bool) -> Trouble:
        """Return that a feed cannot be polled; it is told at once where it does not pass by itself."""
        grave = Severity.CRITICAL if lasting else Severity.WARNING if failures >= FAILURES_MAX else Severity.INFO
        text = f"{feed.name} cannot be polled, {failures} times now: {fault}"
        return cls(_raised(FAILING, feed.name, text, grave, fault=fault, failures=failures))

    @classmethod
    def sequence(cls, feed: Feed, numbers: Sequence[int], last: int | None) -> list[Trouble]:
        """Return the gap in the numbers of files' names, where there is one."""
        found = gaps(numbers, last, begins_again_after=feed.rules.sequence_last)
        if not found:
            return []
        missing = ", ".join(str(gap) for gap in found)
        text = f"{feed.name}: files are missing in the sequence: {missing}"
        return [cls(_raised(GAP, feed.name, text, Severity.WARNING, missing=missing))]

    @classmethod
    def column(cls, feed: Feed, name: str, numbers: Sequence[int], last: int | None) -> list[Trouble]:
        """Return the gap in the numbers of records, where there is one."""
        found = gaps(numbers, last, begins_again_after=feed.rules.sequence_last)
        if not found:
            return []
        missing = ", ".join(str(gap) for gap in found)
        text = f"{feed.name}: records are missing in {feed.rules.sequence_column} of {name}: {missing}"
        return [cls(_raised(COLUMN_GAP, feed.name, text, Severity.WARNING, file=name, missing=missing))]


def _raised(kind: str, subject: str, text: str, severity: Severity, **data: object) -> Raised:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)[:TEXT_MAX]
    return Raised(kind=kind, subject=subject[:SUBJECT_MAX], text=shown, severity=severity, data=data)


async def tell(
    feed: Feed,
    trouble: Sequence[Trouble],
    unit: Unit,
    *,
    actor: Actor,
    at: datetime,
    well: bool,
    taken: Collection[str] = (),
) -> None:
    """Raise what a run has met, and close what is over when it went ``well``, and of the files that were ``taken``."""
    if taken:
        mended = {f"{feed.name}/{name}"[:SUBJECT_MAX] for name in taken}
        for alarm in (await unit.alarms.page(PageRequest(PAGE_MAX), kind=HELD)).items:
            if alarm.subject in mended and alarm.state is not AlarmState.CLOSED:
                await _close(HELD, alarm.subject, unit, actor, at)
    if well:
        await _close(FAILING, feed.name, unit, actor, at)
        if not any(one.raised.kind == STAYS for one in trouble):
            await _close(STAYS, feed.name, unit, actor, at)
        standing = (await unit.feeds.standings([feed.id]))[feed.id]
        if silent_since(standing.last_file_at, feed.created_at, feed.rules.silent_after_minutes, at) is None:
            await _close(SILENT, feed.name, unit, actor, at)
    one_each = {(one.raised.kind, one.raised.subject): one.raised for one in trouble}
    told = [one for one in one_each.values() if one.severity is not Severity.INFO]
    if told:
        await unit.alarms.raise_all(told, at=at)


async def _close(kind: str, subject: str, unit: Unit, actor: Actor, at: datetime) -> None:
    alarm = await unit.alarms.claim_open(kind, subject)
    if alarm is not None:
        await unit.alarms.keep(replace(alarm, state=AlarmState.CLOSED, closed_by=actor.client, closed_at=at))


@operation(Action.MANAGE_FEEDS)
async def watch_feeds(*, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Look for silence and for unusual hours of every active feed, and return how many alarms were raised.

    Refuses with: NotAllowed.
    """
    now = clock.now()
    async with begin(actor) as unit:
        feeds = [one for one in await unit.feeds.all() if one.active]
        zone = (await unit.operators.own()).zone
    raised = 0
    for feed in feeds:
        async with begin(actor) as unit:
            if await unit.feeds.claim(feed.name) is None:
                continue
            found = await _silence(feed, unit, now) + await _counts(feed, unit, zone, now)
            raised += len(found)
            if found:
                await unit.alarms.raise_all(found, at=now)
    return raised


async def _silence(feed: Feed, unit: Unit, now: datetime) -> list[Raised]:
    standing = (await unit.feeds.standings([feed.id]))[feed.id]
    since = silent_since(standing.last_file_at, feed.created_at, feed.rules.silent_after_minutes, now)
    if since is None or await _open(SILENT, feed.name, unit):
        return []
    text = f"{feed.name} has brought nothing since {since:%Y-%m-%d %H:%M} UTC"
    return [_raised(SILENT, feed.name, text, Severity.CRITICAL, since=since.isoformat())]


async def _open(kind: str, subject: str, unit: Unit) -> bool:
    return await unit.alarms.claim_open(kind, subject) is not None


async def _counts(feed: Feed, unit: Unit, zone: str, now: datetime) -> list[Raised]:
    """Judge every hour since the last look whose events should be in by now."""
    if not feed.rules.watch_counts:
        return []
    try:
        source = await unit.sources.by_name(feed.source)
    except NotFound:
        return []
    standing = (await unit.feeds.standings([feed.id]))[feed.id]
    until = (now - SETTLED).replace(minute=0, second=0, microsecond=0)
    hour = max(standing.counted_until or until - timedelta(hours=1), until - timedelta(hours=HOURS_MAX))
    found = []
    while hour < until:
        count, *before = await unit.feeds.counts(source.id, [hour, *same_hours(hour, zone)])
        usual = unusual(count, before)
        if usual is not None:
            low, high = (round(one) for one in usual)
            text = (
                f"{feed.name}: {count} events began in the hour of {hour:%Y-%m-%d %H:%M} UTC; usual are {low} to {high}"
            )
            found.append(
                _raised(
                    COUNT, f"{feed.name}/{hour:%Y-%m-%dT%H}", text, Severity.WARNING, count=count, low=low, high=high
                )
            )
        hour += timedelta(hours=1)
    await unit.feeds.stand(feed.id, replace(standing, counted_until=hour))
    return found
