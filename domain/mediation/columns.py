"""A profile's names over a piece's text columns: fields, keys and conditions."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from domain.mediation.profile import Conditions, Profile
from domain.refusal import BadValue

_BEGINS: Final = re.compile(r"\^([A-Za-z0-9/_@ -]+)")


class Columns:
    """The profile's names over a piece's text columns: a field's column, its first alternative with a value, or ''."""

    def __init__(self, records: pl.DataFrame, profile: Profile) -> None:
        self.records = records
        self.profile = profile
        self._present = set(records.columns)
        self._fields: dict[str, pl.Series | None] = {}
        self._joined: dict[tuple[str, ...], pl.Series] = {}

    def named(self, names: tuple[str, ...]) -> pl.Series | None:
        """Return the first column that exists, its empty values filled from the next that does; ``=text`` constant."""
        found: pl.Series | None = None
        for name in names:
            if name.startswith("="):
                one = pl.repeat(name[1:], self.records.height, dtype=pl.String, eager=True)
            elif name in self._present:
                one = self.records[name]
            else:
                continue
            if found is None:
                found = one
            elif (empty := found == "").any():
                found = one.zip_with(empty, found)
            if not (found == "").any():
                break
        return found

    def field(self, name: str) -> pl.Series | None:
        """Return a mapped field's texts, or None where the source has none."""
        if name not in self._fields:
            self._fields[name] = self.named(self.profile.map.get(name, ()))
        return self._fields[name]

    def joined(self, keys: tuple[str, ...]) -> pl.Series:
        """Return key columns joined by ``/``; ``one|other`` is the first of them with a value."""
        if keys not in self._joined:
            self._joined[keys] = self._together(keys)
        return self._joined[keys]

    def _together(self, keys: tuple[str, ...]) -> pl.Series:
        parts = [part for key in keys if (part := self.named(tuple(key.split("|")))) is not None]
        if not parts:
            return pl.repeat("", self.records.height, dtype=pl.String, eager=True)
        if len(parts) == 1:
            return parts[0]
        return pl.select(pl.concat_str(parts, separator="/")).to_series()

    def where(self, alternatives: tuple[Conditions, ...]) -> pl.Series | None:
        """Return where any of the alternatives holds; None where no column of any of them exists."""
        found: pl.Series | None = None
        for conditions in alternatives:
            if any(column not in self._present for column, _ in conditions):
                continue
            one: pl.Series | None = None
            for column, test in conditions:
                values = self.records[column]
                held = _held(values, test) if isinstance(test, str) else values.is_in(list(test))
                one = held if one is None else one & held
            if one is not None:
                found = one if found is None else found | one
        return found


def _held(values: pl.Series, pattern: str) -> pl.Series:
    """Return where an expression is found; most are no more than the words that a text begins with."""
    if (begins := _BEGINS.fullmatch(pattern)) is not None:
        return values.str.starts_with(begins[1])
    return values.str.contains(pattern)


def check_columns(columns: set[str], profile: Profile) -> None:
    """Refuse a profile whose own map names columns that the file does not have. Refuses with: BadValue."""
    for field in sorted(path.removeprefix("map.") for path in profile.own if path.startswith("map.")):
        names = profile.map.get(field, ())
        if names and not any(name.startswith(("=", "_")) or name in columns for name in names):
            known = " ".join(sorted(name for name in columns if not name.startswith("_")))
            raise BadValue(
                "profile {name}: map.{name_of_field} names no column of the file; it has {known}",
                name=profile.name,
                name_of_field=field,
                known=known,
            )
