"""A draft: changes of the catalogue that nobody is rated by until they are published together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from domain.refusal import BadValue

# Part of the document -> name -> what it will be, as a tariff document writes it; None: it will be gone.
Changes: TypeAlias = Mapping[str, Mapping[str, object]]

PARTS: Final = (
    "bands",
    "holidays",
    "destinations",
    "zones",
    "price_lists",
    "discount_rings",
    "buckets",
    "plans",
    "trunks",
    "mode_groups",
    "destination_groups",
)
NAME_MAX: Final = 100
DEPTH_MAX: Final = 12  # a price ring's step lies 7 deep


class DraftState(StrEnum):
    """Only an open draft can be edited; the other two are for good."""

    OPEN = "open"
    PUBLISHED = "published"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A named set of changes.

    ``version`` grows with every edit. Published: ``valid_from`` and the catalogue's ``revision`` say as what.
    """

    id: int
    name: str
    state: DraftState = DraftState.OPEN
    version: int = 1
    created_at: datetime
    changed_at: datetime
    valid_from: datetime | None = None
    revision: int | None = None
    changes: Changes = field(default_factory=dict)


def read_changes(document: object) -> Changes:
    """Check the outermost form of a draft document; what stands inside is found by validating.

    Refuses with: BadValue, naming the part.
    """
    if not isinstance(document, Mapping):
        raise BadValue("a draft is an object of parts, such as price_lists", field="changes")
    for part, entries in document.items():
        if part not in PARTS:
            raise BadValue(
                "{part!r} is no part of a draft; there is {listed}", part=part, listed=", ".join(PARTS), field="changes"
            )
        if not isinstance(entries, Mapping):
            raise BadValue("must be an object of names, each with what it will be, or null", field=f"changes.{part}")
        if "" in entries:
            raise BadValue("a name must not be empty", field=f"changes.{part}")
        for twice in getattr(entries, "twice", ()):
            raise BadValue("{twice!r} stands twice", twice=twice, field=f"changes.{part}")
    if _deeper(document, DEPTH_MAX):
        raise BadValue("is nested more than {depth_max} deep", depth_max=DEPTH_MAX, field="changes")
    try:
        json.dumps(document, allow_nan=False)
    except (ValueError, TypeError):
        raise BadValue("holds a number that JSON cannot write", field="changes") from None
    return document


def _deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return levels == 0 or any(_deeper(one, levels - 1) for one in inner if isinstance(one, Mapping | list))


def read_places(places: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read ``price_lists.gold`` as part and name. Refuses with: BadValue."""
    found = []
    for place in places:
        part, _, name = place.partition(".")
        if part not in PARTS or not name:
            raise BadValue("{place!r} is not of the form price_lists.gold", place=place, field="withdraw")
        found.append((part, name))
    return tuple(found)
