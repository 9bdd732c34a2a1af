"""Owners that are known by a trunk or by a prefix of addresses, where the number of an event finds nobody."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.contracts.identifiers import IdentifierKind, address_of, prefix

Places = NDArray[np.int32]
Held = tuple[int, int, int]  # since, until (µs, half-open), owner

# What else an owner is known by: the names of trunks, and prefixes of addresses; times are µs since the epoch.
ROUTES: Final = pl.Schema({"name": pl.String, "owner": pl.Int32, "valid_from": pl.Int64, "valid_to": pl.Int64})


def known_by(held: pl.DataFrame, kinds: pl.Series) -> dict[str, pl.DataFrame]:
    """Return assignments (columns as ``ROUTES``, the first of any name) as numbers, trunks and prefixes, by their kind.

    A trunk's name may stand where a number does, so it is among the numbers too; a prefix cannot.
    """
    routed = held.rename({held.columns[0]: "name"})
    return {
        "numbers": held.filter(kinds != IdentifierKind.IP.value),
        "trunks": routed.filter(kinds == IdentifierKind.TRUNK.value),
        "prefixes": routed.filter(kinds == IdentifierKind.IP.value),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """Trunks by name, and prefixes by version of the protocol, length and the bits of the network."""

    trunks: dict[str, list[Held]]
    prefixes: dict[tuple[int, int], dict[int, list[Held]]]

    @classmethod
    def of(cls, trunks: pl.DataFrame, prefixes: pl.DataFrame) -> Routes:
        """Index frames of ``ROUTES``."""
        by_name: dict[str, list[Held]] = defaultdict(list)
        for name, owner, since, until in trunks.select(ROUTES.names()).iter_rows():
            by_name[name].append((since, until, owner))
        by_bits: dict[tuple[int, int], dict[int, list[Held]]] = defaultdict(lambda: defaultdict(list))
        for name, owner, since, until in prefixes.select(ROUTES.names()).iter_rows():
            net = prefix(name)
            by_bits[net.version, net.prefixlen][int(net.network_address)].append((since, until, owner))
        return cls(dict(by_name), {key: dict(nets) for key, nets in by_bits.items()})

    def __bool__(self) -> bool:
        return bool(self.trunks or self.prefixes)

    def fill(self, found: Places, events: pl.DataFrame, subscription: NDArray[np.int64]) -> None:
        """Put owners in the place of -1: by the address that the number is, then by the trunk the event came over.

        An outgoing event came in over ``trunk_in``, an incoming one leaves over ``trunk_out``; either may be an
        address. Of a stored event that side is not kept but its ``subscription``, which stays its owner as long as it
        has any route then. ``subscription``: the key of each owner, ascending.
        """
        missing = np.flatnonzero(found < 0)
        if not len(missing):
            return
        out = pl.col("direction") != "in"
        side = [pl.when(out).then(pl.col("a")).otherwise(pl.col("b")).alias("line")]
        if {"trunk_in", "trunk_out"} <= set(events.columns):
            side.append(pl.when(out).then(pl.col("trunk_in")).otherwise(pl.col("trunk_out")).alias("trunk"))
        kept = [pl.col("subscription")] if "subscription" in events.columns else []
        for place, row in zip(missing.tolist(), events[missing].select(*side, *kept, "start").to_dicts(), strict=True):
            if (start := row["start"]) is None:
                continue
            owner = self._owner(row["line"], start, named=False)
            if owner < 0:
                owner = self._owner(row.get("trunk"), start, named=True)
            if owner < 0 and row.get("subscription") is not None:
                mine = int(np.searchsorted(subscription, row["subscription"]))
                owner = mine if self._has(mine, start) and subscription[mine] == row["subscription"] else -1
            found[place] = owner

    def _has(self, owner: int, start: int) -> bool:
        held = [one for rows in self.trunks.values() for one in rows]
        held += [one for nets in self.prefixes.values() for rows in nets.values() for one in rows]
        return any(of == owner and since <= start < until for since, until, of in held)

    def _owner(self, text: str | None, start: int, *, named: bool) -> int:
        if not text:
            return -1
        if named and (owner := _then(self.trunks.get(text, ()), start)) >= 0:
            return owner
        if not self.prefixes or (address := address_of(text)) is None:
            return -1
        there = ipaddress.ip_address(address)
        for (version, length), nets in self.prefixes.items():
            if version == there.version:
                spare = there.max_prefixlen - length
                owner = _then(nets.get(int(there) >> spare << spare, ()), start)
                if owner >= 0:
                    return owner
        return -1


def _then(held: Iterable[Held], start: int) -> int:
    return next((owner for since, until, owner in held if since <= start < until), -1)
