"""An explanation as English text that a person can check with a pocket calculator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from domain.catalogue.tariff import unit_of
from domain.money import MICRO, NANO
from domain.rating.answers import short
from domain.rating.explanation import Explanation, LevelExplained

_REFUSED = {
    "no_rate": "no list on the chain has a rate that matches: unrated (no_rate)",
    "overflow": "the amount is beyond what an event may cost: unrated (overflow)",
}


def text(explanation: Explanation) -> str:
    """Tell an explanation, a line for each fact."""
    return "\n".join(_lines(explanation))


def _lines(explained: Explanation) -> Iterator[str]:
    event = explained.event
    what = f"{event.mode} {event.direction}, {event.used} {unit_of(event.mode)}"
    yield f"Event {event.id or '(no id)'}: {what} from {event.start}"
    if event.offset:
        yield f"  a later part of a call: {event.offset} {unit_of(event.mode)} were rated before"
    if explained.status == "no_party":
        yield f"  party {event.party!r} is not known: unrated (no_party)"
        return
    yield f"  party: {event.party}"
    to = explained.destination or "none"
    yield f"  B-number {event.b}: destination {to} ({explained.how})"
    if explained.status == "no_destination":
        yield "  unrated (no_destination)"
        return
    for level in explained.levels:
        yield from _level(level, unit_of(event.mode))
    yield from _margins(explained.levels)


def _level(level: LevelExplained, unit: str) -> Iterator[str]:
    tier = f" tier {level.tier}" if level.tier else ""
    yield f"{level.level.capitalize()}{tier}, {level.currency or 'no currency'}, clock {level.zone}"
    for place, considered in enumerate(level.considered, 1):
        verb = "decides" if considered.decided and considered.rate and not considered.rate.adjust else "adjusts"
        yield f"  {place}. list {considered.price_list}: {verb + ': ' if considered.decided else ''}{considered.why}"
    if level.status != "rated":
        yield f"  {_REFUSED[level.status]}"
        return
    if level.overage:
        yield f"  the buckets are empty: list {level.overage} prices what they could not give"
    yield f"  billed: {level.billed} {unit}" + (f", after {level.before} of earlier parts" if level.before else "")
    if level.billed == 0:
        yield f"  nothing to bill (grace {level.grace}): 0"
    for part in level.buckets:
        if part.unit != "money":
            yield f"  bucket {part.bucket} gives {part.amount} {part.unit}, {part.left} are left"
    yield from _charge(level)
    for effect in level.rings:
        after = short(effect.before + effect.change, NANO)
        yield (
            f"  ring {effect.ring}: {short(effect.before, NANO)} becomes {after} "
            f"({short(effect.change, NANO)}; its share is {short(effect.share, MICRO)})"
        )
    yield f"  rounded to {level.decimals} decimals, {level.mode}: {short(level.rounded, MICRO)}"
    for part in level.buckets:
        if part.unit == "money":
            yield f"  bucket {part.bucket} pays {short(part.amount, MICRO)}, {short(part.left, MICRO)} is left"
    yield f"  = {short(level.amount, MICRO)} {level.currency}"


def _charge(level: LevelExplained) -> Iterator[str]:
    for piece in level.segments:
        units, band = piece.end - piece.begin, f", band {piece.band}" if piece.band else ""
        yield (
            f"  units {piece.begin} to {piece.end} at list {piece.price_list}{band}: "
            f"{short(piece.price, NANO)} × {units} ÷ {piece.per} = {short(piece.amount, NANO)}"
        )
    if level.setup:
        yield f"  setup {short(level.setup, NANO)}"
    if level.limit:
        yield f"  the {level.limit} charge holds"
    if level.earlier:
        yield f"  less what earlier parts were charged: {short(level.earlier, NANO)}"
    if level.segments:
        yield f"  charge: {short(level.charge, NANO)}"


def _margins(levels: tuple[LevelExplained, ...]) -> Iterator[str]:
    """Tell each level's margin over the one below it, where both are priced in one currency."""
    order = [*(x for x in levels if x.level == "cost"), *(x for x in levels if x.level == "wholesale")]
    order += [x for x in levels if x.level == "retail"]
    for below, above in pairwise(order):
        if below.status == above.status == "rated":
            names = f"{above.level}{f' tier {above.tier}' if above.tier else ''} over {below.level}"
            if above.currency == below.currency:
                yield f"Margin of {names}: {short(above.amount - below.amount, MICRO)} {above.currency}"
            else:
                yield f"Margin of {names}: needs the day's rate of {below.currency} to {above.currency}"
