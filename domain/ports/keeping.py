"""Answers that are kept as they were given, under the idempotency keys that commands came with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from domain.ids import ResellerId
from domain.refusal import Conflict

TOKEN_BYTES: Final = 16
# How long one that has not ended is taken as still running; its effect is barred once another has taken its place.
TURN: Final = timedelta(minutes=5)
KEPT_FOR: Final = timedelta(days=30)


class OtherContent(Conflict):
    """The key came with other content before."""

    def __init__(self) -> None:
        super().__init__("the idempotency key was used with other content", field="idempotencyKey")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command asked for (``domain.access.doing.ASKED``), and how far who sent it reached then."""

    permissions: tuple[tuple[str, str], ...]
    reseller: ResellerId | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given, and what its command asked for; None: it was kept before that was."""

    answer: str
    asked: Asked | None = None


def not_told() -> Conflict:
    """Return what is said of a command that was carried out, and whose answer cannot be given again."""
    return Conflict(
        "this was carried out under the same idempotency key, and what was answered is not kept: read what it made",
        field="idempotencyKey",
    )


class Keeping(Protocol):
    """What was answered under a key, per operator and caller (``domain.access.actor.Actor.caller``)."""

    async def begin(self, key: str, content: bytes, token: bytes, *, now: datetime) -> Kept | None:
        """Return what was answered to the same content; None where the key is now the token's to answer.

        Never waits for one that is running. What is older than ``KEPT_FOR`` is forgotten. Refuses with: Conflict (the
        key came with other content, is being answered at this moment, or was and its answer is not kept).
        """
        ...

    async def done(self, token: bytes) -> None:
        """Record, in the unit of the effect, that there is one. Refuses with: Conflict (another has taken over)."""
        ...

    async def finish(self, token: bytes, answer: str | None, asked: Asked | None = None) -> None:
        """Keep the answer; None: it is done, and what was answered is not to be kept."""
        ...

    async def drop(self, token: bytes, answer: str | None, asked: Asked | None = None) -> None:
        """Forget the key where nothing was done; where something was, keep the answer."""
        ...
