"""Counts the statements that reach the database, so that a test can tell one query from one query per row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

# What asyncpg asks once per connection, when it meets a type for the first time.
_ASYNCPGS_OWN = ("current_setting('jit')", "set_config('jit'", "typeinfo_tree")


@dataclass(slots=True)
class Statements:
    """What ran, in order, without the settings of each transaction."""

    texts: list[str] = field(default_factory=list)

    def note(self, record: Any) -> None:
        """Take note of one statement; asyncpg calls it with its ``LoggedQuery``."""
        text = str(record.query)
        if not any(mark in text for mark in _ASYNCPGS_OWN):
            self.texts.append(text)

    def __len__(self) -> int:
        return len(self.texts)


_counting: ContextVar[Statements | None] = ContextVar("tollwright_statements", default=None)


@contextmanager
def counted() -> Iterator[Statements]:
    """Count the statements of every unit that begins inside, in this task and in those it starts."""
    statements = Statements()
    token = _counting.set(statements)
    try:
        yield statements
    finally:
        _counting.reset(token)


@contextmanager
def noting(connection: Any) -> Iterator[None]:
    """Let a unit's connection take part in the count, where there is one."""
    statements = _counting.get()
    if statements is None:
        yield
        return
    with connection.query_logger(statements.note):
        yield
