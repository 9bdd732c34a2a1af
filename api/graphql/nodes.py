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


def keyed(kind: str, name: str, *, always: bool = False) -> Any:
    """Return the field of another thing's global id, of the key that an attribute has; null where there is none."""

    def resolve(root: strawberry.Parent[Any]) -> strawberry.ID | None:
        key = getattr(root, name)
        return None if key is None else strawberry.ID(global_id(kind, key))

    return strawberry.field(resolver=resolve, graphql_type=strawberry.ID if always else strawberry.ID | None)


def owned() -> Any:
    """Return the field of the global id of whose something is."""
    return keyed("Customer", "customer", always=True)


@strawberry.interface(description="Anything that node(id) fetches.")
class Node:
    """Relay's node."""

    id: strawberry.ID = identified()
