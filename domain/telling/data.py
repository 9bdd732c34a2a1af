"""An explanation as JSON data. Every amount is the text of an exact decimal in its level's currency.

The form is described in docs/explanation.md and kept stable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.catalogue.tariff import PriceList, Rate, Tariff, unit_of
from domain.catalogue.writing import write_tariff
from domain.money import MICRO, NANO, plain
from domain.rating.explanation import Considered, Explanation, LevelExplained, Margin
from domain.telling.language import LANGUAGES, Language
from domain.telling.text import reason


def data(explanation: Explanation, language: Language = LANGUAGES["en"]) -> dict[str, Any]:
    """Return an explanation as JSON data; ``why`` of each list is a sentence of the language."""
    event, located = explanation.event, explanation.located
    return {
        "status": explanation.status,
        "detail": explanation.detail,
        "event": {
            "id": event.id,
            "party": event.party,
            "mode": event.mode,
            "direction": event.direction,
            "a": event.a,
            "b": event.b,
            "trunk": event.trunk,
            "visited": event.visited,
            "start": event.start.isoformat(),
            "used": event.used,
            "offset": event.offset,
            "unit": unit_of(event.mode),
        },
        "destination": located.destination,
        "how": located.how.value,
        "prefix": located.prefix,
        "ported_since": _time(located.since),
        "levels": [_level(level, explanation, language) for level in explanation.levels],
        "margins": [_margin(margin) for margin in explanation.margins],
    }


def written_rate(rate: Rate | None) -> dict[str, Any] | None:
    """Return a rate version as a tariff document writes it, with its key and when it became known."""
    if rate is None:
        return None
    document = write_tariff(Tariff(price_lists={"-": PriceList(name="-", rates=(rate,))}))
    written: dict[str, Any] = document["price_lists"]["-"]["rates"][0]
    valid = {"valid_from": _time(rate.valid_from), "valid_to": _time(rate.valid_to)}
    return {**written, **valid, "recorded_at": _time(rate.recorded_at), "version": rate.id or None}


def _level(level: LevelExplained, explanation: Explanation, language: Language) -> dict[str, Any]:
    return {
        "level": level.level,
        "tier": level.tier or None,
        "status": level.status,
        "currency": level.currency,
        "zone": level.zone,
        "considered": [_considered(one, level, explanation, language) for one in level.considered],
        "price_list": level.price_list,
        "band": level.band,
        "rate": written_rate(level.rate),
        "billed": level.billed,
        "billed_before": level.before,
        "grace": level.grace,
        "from_buckets": level.taken,
        "overage": level.overage,
        "segments": [
            {
                "from": piece.begin,
                "to": piece.end,
                "units": piece.end - piece.begin,
                "price_list": piece.price_list,
                "band": piece.band,
                "price": plain(piece.price, NANO),
                "per": piece.per,
                "amount": plain(piece.amount, NANO),
            }
            for piece in level.segments
        ],
        "setup": plain(level.setup, NANO),
        "limit": level.limit,
        "earlier_parts": plain(level.earlier, NANO),
        "charge": plain(level.charge, NANO),
        "rings": [
            {
                "ring": effect.ring,
                "before": plain(effect.before, NANO),
                "change": plain(effect.change, NANO),
                "share": plain(effect.share, MICRO),
            }
            for effect in level.rings
        ],
        "rounding": {"decimals": level.decimals, "mode": level.mode},
        "rounded": plain(level.rounded, MICRO),
        "buckets": [
            {
                "bucket": part.bucket,
                "unit": part.unit,
                "amount": plain(part.amount, MICRO) if part.unit == "money" else str(part.amount),
                "left": plain(part.left, MICRO) if part.unit == "money" else str(part.left),
            }
            for part in level.buckets
        ],
        "amount": plain(level.amount, MICRO) if level.status == "rated" else None,
    }


def _considered(one: Considered, level: LevelExplained, explanation: Explanation, language: Language) -> dict[str, Any]:
    event = explanation.event
    return {
        "price_list": one.price_list,
        "decided": one.decided,
        "verdict": one.verdict.value,
        "why": reason(one, event.mode, event.direction, level.zone, language),
        "matching": one.matching,
        "rate": written_rate(one.rate),
    }


def _margin(margin: Margin) -> dict[str, Any]:
    return {
        "of": {"level": margin.above[0], "tier": margin.above[1] or None},
        "over": {"level": margin.below[0], "tier": margin.below[1] or None},
        "currency": margin.currency,
        "amount": None if margin.amount is None else plain(margin.amount, MICRO),
        "exchange": None
        if margin.price_told is None
        else {"currency": margin.other, "price": format(margin.price_told, "f")},
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
