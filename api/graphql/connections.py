"""Relay connections over keyset pages: what follows a key, never what stands at an offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from api.graphql.ids import cursor
from api.graphql.limits import FIRST_MAX
from domain.ports.page import Page, PageRequest
from domain.refusal import BadValue

T = TypeVar("T")


@strawberry.type(description="Where a page ends. Lists go forward only.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One item of a page and the cursor behind it.")
class Edge(Generic[T]):
    """Relay's edge."""

    cursor: str
    node: T


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """Relay's connection."""

    edges: list[Edge[T]]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class Item:
    """What an edge shows: the domain object itself."""

    cursor: str
    node: Any


@dataclass(frozen=True, slots=True)
class Slice:
    """What a connection shows."""

    edges: Sequence[Item]
    page_info: PageInfo


def size(first: int) -> int:
    """Check a page's size. Refuses with: BadValue."""
    if not 1 <= first <= FIRST_MAX:
        raise BadValue("between 1 and {first_max} items can be asked for at a time", first_max=FIRST_MAX, field="first")
    return first


def request(first: int, after: int | None) -> PageRequest:
    """Return the page that is asked for. Refuses with: BadValue."""
    return PageRequest(size(first), after)


def connect(
    page: Page[Any], kind: str, *, after: str | None, key: Callable[[Any], object] = lambda item: item.id
) -> Slice:
    """Return a page as a connection."""
    edges = [Item(cursor(kind, key(item)), item) for item in page.items]
    return Slice(
        edges,
        PageInfo(
            has_next_page=page.more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
