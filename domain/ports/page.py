"""Slices of long lists by key, never by offset, so that a page costs the same wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.refusal import BadValue

T = TypeVar("T")
U = TypeVar("U")

PAGE_MAX = 1000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``first`` items with a key greater than ``after`` (None: from the beginning). Refuses with: BadValue."""

    first: int = 50
    after: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.first <= PAGE_MAX:
            raise BadValue(
                "between 1 and {page_max} items can be asked for at a time", page_max=PAGE_MAX, field="first"
            )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One slice; ``more`` tells whether anything follows."""

    items: Sequence[T]
    more: bool

    @classmethod
    def of(cls, items: Sequence[T], request: PageRequest) -> Page[T]:
        """Make a page of a query that asked for one item more than the page holds."""
        return cls(items[: request.first], len(items) > request.first)

    def map(self, change: Callable[[T], U]) -> Page[U]:
        """Return the page with each item changed."""
        return Page([change(item) for item in self.items], self.more)
