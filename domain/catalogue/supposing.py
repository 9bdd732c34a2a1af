"""A draft as it would be if its prices held already: for asking what they would have meant in the past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from domain.catalogue.draft import Changes
from domain.catalogue.reading import instant

_SELECTOR: Final = ("to", "from", "mode", "direction", "band", "zone")


def supposed(changes: Changes, until: datetime) -> Changes:
    """Return a draft whose prices that begin at ``until`` or later begin with the draft instead.

    Of several such prices for the same thing only the first to come is kept; so are prices that begin earlier.
    """
    lists = {name: _list(body, until) for name, body in changes.get("price_lists", {}).items()}
    return {**changes, "price_lists": lists} if lists else changes


def _list(body: object, until: datetime) -> object:
    if not isinstance(body, Mapping):
        return body
    return {
        key: _rates(value, until) if key in {"rates", "change"} and isinstance(value, list) else value
        for key, value in body.items()
    }


def _rates(rates: list[Any], until: datetime) -> list[Any]:
    kept: list[Any] = []
    coming: dict[tuple[str, ...], tuple[datetime, int]] = {}
    for rate in rates:
        begins = _begins(rate)
        if begins is None or begins < until:
            kept.append(rate)
            continue
        selector = tuple(str(rate.get(key)) for key in _SELECTOR)
        moved = {key: value for key, value in rate.items() if key not in {"valid_from", "valid_to"}}
        if selector not in coming:
            coming[selector] = (begins, len(kept))
            kept.append(moved)
        elif begins < coming[selector][0]:
            place = coming[selector][1]
            coming[selector] = (begins, place)
            kept[place] = moved
    return kept


def _begins(rate: object) -> datetime | None:
    """Return when a rate begins; None where it does not say, or says no time (which validating finds)."""
    if not isinstance(rate, Mapping) or rate.get("valid_from") is None:
        return None
    try:
        return instant(rate["valid_from"])
    except ValueError:
        return None
