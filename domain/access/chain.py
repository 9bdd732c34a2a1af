"""The chain of the audit trail: a link per line, each with the hash of all before it.

A line's digest is SHA-256 over its open part as canonical JSON (RFC 8785, of integers, texts and arrays of integers
alone) with the salted digest of what may be personal in it, its address and its detail. So these can be erased: the
salt goes with them, their digest stays, and every link still holds. A link's hash covers the link before. Whoever
changes, removes, adds or moves a line breaks the chain there; whoever computes the whole chain anew from there on does
not fit the anchors any more, which are signed with a key that is not in the database in the clear, and handed out.

What a line was is forgotten when the time to keep it is over: its link stays, and says which line tells of that.

>>> GENESIS.hex()[:8], canonical({"b": 1, "a": None})
('00000000', b'{"a":null,"b":1}')
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

GENESIS: Final = bytes(32)
# The shortest time that lines are kept: nobody's doings of yesterday are forgotten.
KEPT_LEAST: Final = timedelta(days=30)
KEEPING: Final = "keep_trail"
ERASING: Final = frozenset({"erase_person", "erase_user"})


class LineKind(StrEnum):
    """What a line tells of; how long it is kept depends on it."""

    CHANGE = "change"
    READ = "read"
    REFUSED = "refused"
    SIGN_IN = "sign_in"
    KEEPING = "keeping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the trail, as it is stored. ``private`` is the text of address and detail; None: they are erased.

    ``seen`` are the customers whose data were read. ``operator`` is None for the installation's own.
    """

    id: int
    operator: int | None
    at: datetime
    kind: str
    client: str
    user: int | None
    factor: str
    behalf: str | None
    reseller: int | None
    action: str
    target: str
    outcome: str
    request: str | None
    seen: tuple[int, ...] | None
    private: str | None
    salt: bytes | None
    withheld: bytes | None = None
    erased_by: int | None = None
    detail: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A line as it is read: with its place in the chain (None: not yet), and where its caller called from."""

    line: Line
    seq: int | None
    address: str | None

    @property
    def id(self) -> int:
        """The line's key."""
        return self.line.id

    @property
    def seen(self) -> tuple[int, ...]:
        """The customers whose data were read: of one alone the target tells."""
        kind, _, key = self.line.target.partition(":")
        if self.line.seen is None and self.line.kind == LineKind.READ and kind == "customer" and key.isdecimal():
            return (int(key),)
        return self.line.seen or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The place of a line in its operator's chain. ``removed_by`` is the line that tells that this one was let go."""

    seq: int
    audit: int
    at: datetime
    kind: str
    digest: bytes
    hash: bytes
    removed_by: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that does not hold: where in the chain, which line, and what is wrong."""

    seq: int
    audit: int | None
    what: str


def canonical(value: Mapping[str, object]) -> bytes:
    """Return JSON in the one form that is digested: keys in order, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def micros(at: datetime) -> int:
    """Return microseconds since the epoch."""
    return round(at.timestamp() * 1_000_000)


def digest(line: Line) -> bytes:
    """Return the digest of a line; of one whose private part is erased, with the digest that was left."""
    if line.private is not None and line.salt is not None:
        private = hashlib.sha256(line.salt + line.private.encode()).digest()
    else:
        private = line.withheld or b""
    told: dict[str, object] = {
        "id": line.id,
        "operator": line.operator,
        "at": micros(line.at),
        "kind": line.kind,
        "client": line.client,
        "user": line.user,
        "factor": line.factor,
        "behalf": line.behalf,
        "reseller": line.reseller,
        "action": line.action,
        "target": line.target,
        "outcome": line.outcome,
        "request": line.request,
        "seen": None if line.seen is None else list(line.seen),
        "private": private.hex(),
    }
    return hashlib.sha256(canonical(told)).digest()


def hashed(before: bytes, link: Link) -> bytes:
    """Return the hash of a link behind one with the hash ``before``."""
    told: dict[str, object] = {
        "seq": link.seq,
        "line": link.audit,
        "at": micros(link.at),
        "kind": link.kind,
        "digest": link.digest.hex(),
    }
    return hashlib.sha256(before + canonical(told)).digest()


