"""Look into a feed's place once: take what is ready, put away what is committed, watch for what is wrong.

Exactly once: a file is known by its name, size, time and the other side's own mark, and by its content; the import
changes nothing for content or events that were here before. It is put away only when its import is committed. Dying
anywhere in between leaves it in its place, where the next run finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.feeds.feed import Completeness, Feed, Rules, Standing
from domain.feeds.handling import Handled, Handling
from domain.feeds.payment_files import format_of
from domain.feeds.receipt_files import tells
from domain.feeds.run import Run, RunState
from domain.feeds.schedule import following, retry
from domain.feeds.sightings import Look, Seen, Sighting, Verdict, gone, next_look, sighted, verdict, wanted
from domain.feeds.watching import newest
from domain.ids import FeedRunId
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.intake import Formats
from domain.ports.taking import Archives, Take
from domain.ports.transports import Found, Missing, Transport, TransportFault, Transports, Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound, Refusal, WrongState
from domain.transports.names import safe, sequence_numbers
from domain.usecases.put_feed import revealed
from domain.usecases.watch_feed import Trouble, tell

LISTING_MAX: Final = 200_000
FILES_MAX: Final = 1000  # taken in one run; the next one follows at once
LEASE: Final = timedelta(minutes=5)
FIELDS_OF_PROFILE: Final = {"stable": Completeness.STABLE, "rename": Completeness.RENAME}


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFeed:
    """``by`` names who polls: the same one may go on with what he began. ``again``: try what could not be read."""

    name: str
    by: str
    again: bool = False
    size_max: int = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a poll needs of the world besides the unit."""

    transports: Transports
    vault: Vault
    formats: Formats
    blobs: Blobs
    archives: Archives
    take: Take
    jitter: Callable[[], float]


@operation(Action.MANAGE_FEEDS, Action.IMPORT_CDR)
async def poll_feed(cmd: PollFeed, outside: Outside, *, actor: Actor, begin: Begin, clock: Clock) -> Run:
    """Poll a feed once and return what came of it; what the other side did wrong is told in the run.

    Refuses with: NotAllowed, NotFound, WrongState (another process polls it).
    """
    async with begin(actor) as unit:
        feed, standing, run = await _claim(cmd, unit, actor, clock)
        rules = await completed_rules(feed, unit, outside.formats)
        zone = (await unit.operators.own()).zone
    poll = _Poll(cmd, outside, actor, begin, clock, feed, replace(feed, rules=rules), standing, run)
    try:
        async with outside.transports.open(
            feed.place, revealed(feed, outside.vault), operator=feed.operator
        ) as transport:
            await poll.look(transport)
    except TransportFault as fault:
        return await poll.failed(fault.message, zone, lasting=fault.lasting)
    except Refusal as no:
        return await poll.failed(no.message, zone, lasting=not isinstance(no, WrongState))
    except BaseException:
        await poll.let_go(zone)
        raise
    return await poll.done(zone)


async def _claim(cmd: PollFeed, unit: Unit, actor: Actor, clock: Clock) -> tuple[Feed, Standing, Run]:
    feed = await unit.feeds.claim(cmd.name)
    if feed is None:
        raise NotFound("no feed {name!r}", name=cmd.name[:80], field="name")
    now = clock.now()
    standing = (await unit.feeds.standings([feed.id]))[feed.id]
    held = standing.polling_until is not None and standing.polling_until > now
    if held and standing.polling_by != cmd.by:
        raise WrongState("{name} is being polled by {polling_by}", name=feed.name, polling_by=standing.polling_by)
    standing = replace(standing, polling_by=cmd.by[:200], polling_until=now + LEASE, last_run_at=now)
    await unit.feeds.stand(feed.id, standing)
    run = Run(id=FeedRunId(0), operator=actor.operator, feed=feed.id, started_at=now)
    return feed, standing, await unit.feeds.begin_run(run)


