"""A reseller and the chain of tiers above one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import OperatorId, ResellerId
from domain.refusal import BadValue

TIERS_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Reseller:
    """One node of the tree. ``price_list`` names the wholesale list he buys at; None: no wholesale level for him."""

    id: ResellerId
    operator: OperatorId
    code: str
    name: str
    parent: ResellerId | None = None
    price_list: str | None = None


def check(reseller: Reseller) -> Reseller:
    """Return the reseller. Refuses with: BadValue, naming the field."""
    if not reseller.code.strip() or len(reseller.code) > 40:
        raise BadValue("a code has 1 to 40 characters", field="code")
    if not reseller.name.strip() or len(reseller.name) > 200:
        raise BadValue("a name has 1 to 200 characters", field="name")
    return reseller


def tiers(reseller: ResellerId | None, tree: Mapping[ResellerId, Reseller]) -> tuple[Reseller, ...]:
    """Return the resellers from the outermost tier down to ``reseller``; empty for the operator's own customers."""
    chain: list[Reseller] = []
    while reseller is not None:
        assert len(chain) < TIERS_MAX, "the reseller tree has a cycle or is too deep"
        node = tree[reseller]
        chain.append(node)
        reseller = node.parent
    return tuple(reversed(chain))


def subtree(root: ResellerId, tree: Mapping[ResellerId, Reseller]) -> tuple[ResellerId, ...]:
    """Return ``root`` and everyone below him, himself first."""
    return tuple(
        sorted((key for key in tree if any(tier.id == root for tier in tiers(key, tree))), key=lambda key: key != root)
    )