def linked(line: Line, *, seq: int, before: bytes) -> Link:
    """Return the link of the next line."""
    bare = Link(seq=seq, audit=line.id, at=line.at, kind=line.kind, digest=digest(line), hash=b"")
    return Link(seq=seq, audit=line.id, at=line.at, kind=line.kind, digest=bare.digest, hash=hashed(before, bare))


@dataclass(slots=True)
class _Gone:
    """Lines that one line says were erased or let go."""

    first: Fault
    count: int = 0
    latest: datetime | None = None
    kinds: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Walk:
    """Goes along one operator's chain, link by link, and stops at the first that does not hold."""

    seq: int = 0
    hash: bytes = GENESIS
    lines: int = 0
    erased: int = 0
    removed: int = 0
    _erased: dict[int, _Gone] = field(default_factory=dict)
    _removed: dict[int, _Gone] = field(default_factory=dict)

    def take(self, link: Link, line: Line | None) -> Fault | None:
        """Look at the next link and its line; None: there is no such line any more."""
        if link.seq != self.seq + 1:
            return Fault(self.seq + 1, None, f"links are missing: after {self.seq} comes {link.seq}")
        if hashed(self.hash, link) != link.hash:
            return Fault(link.seq, link.audit, "the link does not follow the one before: changed or moved")
        wrong = self._missing(link) if line is None else self._there(link, line)
        if wrong is not None:
            return wrong
        self.seq, self.hash = link.seq, link.hash
        self.lines += 1
        return None

    def end(self) -> Fault | None:
        """Look at what no line told of, at the end of the chain."""
        left = [gone.first for gone in (*self._erased.values(), *self._removed.values())]
        return min(left, key=lambda one: one.seq, default=None)

    def _missing(self, link: Link) -> Fault | None:
        fault = Fault(link.seq, link.audit, "the line is gone")
        if link.removed_by is None:
            return fault
        gone = self._removed.setdefault(
            link.removed_by,
            _Gone(Fault(link.seq, link.audit, f"the line is gone, and line {link.removed_by} does not tell why")),
        )
        gone.count += 1
        gone.latest = link.at if gone.latest is None else max(gone.latest, link.at)
        gone.kinds.add(link.kind)
        self.removed += 1
        return None

    def _there(self, link: Link, line: Line) -> Fault | None:
        if digest(line) != link.digest or (line.at, line.kind) != (link.at, link.kind):
            return Fault(link.seq, line.id, "the line was changed")
        if line.private is None or line.salt is None:
            if line.erased_by is None:
                return Fault(link.seq, line.id, "what the line kept is gone")
            what = f"what the line kept is gone, and line {line.erased_by} does not tell why"
            self._erased.setdefault(line.erased_by, _Gone(Fault(link.seq, line.id, what))).count += 1
            self.erased += 1
        return self._told(line)

    def _told(self, line: Line) -> Fault | None:
        """Look whether a line that tells of others that are gone tells the truth."""
        if line.action in ERASING and (gone := self._erased.get(line.id)) is not None:
            told = (line.detail or {}).get("erased")
            if not isinstance(told, int) or gone.count > told:
                return gone.first
            del self._erased[line.id]
        if line.action == KEEPING and (gone := self._removed.get(line.id)) is not None:
            detail = line.detail or {}
            before, count = detail.get("before"), detail.get("lines")
            if (
                not isinstance(before, str)
                or gone.count != count
                or gone.kinds != {detail.get("kind")}
                or gone.latest is None
                or gone.latest >= datetime.fromisoformat(before)
                or datetime.fromisoformat(before) > line.at - KEPT_LEAST
            ):
                return gone.first
            del self._removed[line.id]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The end of a chain at a time, signed: ``token`` is a JWS (RFC 7515) of what stands here."""

    operator: int
    seq: int
    hash: bytes
    made_at: datetime
    kid: str
    token: str


def anchored(anchors: Sequence[Anchor], link: Link) -> Fault | None:
    """Look whether a link is the one that was anchored."""
    for one in anchors:
        if one.seq == link.seq and one.hash != link.hash:
            return Fault(link.seq, link.audit, f"it is not what was anchored on {one.made_at.date()}")
    return None