async def completed_rules(feed: Feed, unit: Unit, formats: Formats) -> Rules:
    """Return a feed's rules, with what is left to the source's profile filled in. Refuses with: BadValue, NotFound."""
    if feed.rules.complete is not None:
        return feed.rules
    if format_of(feed.source) is not None or tells(feed.source):
        # Whether a payment file is whole its own trailer says, when it is read; receipts that are missing come later.
        return replace(feed.rules, complete=Completeness.STABLE)
    profile = formats.profile(await _profile(feed.source, unit))
    return replace(feed.rules, complete=FIELDS_OF_PROFILE.get(profile.layout.complete, Completeness.STABLE))


async def _profile(source: str, unit: Unit) -> str:
    try:
        return (await unit.sources.by_name(source)).profile
    except NotFound:
        return source  # a shipped profile, which becomes a source with its first file


async def read_listing(transport: Transport) -> tuple[dict[str, Found], int]:
    """Return the listing by name, the last of two lines with one name, and how many were no names of files."""
    listing: dict[str, Found] = {}
    unsafe = 0
    async for found in transport.listing():
        if not safe(found.name):
            unsafe += 1
        else:
            listing[found.name] = found
        if len(listing) + unsafe > LISTING_MAX:
            raise TransportFault(f"more than {LISTING_MAX} files lie there: move what is done elsewhere", lasting=True)
    return listing, unsafe


def look_of(found: Found) -> Look:
    """Return what a listing says of a file."""
    return Look(size=found.size, modified=found.modified, token=found.token[:200])


