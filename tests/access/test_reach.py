"""Whom somebody acts for: his own reseller, and no more than the part that his level limits him to."""

from __future__ import annotations

from typing import Any

import pytest

from domain.ids import ResellerId
from domain.resellers.reseller import narrowest

NORTH, EAST, SOUTH = ResellerId(1), ResellerId(3), ResellerId(2)
TREE: dict[Any, tuple[ResellerId, ...]] = {None: (), NORTH: (NORTH, EAST), EAST: (EAST,), SOUTH: (SOUTH,)}


@pytest.mark.parametrize(
    ("own", "limited", "whose", "reached"),
    [
        (None, None, None, ()),
        (NORTH, None, NORTH, (NORTH, EAST)),
        (None, NORTH, NORTH, (NORTH, EAST)),
        (NORTH, EAST, EAST, (EAST,)),
        (NORTH, NORTH, NORTH, (NORTH, EAST)),
        (NORTH, SOUTH, NORTH, ()),
        (EAST, NORTH, EAST, ()),
    ],
)
def test_a_limit_never_widens(
    own: ResellerId | None, limited: ResellerId | None, whose: ResellerId | None, reached: tuple[ResellerId, ...]
) -> None:
    assert narrowest(own, TREE[own], limited, TREE[limited]) == (whose, reached)
