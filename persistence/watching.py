"""What a unit's stores are asked, watched from outside: whose data are shown, and what an aggregate was before.

A store's class is watched once, when it is imported: ``claim`` and ``get`` tell what a thing is, ``keep`` what it
becomes; what any method returns tells whose data were shown, by the customer's key. So no use case can forget it.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar

from domain.access.doing import ACTIVITY, DOING, SEEN_MAX
from domain.customers.customer import Customer
from domain.ports.page import Page

ITEMS_MAX: Final = 100  # of a list in a value that was changed
TEXT_MAX: Final = 500
# What is never told, whatever it is called in: bytes are sealed or digests, and these are open to whoever has them.
SECRET: Final = frozenset(
    {"secret", "secret_sha256", "password", "credentials", "private_pem", "seed", "token", "headers"}
)
# What every change has.
ALWAYS: Final = frozenset({"version", "id", "operator"})
_CLAIMS: Final = ("claim", "get", "own", "find", "named")
# How audit lines call an aggregate, where that is not its class's name.
CALLED: Final = {
    "ApiClient": "client", "FieldDefinition": "field", "NumberSeries": "number_series", "Channel": "delivery_channel",
    "Target": "payment_target", "Hold": "collection_hold", "Case": "collection", "Agency": "collection_agency",
}  # fmt: skip

K = TypeVar("K", bound=type)


@dataclass(slots=True)
class Watch:
    """One unit's."""

    name: str
    before: dict[tuple[str, str], Any] = field(default_factory=dict)
    after: dict[tuple[str, str], Any] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    looks: bool = False
    wrote: bool = False
    told: set[str] = field(default_factory=set)

    def was(self, one: Any) -> None:
        """Take note of what a thing is before anything is done to it."""
        for each in one[:ITEMS_MAX] if isinstance(one, list) else (one,):
            if (place := _place(each)) is not None:
                self.before.setdefault(place, each)

    def becomes(self, given: Any, kept: Any) -> None:
        """Take note of what a thing becomes."""
        one = kept if is_dataclass(kept) else given
        if (place := _place(one)) is not None:
            self.after[place] = one

    def change(self, target: str) -> tuple[dict[str, object], dict[str, object]] | None:
        """Return the fields that differ, as they were and as they are, of what a line is about; None: not known."""
        kind, _, key = target.partition(":")
        place = (kind, key)
        was, now = self.before.get(place), self.after.get(place)
        if was is None or now is None or type(was) is not type(now):
            return None
        self.before[place] = now  # a later line of the unit tells what came after
        return differing(was, now)


_watch: ContextVar[Watch | None] = ContextVar("tollwright_watch", default=None)


def present() -> Watch | None:
    """Return the watch of the unit that is open."""
    return _watch.get()


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch a unit, and say at its end what it has shown and whether it left a line."""
    activity = ACTIVITY.get()
    mine = Watch(DOING.get(), looks=activity is not None)
    token = _watch.set(mine)
    try:
        yield mine
    finally:
        _watch.reset(token)
        if activity is not None:
            done = activity.of(mine.name or "read")
            done.times += 1
            done.wrote = done.wrote or mine.wrote
            done.targets |= mine.told
            if len(done.seen) < SEEN_MAX:
                done.seen |= mine.seen


def watched(kind: K, *, keeps: str = "keep") -> K:
    """Watch a class of stores; ``keeps`` is what its method is called that is given a thing as it becomes."""
    for name, method in list(vars(kind).items()):
        if name.startswith("_") or not callable(method) or getattr(method, "watched", False):
            continue
        if _is_async(method):
            setattr(kind, name, _asked(name, method, keeps=name == keeps))
    return kind


def _is_async(method: Any) -> bool:
    code = getattr(method, "__code__", None)
    return code is not None and bool(code.co_flags & 0x80)  # CO_COROUTINE


def _asked(name: str, method: Callable[..., Awaitable[Any]], *, keeps: bool) -> Callable[..., Awaitable[Any]]:
    claims = name.startswith(_CLAIMS)

    @functools.wraps(method)
    async def ask(self: Any, *arguments: Any, **more: Any) -> Any:
        answer = await method(self, *arguments, **more)
        watch = _watch.get()
        if watch is not None:
            if claims:
                watch.was(answer)
            elif keeps and arguments:
                watch.becomes(arguments[0], answer)
            if watch.looks and answer is not None:
                _look(watch.seen, answer)
        return answer

    ask.watched = True  # type: ignore[attr-defined]  # so that a class is not watched twice
    return ask


def _look(seen: set[int], answer: Any) -> None:
    """Add whose data an answer shows."""
    if isinstance(answer, Page):
        answer = answer.items
    if isinstance(answer, Mapping):
        answer = [each for one in answer.values() for each in (one if isinstance(one, list | tuple) else (one,))]
    if not isinstance(answer, list | tuple):
        answer = (answer,)
    for one in answer:
        if isinstance(one, Customer):
            seen.add(int(one.id))
        elif (owner := getattr(one, "customer", None)) is not None and isinstance(owner, int):
            seen.add(int(owner))


def _place(one: Any) -> tuple[str, str] | None:
    if not is_dataclass(one) or isinstance(one, type):
        return None
    kind = type(one).__name__
    key = getattr(one, "id", None)
    if key is None:
        key = getattr(one, "client_id", None) or getattr(one, "name", None)
    if key is None:
        return None
    return CALLED.get(kind) or _snake(kind), str(key)


@functools.cache
def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def differing(was: Any, now: Any) -> tuple[dict[str, object], dict[str, object]]:
    """Return the fields in which two values of one class differ, as JSON, secrets only by name."""
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    for one in fields(was):
        old, new = getattr(was, one.name), getattr(now, one.name)
        if one.name in ALWAYS or old == new:
            continue
        secret = one.name in SECRET
        before[one.name] = "…" if secret else told(old)
        after[one.name] = "…" if secret else told(new)
    return before, after


def told(value: Any) -> object:
    """Return a value as JSON tells it: exact numbers as texts, bytes not at all, long lists by their length."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value if len(value) <= TEXT_MAX else f"{value[:TEXT_MAX]}…"
        case Enum():
            return told(value.value)
        case bytes():
            return "…"
        case Decimal() | float():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(key): "…" if key in SECRET else told(one) for key, one in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {one.name: "…" if one.name in SECRET else told(getattr(value, one.name)) for one in fields(value)}
        case Sequence() | frozenset() | set():
            if len(value) > ITEMS_MAX:
                return f"{len(value)} items"
            items = value if isinstance(value, Sequence) else sorted(value, key=str)
            return [told(one) for one in items]
    return str(value)