class _Poll:
    """One run going on."""

    def __init__(  # noqa: PLR0917  (made in one place)
        self,
        cmd: PollFeed,
        outside: Outside,
        actor: Actor,
        begin: Begin,
        clock: Clock,
        stored: Feed,
        feed: Feed,
        standing: Standing,
        run: Run,
    ) -> None:
        self._cmd = cmd
        self._outside = outside
        self._actor = actor
        self._begin = begin
        self._clock = clock
        self._stored = stored
        self._feed = feed
        self._standing = standing
        self._run = run
        self._waiting: list[Sighting] = []
        self._trouble: list[Trouble] = []
        self._taken: list[str] = []

    async def look(self, transport: Transport) -> None:
        """List, judge every name, and do what follows. Raises TransportFault; refuses as ``Handling.fetch``."""
        listing, unsafe = await read_listing(transport)
        names, _ = wanted(list(listing), self._feed.rules)
        self._run = replace(self._run, found=len(listing) + unsafe, wanted=len(names), unsafe=unsafe)
        seen, todo = await self._judge(names, listing)
        handling = await self._handling(transport, listing)
        try:
            for name in self._ordered(todo, listing):
                if self._run.taken >= FILES_MAX:
                    self._run = replace(self._run, more=True)
                    break
                if await self._handle(todo[name], listing[name], seen[name], handling):
                    self._taken.append(name)
                self._run = replace(self._run, bytes=handling.fetched)
        finally:
            self._run = replace(self._run, bytes=handling.fetched)
            self._gaps(self._taken)

    async def _judge(
        self, names: Sequence[str], listing: Mapping[str, Found]
    ) -> tuple[dict[str, Sighting], dict[str, Verdict]]:
        """Bring what is known of names up to date, and return what to do with them."""
        now, rules = self._clock.now(), self._feed.rules
        async with self._begin(self._actor) as unit:
            known = await unit.feeds.sightings(self._feed.id, names)
            seen = {name: sighted(name, look_of(listing[name]), known.get(name), now) for name in names}
            await unit.feeds.see(self._feed.id, [one for name, one in seen.items() if one is not known.get(name)])
            left = gone(known, listing)
            await unit.feeds.forget(self._feed.id, [one.name for one in left if one.seen is not Seen.TAKEN])
            put_away = [replace(one, seen=Seen.DONE, changed_at=now) for one in left if one.seen is Seen.TAKEN]
            await unit.feeds.see(self._feed.id, put_away)
        verdicts = {name: verdict(one, rules, listing, now, again=self._cmd.again) for name, one in seen.items()}
        idle = {Verdict.WAIT, Verdict.NOTHING}
        self._waiting = [one for name, one in seen.items() if verdicts[name] is Verdict.WAIT]
        self._run = replace(
            self._run,
            gone=sum(one.seen is not Seen.TAKEN for one in left),
            waiting=sum(one.seen is Seen.WAITING for one in self._waiting),
            held=sum(one.seen is Seen.HELD for one in self._waiting),
        )
        return seen, {name: one for name, one in verdicts.items() if one not in idle}

    async def _handling(self, transport: Transport, listing: Mapping[str, Found]) -> Handling:
        outside, header = self._outside, False
        if self._feed.rules.grows:
            async with self._begin(self._actor) as unit:
                profile = outside.formats.profile(await _profile(self._feed.source, unit))
            header = profile.layout.header is True
        return Handling(
            transport=transport,
            rules=self._feed.rules,
            source=self._feed.source,
            header=header,
            take=outside.take,
            blobs=outside.blobs,
            archives=outside.archives,
            clock=self._clock,
            size_max=self._cmd.size_max,
            present=listing.keys(),
        )

    def _ordered(self, todo: Mapping[str, Verdict], listing: Mapping[str, Found]) -> list[str]:
        """Return names as they were written: by their number, else by their time, else by name."""
        names = sorted(todo)
        rules = self._feed.rules
        if rules.sequence is not None:
            numbers = dict(zip(names, sequence_numbers(names, rules.sequence), strict=True))
            last = self._standing.last_sequence
            wrapped = rules.sequence_last is not None and last is not None and last > rules.sequence_last // 2

            def place(name: str) -> tuple[bool, int]:
                number = numbers[name] or 0
                return wrapped and rules.sequence_last is not None and number < rules.sequence_last // 2, number

            return sorted(names, key=place)
        moments = {name: listing[name].modified for name in names}
        if all(moments.values()):
            return sorted(names, key=lambda name: (moments[name], name))
        return names

    async def _handle(self, what: Verdict, found: Found, one: Sighting, handling: Handling) -> bool:
        """Do with one file what was judged. Tell whether it was taken."""
        handled = Handled(one)
        if what is Verdict.TAKE:
            try:
                handled = await handling.fetch(found, one)
            except Missing:
                self._run = replace(self._run, gone=self._run.gone + 1)
                await self._keep(None, forget=one.name)
                return False
            one = handled.sighting
            await self._keep(one, taken=handled.taken)
            self._count(handled)
        try:
            if one.seen is Seen.TAKEN:
                await self._keep(await handling.put_away(one))
            elif one.seen is Seen.REFUSED or what is Verdict.PUT_ASIDE:
                await self._keep(await handling.put_aside(one))
        except TransportFault as fault:
            if not fault.lasting:
                raise
            # Where it may not be put away, it stays; what is new is taken all the same.
            self._run = replace(self._run, fault=fault.message)
            self._trouble.append(Trouble.stays(self._feed, one.name, fault.message))
        return handled.taken

    def _count(self, handled: Handled) -> None:
        run, one = self._run, handled.sighting
        self._run = replace(
            run,
            taken=run.taken + handled.taken,
            again=run.again + handled.again,
            held=run.held + (one.seen in {Seen.HELD, Seen.REFUSED}),
            waiting=run.waiting + (one.seen is Seen.WAITING),
            fault=one.fault or handled.remark or run.fault,
        )
        if one.seen in {Seen.HELD, Seen.REFUSED}:
            self._trouble.append(Trouble.file(self._feed, one.name, one.fault or ""))
        if one.seen is Seen.WAITING:
            self._waiting.append(one)
        if handled.numbers and self._feed.rules.sequence_column is not None:
            self._trouble += Trouble.column(self._feed, one.name, handled.numbers, self._standing.last_column)
            self._standing = replace(self._standing, last_column=newest(handled.numbers, self._standing.last_column))

    async def _keep(self, one: Sighting | None, *, taken: bool = False, forget: str | None = None) -> None:
        """Write what is known of a name, that the run goes on, and how far it is."""
        now = self._clock.now()
        self._standing = replace(self._standing, polling_until=now + LEASE)
        if taken:
            self._standing = replace(self._standing, last_file_at=now)
        async with self._begin(self._actor) as unit:
            await self._mine(unit)
            if one is not None:
                await unit.feeds.see(self._feed.id, [one])
            if forget is not None:
                await unit.feeds.forget(self._feed.id, [forget])
            await unit.feeds.stand(self._feed.id, self._standing)
            await unit.feeds.keep_run(self._run)

    async def _mine(self, unit: Unit) -> None:
        """Stop where another process has taken the feed over, or somebody has changed or removed it."""
        feed = await unit.feeds.claim(self._stored.name)
        if feed is None or feed.id != self._stored.id or feed.version != self._stored.version:
            raise WrongState("{name} was changed while it was polled", name=self._stored.name)
        now = (await unit.feeds.standings([feed.id]))[feed.id]
        if now.polling_by != self._standing.polling_by:
            raise WrongState(
                "{name} is being polled by {polling_by}", name=self._stored.name, polling_by=now.polling_by
            )

    def _gaps(self, taken: Sequence[str]) -> None:
        rules = self._feed.rules
        if rules.sequence is None or not taken:
            return
        numbers = [number for number in sequence_numbers(taken, rules.sequence) if number is not None]
        if numbers:
            self._trouble += Trouble.sequence(self._feed, numbers, self._standing.last_sequence)
            self._standing = replace(self._standing, last_sequence=newest(numbers, self._standing.last_sequence))

    async def done(self, zone: str) -> Run:
        """End a run that went well."""
        now = self._clock.now()
        sooner = now if self._run.more else next_look(self._waiting, self._feed.rules)
        standing = replace(self._standing, failures=0, fault=None, last_success_at=now)
        return await self._end(RunState.DONE, standing, zone, sooner)

    async def failed(self, fault: str, zone: str, *, lasting: bool) -> Run:
        """End a run that failed; the next one is as far away as there were failures."""
        now = self._clock.now()
        failures = self._standing.failures + 1
        standing = replace(self._standing, failures=failures, fault=fault)
        self._run = replace(self._run, fault=fault)
        self._trouble.append(Trouble.failing(self._feed, fault, failures, lasting=lasting))
        again = now + retry(failures, jitter=self._outside.jitter())
        return await self._end(RunState.FAILED, standing, zone, again)

    async def let_go(self, zone: str) -> None:
        """Leave the feed to whoever comes next: the process ends, or the database is away."""
        try:
            await self._end(RunState.INTERRUPTED, self._standing, zone, self._clock.now())
        except Exception:  # noqa: BLE001  (what made us leave is told; the lease ends by itself)
            return

    async def _end(self, state: RunState, standing: Standing, zone: str, sooner: datetime | None) -> Run:
        now = self._clock.now()
        self._run = replace(self._run, state=state, finished_at=now)
        async with self._begin(self._actor) as unit:
            await unit.feeds.keep_run(self._run)
            feed = await unit.feeds.claim(self._stored.name)
            if feed is None or feed.id != self._stored.id:
                return self._run
            present = (await unit.feeds.standings([feed.id]))[feed.id]
            if present.polling_by != self._standing.polling_by:
                return self._run
            planned = following(feed.schedule, zone, now)
            # A failing feed waits as long as its failures say, even where its schedule is denser.
            next_at = sooner if state is RunState.FAILED else min(planned, sooner or planned)
            ended = replace(standing, polling_by=None, polling_until=None, next_at=next_at if feed.active else None)
            await unit.feeds.stand(feed.id, ended)
            detail = {name: getattr(self._run, name) for name in ("found", "taken", "again", "held", "fault")}
            if self._run.taken or self._run.fault:
                await unit.audit.write("poll_feed", f"feed:{feed.id}", {"state": state.value, **detail})
            well = state is RunState.DONE
            await tell(self._feed, self._trouble, unit, actor=self._actor, at=now, well=well, taken=self._taken)
        return self._run
