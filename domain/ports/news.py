"""What is told as it happens: that something of an operator was committed, never what it is.

Whoever hears of it reads it as the caller he serves, so that nothing reaches anybody that he could not have asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from domain.ids import OperatorId

# The kinds there are: a CDR file moved on, a chunk of rated events was written, an alarm was raised or
# changed, an event was told.
FILE: Final = "file"
CHUNK: Final = "chunk"
ALARM: Final = "alarm"
EVENT: Final = "event"
ORDER: Final = "order"  # to the network, moved on
BILL_RUN: Final = "bill_run"  # a page of payers was billed


@dataclass(frozen=True, slots=True)
class Notice:
    """Something of an operator was committed: its kind and its key."""

    kind: str
    operator: OperatorId
    key: int

    def __str__(self) -> str:
        return f"{self.kind} {self.operator} {self.key}"

    @classmethod
    def read(cls, text: str) -> Notice | None:
        """Read what ``str`` wrote; None for anything else.

        >>> Notice.read("file 1 42")
        Notice(kind='file', operator=1, key=42)
        """
        match text.split(" "):
            case [kind, operator, key] if operator.isdecimal() and key.isdecimal():
                return cls(kind, OperatorId(int(operator)), int(key))
        return None


class TooSlow(Exception):  # noqa: N818  (an answer to a listener, not an error of ours)
    """A listener has let more notices pile up than are kept for it."""


class Feed(Protocol):
    """The notices one listener has not heard yet."""

    async def next(self) -> Notice | None:
        """Wait for the next notice; the same one told twice meanwhile comes once.

        None: some may have been lost, so look at everything again. Raises ``TooSlow``, once and for all.
        """
        ...


class News(Protocol):
    """Tells listeners of what is committed from when they began to listen."""

    def follow(self, operator: OperatorId, kinds: Collection[str]) -> AbstractAsyncContextManager[Feed]:
        """Listen to these kinds of an operator's notices; entering waits until nothing can be missed."""
        ...
