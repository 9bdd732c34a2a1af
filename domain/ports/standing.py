"""How the installation stands: whether it can work, and its counts for monitoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.ids import OperatorId


@dataclass(frozen=True, slots=True)
class SourceBalance:
    """Where the records of one source's files went, in the words of ``domain.mediation.files.CdrFile``.

    ``unbalanced``: how many of the files do not balance by themselves.
    """

    operator: str
    source: str
    counts: tuple[tuple[str, int], ...]
    unbalanced: int = 0

    def holds(self) -> bool:
        """Tell whether every record ended in one place, and whether suspense holds what it should."""
        one = dict(self.counts)
        ends = ("events", "merged", "pending", "duplicates", "rejects", "ignored")
        return (
            one["records"] == sum(one[name] for name in ends)
            and one["events"] == one["rated"] + one["unrated"]
            and one["suspense"] == one["rejects"] + one["unrated"]
            and not self.unbalanced
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over every committed chunk. ``files``: (operator, source, state, number); ``suspense``: per reason.

    ``alarms``: (operator, kind, severity, state, number) of those that are not closed. ``feeds``: (operator, feed,
    epoch of the last run that went well or None, epoch of the last file or None, failures in a row, files waiting,
    seconds by which it is late) of active feeds. ``jobs``: (operator, kind, state, number) of those that are not done.
    """

    balances: Sequence[SourceBalance] = ()
    files: Sequence[tuple[str, str, str, int]] = ()
    suspense: Sequence[tuple[str, str, int]] = ()
    alarms: Sequence[tuple[str, str, str, str, int]] = ()
    feeds: Sequence[tuple[str, str, float | None, float | None, int, int, float]] = ()
    jobs: Sequence[tuple[str, str, str, int]] = ()


class Standing(Protocol):
    """The installation as its watchers see it."""

    async def trouble(self) -> str | None:
        """Return what keeps the installation from working; None where nothing does."""
        ...

    async def figures(self, operator: OperatorId | None) -> Figures:
        """Return the counts of one operator, or of all."""
        ...
