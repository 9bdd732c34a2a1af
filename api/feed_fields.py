"""A feed as one flat set of fields, the same for GraphQL, SOAP and the command line; secrets go in and never out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from domain.feeds.feed import After, Completeness, Rules
from domain.feeds.run import Run
from domain.refusal import BadValue
from domain.usecases.list_feeds import FeedNow
from domain.usecases.put_feed import PutFeed

RULES: Final = tuple(field.name for field in dataclasses.fields(Rules))
OWN: Final = tuple(field.name for field in dataclasses.fields(PutFeed) if field.name != "rules")
STANDING: Final = ("next_at", "last_run_at", "last_success_at", "last_file_at", "failures", "fault")
_LISTS: Final = frozenset({"host_keys", "ignored"})
_WORDS: Final = {"complete": Completeness, "after": After}
_NUMBERS: Final = frozenset({"stable_seconds", "silent_after_minutes", "sequence_last", "version"})
_TRUTHS: Final = frozenset({"grows", "watch_counts", "active"})


def command(fields: Mapping[str, Any]) -> PutFeed:
    """Return the command that flat fields say; one that is left out or None has its default. Refuses with: BadValue."""
    rules: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in RULES and name not in OWN:
            raise BadValue("no such field of a feed", field=name[:60])
        if value is not None:
            (rules if name in RULES else own)[name] = _value(name, value)
    for name in ("name", "source", "address"):
        if name not in own:
            raise BadValue("a feed needs it", field=name)
    return PutFeed(**own, rules=Rules(**rules))


def _value(name: str, value: Any) -> Any:
    if name == "credentials":
        if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in (*value, *value.values())):
            raise BadValue("credentials are names and texts", field=name)
        return dict(value)
    if name in _LISTS:
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise BadValue("is a list of texts", field=name)
        return tuple(value)
    if name in _WORDS:
        try:
            return _WORDS[name](value)
        except ValueError:
            raise BadValue("is one of {listed}", listed=", ".join(_WORDS[name]), field=name) from None
    kind = int if name in _NUMBERS else bool if name in _TRUTHS else str
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadValue({int: "is a whole number", bool: "is true or false", str: "is a text"}[kind], field=name)
    return value


def shown(now: FeedNow) -> dict[str, Any]:
    """Return a feed as flat fields. Of a credential only its name and its reference, or that it is kept."""
    feed, place = now.feed, now.feed.place
    fields = {
        "name": feed.name,
        "source": feed.source,
        "address": place.address,
        "host_keys": list(place.host_keys),
        "ca": place.ca,
        "region": place.region if place.bucket else None,
        "endpoint": place.endpoint,
        "credentials": {name: one.reference or "kept" for name, one in sorted(feed.credentials.items())},
        "schedule": feed.schedule,
        "active": feed.active,
        **{name: getattr(feed.rules, name) for name in RULES},
        "version": feed.version,
        "created_at": feed.created_at.isoformat(),
        "changed_at": feed.changed_at.isoformat(),
        **{name: getattr(now.standing, name) for name in STANDING},
        "polling": now.standing.polling_by is not None,
    }
    return {name: _plain(value) for name, value in fields.items()}


def shown_run(run: Run) -> dict[str, Any]:
    """Return a run as flat fields."""
    names = [field.name for field in dataclasses.fields(Run) if field.name not in {"operator", "feed"}]
    return {name: _plain(getattr(run, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return getattr(value, "value", value)
