"""A made-up network element: what it does with requests, from a seed. It remembers requests by their ids.

It may be slow, be busy, refuse, lose an answer, answer later, answer twice, and let answers overtake each other. What
it really did stands in ``lines``, so that a test can compare it with the orders.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

REMEMBERED_MAX: Final = 100_000
ANSWER_SECONDS: Final = 0.2
# What its REST and its SOAP say for what became of a request.
CODES: Final = {"done": "0", "accepted": "1", "busy": "7", "failed": "9"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the element behaves. Shares from 0 to 1 of the requests; ``slow`` in seconds, at most for each.

    ``busy``: asked to come again; ``refused``: no, for good; ``lost``: done, and no answer; ``later``: accepted, and
    answered by callback; ``twice``: the callback comes twice; ``shuffled``: callbacks take their own time, so that
    they come in any order.
    """

    slow: float = 0.0
    busy: float = 0.0
    refused: float = 0.0
    lost: float = 0.0
    later: float = 0.0
    twice: float = 0.0
    shuffled: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the element understands it, however it came. ``undoes``: the request that it takes back."""

    request: str
    kind: str
    subscription: str
    numbers: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()
    undoes: str | None = None
    callback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """An answer that is sent by the element itself, after so many seconds."""

    seconds: float
    request: str
    state: str
    reason: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What a request leads to: after ``seconds`` an answer (``state`` None: none), and callbacks behind it."""

    seconds: float
    state: str | None
    reason: str | None = None
    reference: str | None = None
    callbacks: tuple[Callback, ...] = ()


@dataclass(slots=True)
class Line:
    """What the element has of a subscription."""

    active: bool = False
    suspended: bool = False
    barred: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    changes: int = 0


class SimulatedElement:
    """An element with its lines and its memory."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        self._behaviour = behaviour
        self._dice = random.Random(seed)  # noqa: S311  (a simulation; no secret)
        self._known: dict[str, tuple[str, str | None]] = {}
        self._taken_back: set[str] = set()
        self.lines: dict[str, Line] = {}
        self.log: list[dict[str, object]] = []

    def _chance(self, share: float) -> bool:
        return self._dice.random() < share

    def take(self, asked: Asked) -> Reaction:
        """Do what is asked, once per id, and return how it is answered."""
        behaviour = self._behaviour
        seconds = self._dice.random() * behaviour.slow
        if asked.request not in self._known and self._chance(behaviour.busy):
            self._note(asked, "busy")
            return Reaction(seconds=seconds, state="busy", reason="the element is busy")
        again = asked.request in self._known
        if not again:
            self._known[asked.request] = self._done(asked)
            if len(self._known) > REMEMBERED_MAX:
                self._known.pop(next(iter(self._known)))
        state, reason = self._known[asked.request]
        self._note(asked, state, again=again)
        reference = f"NE-{asked.request[-12:]}"
        if self._chance(behaviour.lost):
            return Reaction(seconds=seconds, state=None)
        if asked.callback is None or not self._chance(behaviour.later):
            return Reaction(seconds=seconds, state=state, reason=reason, reference=reference)
        callbacks = [self._callback(asked, state, reason, reference)]
        if self._chance(behaviour.twice):
            callbacks.append(self._callback(asked, state, reason, reference))
        return Reaction(seconds=seconds, state="accepted", reference=reference, callbacks=tuple(callbacks))

    def _callback(self, asked: Asked, state: str, reason: str | None, reference: str) -> Callback:
        own = self._dice.random() * 10 * ANSWER_SECONDS if self._chance(self._behaviour.shuffled) else 0.0
        return Callback(
            seconds=ANSWER_SECONDS + own, request=asked.request, state=state, reason=reason, reference=reference
        )

    def _done(self, asked: Asked) -> tuple[str, str | None]:
        """Do it, and return what there is to say of it."""
        if asked.undoes is None and self._chance(self._behaviour.refused):
            return "failed", "the element refuses this line"
        if asked.request in self._taken_back:
            return "done", None  # it was taken back before it came
        if asked.undoes is not None:
            self._taken_back.add(asked.undoes)
            if self._known.get(asked.undoes, ("", None))[0] != "done":
                return "done", None  # there is nothing to undo
        self._apply(asked)
        return "done", None

    def _apply(self, asked: Asked) -> None:
        line = self.lines.setdefault(asked.subscription, Line())
        match asked.kind:
            case "activate":
                line.active = True
                line.numbers.update(asked.numbers)
            case "end":
                line.active = False
            case "suspend" | "resume":
                line.suspended = asked.kind == "suspend"
            case "bar":
                line.barred.update(asked.bars)
            case "unbar":
                line.barred.difference_update(asked.bars or line.barred.copy())
            case "port_in":
                line.numbers.update(asked.numbers)
            case "port_out":
                line.numbers.difference_update(asked.numbers)
        line.changes += 1

    def _note(self, asked: Asked, state: str, *, again: bool = False) -> None:
        if len(self.log) < REMEMBERED_MAX:
            self.log.append({"request": asked.request, "kind": asked.kind, "state": state, "again": again})

    def told(self) -> dict[str, object]:
        """Return the lines as JSON."""
        return {
            key: {
                "active": line.active,
                "suspended": line.suspended,
                "barred": sorted(line.barred),
                "numbers": sorted(line.numbers),
                "changes": line.changes,
            }
            for key, line in sorted(self.lines.items())
        }


def listed(text: str | None) -> tuple[str, ...]:
    """Return what stands in a text with commas between."""
    return tuple(one for one in (text or "").split(",") if one)
