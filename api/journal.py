"""The journal of what no unit of work writes: what was read, and what was refused.

A change writes its line in its own transaction. What only reads has none to write in: its lines are gathered and
written together, some times a second, so that a request waits for none of them. On a clean stop all are written; a
process that is killed loses those of the last moment, never one of a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain.access.actor import Actor
from domain.access.chain import LineKind
from domain.access.doing import ACTIVITY, DOING, SEEN_MAX, Activity, Done
from domain.ports.clock import Clock
from domain.ports.trail import Entry, TrailKeeper
from domain.refusal import NotFound, Refusal

ENTRIES_MAX: Final = 20_000  # that wait to be written; beyond, they are counted
# Of one caller within one flush: attempts that fail are told one by one up to here, then by their count.
REFUSED_MAX: Final = 50
TEXT_MAX: Final = 200


class Journal:
    """Gathers what no unit writes, and writes it."""

    def __init__(self, keeper: TrailKeeper, clock: Clock) -> None:
        self._keeper = keeper
        self._clock = clock
        self._waiting: dict[tuple[object, ...], tuple[Entry, int]] = {}
        self._refused: dict[tuple[object, ...], int] = {}
        self._lost = 0

    @contextmanager
    def request(self) -> Iterator[Activity]:
        """Gather what one request does."""
        activity = Activity()
        token, doing = ACTIVITY.set(activity), DOING.set("")
        try:
            yield activity
        finally:
            ACTIVITY.reset(token)
            DOING.reset(doing)

    def done(self, actor: Actor, activity: Activity, request: str) -> None:
        """Tell what a request did and what it was refused."""
        reads: dict[str, Done] = {}
        for name, one in activity.done.items():
            if one.refused is not None:
                self.refused(actor, name, _target(one), one.refused, request=request)
            elif not one.wrote:
                reads[name] = one
        if reads:
            self._put(_entry(actor, reads, self._clock.now(), request))

    def refused(
        self,
        actor: Actor | None,
        action: str,
        target: str,
        code: str,
        *,
        client: str = "",
        address: str | None = None,
        operator: int | None = None,
        request: str | None = None,
        kind: LineKind = LineKind.REFUSED,
    ) -> None:
        """Tell of an attempt that failed; ``actor`` None: who it was is not known, only ``client`` and ``address``."""
        one = Entry(
            at=self._clock.now(),
            operator=int(actor.operator) if actor is not None else operator,
            client=(actor.client if actor is not None else client)[:TEXT_MAX],
            kind=kind.value,
            action=action[:TEXT_MAX],
            target=target[:TEXT_MAX],
            outcome=code[:TEXT_MAX],
            user=actor.user if actor is not None else None,
            factor=actor.factor if actor is not None else "",
            behalf=actor.behalf if actor is not None else None,
            reseller=actor.reseller if actor is not None else None,
            address=actor.address if actor is not None else address,
            request=request,
        )
        caller = (one.operator, one.client, one.user, one.address)
        self._refused[caller] = count = self._refused.get(caller, 0) + 1
        # A storm is told by its count, so that nobody fills the disk by being refused.
        self._put(one if count <= REFUSED_MAX else replace(one, action="more", target="", outcome="more", request=None))

    def _put(self, one: Entry) -> None:
        key = (
            *(one.operator, one.client, one.user, one.factor, one.behalf, one.reseller, one.address),
            *(one.kind, one.action, one.target, one.outcome, one.seen),
        )
        known = self._waiting.get(key)
        if known is not None:
            self._waiting[key] = (known[0], known[1] + 1)
        elif len(self._waiting) < ENTRIES_MAX:
            self._waiting[key] = (one, 1)
        else:
            self._lost += 1

    async def flush(self) -> None:
        """Write what waits. What cannot be written now waits on."""
        if not self._waiting and not self._lost:
            return
        waiting, lost = self._waiting, self._lost
        self._waiting, self._refused, self._lost = {}, {}, 0
        entries = [
            one if times == 1 else replace(one, detail={**one.detail, "times": times})
            for one, times in waiting.values()
        ]
        if lost:
            # Not silently: the trail itself says that it could not keep up.
            entries.append(self._loss(lost))
        try:
            await self._keeper.record(entries)
        except BaseException:
            for key, (one, times) in waiting.items():
                known = self._waiting.get(key)
                self._waiting[key] = (one, times + (known[1] if known is not None else 0))
            self._lost += lost
            raise

    def _loss(self, lines: int) -> Entry:
        return Entry(
            at=self._clock.now(),
            operator=None,
            client="trail",
            kind=LineKind.KEEPING.value,
            action="lose_lines",
            target="trail",
            detail={"lines": lines},
        )


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Take note of a use case's refusal, for the request that is going on."""
    try:
        yield
    except Refusal as no:
        note(no, name)
        raise


def note(no: Refusal, name: str) -> None:
    """Take note of a refusal once, wherever it is met first: in a use case, or where its arguments are read."""
    activity = ACTIVITY.get()
    if activity is None or getattr(no, "noted", False):
        return
    no.noted = True  # type: ignore[attr-defined]  # of this one alone
    activity.of(name).refused = no.code
    activity.missing += isinstance(no, NotFound)


def _target(one: Done) -> str:
    if len(one.targets) == 1:
        return next(iter(one.targets))
    if len(one.seen) == 1:
        return f"customer:{next(iter(one.seen))}"
    return "customers" if one.seen else ""


def _entry(actor: Actor, reads: Mapping[str, Done], at: datetime, request: str) -> Entry:
    """Return one line for all that a request read: it is named by the operation that was asked first."""
    first, *also = reads
    whole = Done(
        seen=set().union(*(one.seen for one in reads.values())),
        targets=set().union(*(one.targets for one in reads.values())),
    )
    return Entry(
        at=at,
        operator=int(actor.operator),
        client=actor.client,
        kind=LineKind.READ.value,
        action=first[:TEXT_MAX],
        target=_target(whole),
        user=actor.user,
        factor=actor.factor,
        behalf=actor.behalf,
        reseller=actor.reseller,
        address=actor.address,
        request=request,
        seen=tuple(sorted(whole.seen)[:SEEN_MAX]) or None,
        detail={"also": also} if also else {},
    )
