"""Commands that are sent again under their idempotency key: one effect, and the answer that was given (B5 to B8).

The protocols' views claim a key before they carry a command out, and keep what they answered as text. The effect's own
transaction says that there is one (``Marking``), so that a crash between the two leads to no second effect. Who asks
while the first is still running is refused at once. A refusal is not kept: nothing was done, and the key is free.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from domain.access.actor import Actor
from domain.access.doing import ASKED
from domain.access.operations import ask_again
from domain.commands import check_key
from domain.ports.access import Audit
from domain.ports.clock import Clock
from domain.ports.keeping import TOKEN_BYTES, Asked, Kept, not_told
from domain.ports.unit import Begin, Unit

# Their answers hold what is told once; sent again they say that it was done.
TOLD_ONCE: Final = frozenset(
    {
        *("createClient", "createWebhook", "rotateWebhookSecret"),
        *("createPortal", "renewClientSecret", "createApiKey", "rotateApiKey"),
    }
)
# Those that change something, or look as if they did, and take no key; and why.
_SIGNING_IN: Final = "it tries a password, a code or a link that is good once, or answers with a secret"
WITHOUT_KEY: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("login", "answerChallenge", "askSecurityKey", "enrolTotp", "confirmTotp", "enrolSecurityKey"),
            *("confirmSecurityKey", "requestReset", "resetPassword", "acceptInvitation", "changePassword"),
            *("removeFactor", "renewRecoveryCodes", "signInElsewhere"),
        ),
        _SIGNING_IN,
    ),
    "exportPerson": "it reads, and what it reads is kept nowhere else",
    "testFeed": "it looks, and changes nothing",
}
_running: Final[ContextVar[bytes | None]] = ContextVar("token of the command that is carried out", default=None)


class Wired(Protocol):
    """What is needed of ``api.wiring.Wiring``."""

    @property
    def begin(self) -> Begin: ...  # noqa: D102  (what ``api.wiring`` says of it)
    @property
    def clock(self) -> Clock: ...  # noqa: D102  (what ``api.wiring`` says of it)


class _Trail:
    """The audit trail of a unit, which sees whether anything was written."""

    def __init__(self, trail: Audit) -> None:
        self._trail = trail
        self.written = False

    async def write(self, *arguments: Any, **more: Any) -> Any:
        """Write a line."""
        self.written = True
        return await self._trail.write(*arguments, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trail, name)


class Marking:
    """Begins units as another does; one that changes something for a keyed command says so in the same transaction."""

    def __init__(self, begin: Begin) -> None:
        self.within = begin

    def __call__(self, actor: Actor, *, bulk: bool = False) -> AbstractAsyncContextManager[Unit]:
        """Begin a unit."""
        token = _running.get()
        if token is None:
            return self.within(actor, bulk=bulk)
        return self._marked(token, actor, bulk)

    @asynccontextmanager
    async def _marked(self, token: bytes, actor: Actor, bulk: bool) -> AsyncIterator[Unit]:
        async with self.within(actor, bulk=bulk) as unit:
            trail = _Trail(unit.audit)
            setattr(unit, "audit", trail)  # noqa: B010  (a Unit's stores are read only to everybody else)
            yield unit
            if trail.written:
                await unit.kept.done(token)


@dataclass(frozen=True, slots=True)
class Turn:
    """A command whose turn it is to be carried out under its key."""

    wired: Wired
    actor: Actor
    token: bytes
    asked: set[tuple[str, str]] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Stand around the command: what it changes is marked.

        What it asks for is gathered until the request ends, since the answer is made after the command.
        """
        before = _running.set(self.token)
        ASKED.set(self.asked)
        try:
            yield
        finally:
            _running.reset(before)

    async def finish(self, answer: str | None) -> None:
        """Keep what was answered; None: that it is done, and not what was said, since it holds a secret."""
        async with self.wired.begin(self.actor) as unit:
            await unit.kept.finish(self.token, answer, self._asked())

    async def drop(self, answer: str | None) -> None:
        """Free the key of a command that did nothing; one that did something keeps its answer."""
        async with self.wired.begin(self.actor) as unit:
            await unit.kept.drop(self.token, answer, self._asked())

    def _asked(self) -> Asked:
        groups = tuple(sorted(self.actor.limits.groups))
        return Asked(tuple(sorted(self.asked)), self.actor.reseller, groups)


async def claim(wired: Wired, actor: Actor, key: str, content: bytes) -> Turn | Kept:
    """Return whose turn it is, or what was answered, to who may still do it and reaches as far as then.

    Refuses with: BadValue (no key), Conflict (as ``Keeping``, or he reaches elsewhere by now), NotAllowed (any more).
    """
    check_key(key)
    token = secrets.token_bytes(TOKEN_BYTES)
    async with wired.begin(actor) as unit:
        known = await unit.kept.begin(key, hashlib.sha256(content).digest(), token, now=wired.clock.now())
    if known is None:
        return Turn(wired, actor, token)
    if (asked := known.asked) is not None:
        ask_again(actor, asked.permissions)
        if (asked.reseller, frozenset(asked.groups)) != (actor.reseller, actor.limits.groups):
            raise not_told()
    return known
