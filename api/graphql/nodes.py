"""Relay's ``Node``: every stored thing has one global id, made of its GraphQL type and its key."""

from __future__ import annotations

from typing import Any

import strawberry

from api.graphql.ids import global_id


def _id(root: strawberry.Parent[Any], info: strawberry.Info[Any, None]) -> strawberry.ID:
    kind = info._raw_info.parent_type.name  # noqa: SLF001  (strawberry shows the parent's type nowhere else)
    return strawberry.ID(global_id(kind, root.id))


def identified() -> Any:
    """Return the field of a global id for a type that ``node`` does not fetch."""
    return strawberry.field(resolver=_id, description="Opaque; the same for ever.")


@strawberry.interface(description="Anything that node(id) fetches.")
class Node:
    """Relay's node."""

    id: strawberry.ID = identified()
