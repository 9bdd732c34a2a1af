"""The conditions that rings and buckets have in common, compiled: modes, destinations and zones, any of which holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from domain.catalogue.tariff import ANY, GROUP, HOME, Tariff
from domain.rating import layout as at
from domain.rating.layout import member_rows
from domain.rating.list_parts import Naming

Names: TypeAlias = tuple[str, ...] | None


class Conditions:
    """Distinct conditions, each a row of bits once; a condition that is None is -1 and holds always."""

    def __init__(self, tariff: Tariff, naming: Naming, countries: Mapping[str, int]) -> None:
        self._tariff = tariff
        self._naming = naming
        self._countries = countries
        self._modes = _Rows(len(naming.modes), self._of_modes)
        self._to = _Rows(len(naming.destinations) + 1, self._of_destinations)
        self._zones = _Rows(len(countries) + 2, self._of_zones)

    def rows(self, modes: Names, to: Names, zones: Names) -> tuple[int, int, int]:
        """Return the rows of the three conditions of a ring or a bucket."""
        return self._modes.row(modes), self._to.row(to), self._zones.row(zones)

    def arrays(self) -> tuple[at.Int64s, at.Int64s, at.Int64s]:
        """Return the membership tables of modes, destinations and zones."""
        return self._modes.array(), self._to.array(), self._zones.array()

    def _of_modes(self, names: tuple[str, ...]) -> list[int]:
        """Return the modes that the book knows; no event of it has another."""
        return [self._naming.modes[name] for name in names if name in self._naming.modes]

    def _of_destinations(self, names: tuple[str, ...]) -> list[int]:
        """Return the destinations; ``*`` also meets an event without one (the last column)."""
        naming = self._naming
        found: set[int] = set()
        for name in names:
            if name == ANY:
                found.update(range(len(naming.destinations) + 1))
            elif name.startswith(GROUP):
                found.update(naming.members[naming.groups[name.removeprefix(GROUP)]])
            else:
                found.add(naming.destinations[name])
        return sorted(found)

    def _of_zones(self, names: tuple[str, ...]) -> list[int]:
        """Return the columns: 0 home, 1 + country, the last any other country."""
        found: set[int] = set()
        for name in names:
            if name == ANY:
                found.update(range(len(self._countries) + 2))
            elif name == HOME:
                found.add(0)
            else:
                found.update(1 + self._countries[country] for country in self._tariff.zones[name].countries)
        return sorted(found)


class _Rows:
    """Conditions of one kind. ``members``: the columns that a condition's names stand for."""

    def __init__(self, width: int, members: Callable[[tuple[str, ...]], list[int]]) -> None:
        self._width = width
        self._members = members
        self._found: dict[tuple[str, ...], int] = {}
        self._rows: list[list[int]] = []

    def row(self, names: Names) -> int:
        if names is None:
            return -1
        if names not in self._found:
            self._found[names] = len(self._rows)
            self._rows.append(self._members(names))
        return self._found[names]

    def array(self) -> at.Int64s:
        return member_rows(self._rows, self._width)
