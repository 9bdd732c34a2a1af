"""What a rate sheet would change in a list: new, changed, ended and suspicious prices, and the draft that does it.

A sheet cuts the world as its supplier does. A prefix goes to the catalogue's destination that holds it, or the longest
one above it; what no destination holds becomes a new one under the sheet's name. Where several of a sheet's prices fall
on one destination the dearest is taken, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from domain.catalogue.rate_sheet import SheetPrice
from domain.catalogue.tariff import ANY, GROUP, PriceList, Rate, Step, Tariff
from domain.catalogue.versions import bare
from domain.catalogue.writing import write_tariff
from domain.refusal import BadValue

KINDS: Final = ("new", "changed", "same", "ended")
FINER_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Which list, and how. ``full``: what the sheet leaves out ends. ``suspicious``: over ± so many per cent."""

    price_list: str
    currency: str | None = None
    mode: str = "voice"
    direction: str = "out"
    per: int = 60
    full: bool = False
    suspicious: Decimal = Decimal(20)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One destination's price as it was and will be; ``percent`` of change; ``note``: what a person should know."""

    kind: str
    destination: str
    row: int | None
    old: Rate | None
    new: Rate | None
    percent: Decimal | None = None
    suspicious: bool = False
    note: str = ""


@dataclass(slots=True)
class Preview:
    """Every line, the counts by kind, and the changes for a draft."""

    lines: list[PriceLine] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)


def preview(tariff: Tariff, prices: Sequence[SheetPrice], terms: Terms) -> Preview:
    """Compare a sheet with its list. Refuses with: BadValue (a new list needs a currency; a list that is not in it)."""
    standing = tariff.price_lists.get(terms.price_list)
    if standing is None and terms.currency is None:
        raise BadValue(
            "there is no price list {price_list!r} yet: a new one needs a currency",
            price_list=terms.price_list,
            field="currency",
        )
    if standing is not None and terms.currency not in {None, tariff.inherited(terms.price_list).currency}:
        raise BadValue(
            "the list {price_list} is not in {currency}",
            price_list=terms.price_list,
            currency=terms.currency,
            field="currency",
        )
    placed, destinations = _placed(tariff, prices, terms)
    made = Preview(counts=dict.fromkeys((*KINDS, "suspicious"), 0))
    known = _known(standing, terms)
    change: list[Rate] = []
    for name, moments in placed.items():
        for moment in sorted(moments):
            new, row, note = _dearest(moments[moment], name, terms, moment)
            note = "; ".join(filter(None, (note, _finer(tariff, name, moments[moment]))))
            old = _holding(known.get(name, ()), moment)
            line = _line(old, new, row, note, terms)
            made.lines.append(line)
            if line.kind != "same":
                change.append(new)
    gone = sorted(set(known) - set(placed)) if terms.full else []
    for name in gone:
        old = _holding(known[name], terms.at)
        if old is not None:
            made.lines.append(PriceLine(kind="ended", destination=name, row=None, old=old, new=None))
    for line in made.lines:
        made.counts[line.kind] += 1
        made.counts["suspicious"] += line.suspicious
    made.changes = _changes(destinations, change, gone, standing, terms)
    return made


def _placed(
    tariff: Tariff, prices: Sequence[SheetPrice], terms: Terms
) -> tuple[dict[str, dict[datetime, list[SheetPrice]]], dict[str, dict[str, Any]]]:
    """Return the prices by destination and moment, and the destinations that are new or grow, as a draft puts them."""
    owners = {
        prefix: one.name
        for one in tariff.destinations.values()
        if one.valid_to is None or one.valid_to > terms.at
        for prefix in one.prefixes
    }
    placed: dict[str, dict[datetime, list[SheetPrice]]] = {}
    sheet: dict[str, list[SheetPrice]] = {}
    fresh: dict[str, dict[str, list[SheetPrice]]] = {}
    for price in prices:
        for prefix in price.prefixes:
            sheet.setdefault(prefix, []).append(price)
            owner = _above(owners, prefix)
            if owner is None:
                fresh.setdefault(price.destination, {}).setdefault(prefix, []).append(price)
            else:
                placed.setdefault(owner, {}).setdefault(price.valid_from or terms.at, []).append(price)
    for prefix, name in owners.items() if terms.full else ():
        if name not in placed:
            for price in _above(sheet, prefix) or ():
                placed.setdefault(name, {}).setdefault(price.valid_from or terms.at, []).append(price)
    destinations: dict[str, dict[str, Any]] = {}
    for name, prefixes in fresh.items():
        for own, held in _split(tariff, name, prefixes, destinations):
            for found in held.values():
                for price in found:
                    placed.setdefault(own, {}).setdefault(price.valid_from or terms.at, []).append(price)
    return placed, destinations


def _above(known: Mapping[str, Any], prefix: str) -> Any:
    """Return what the longest beginning of a prefix leads to, or None."""
    for length in range(len(prefix), 0, -1):
        if prefix[:length] in known:
            return known[prefix[:length]]
    return None


def _split(
    tariff: Tariff, name: str, prefixes: Mapping[str, list[SheetPrice]], destinations: dict[str, dict[str, Any]]
) -> list[tuple[str, Mapping[str, list[SheetPrice]]]]:
    """Make of a sheet's name one destination for each of its prices; put them among ``destinations``."""
    named = "Any" if name == ANY else name.removeprefix(GROUP)
    alike: dict[Any, dict[str, list[SheetPrice]]] = {}
    for prefix, found in prefixes.items():
        alike.setdefault(tuple((p.price, p.setup, p.first, p.next, p.valid_from) for p in found), {})[prefix] = found
    made: list[tuple[str, Mapping[str, list[SheetPrice]]]] = []
    standing = tariff.destinations.get(named)
    if standing is not None:
        grown = [*standing.prefixes, *sorted(prefixes)]
        body = write_tariff(Tariff(destinations={named: standing}))["destinations"][named]
        destinations[named] = {**body, "prefixes": grown}
        return [(named, prefixes)]
    for place, held in enumerate(alike.values()):
        own = named if place == 0 else f"{named} {min(held)}"
        destinations[own] = {"prefixes": sorted(held)}
        made.append((own, held))
    return made


def _known(standing: PriceList | None, terms: Terms) -> dict[str, list[Rate]]:
    """Return the list's rates to destinations in the sheet's mode, for the home network, without bands."""
    known: dict[str, list[Rate]] = {}
    for rate in standing.rates if standing else ():
        plain = (rate.origin, rate.band, rate.zone) == (None, None, None) and rate.to != ANY
        plain = plain and not rate.to.startswith(GROUP)
        if plain and (rate.mode, rate.direction) == (terms.mode, terms.direction):
            known.setdefault(rate.to, []).append(rate)
    return known


def _holding(rates: Sequence[Rate], at: datetime) -> Rate | None:
    for rate in rates:
        if (rate.valid_from is None or rate.valid_from <= at) and (rate.valid_to is None or rate.valid_to > at):
            return rate
    return None


def _dearest(found: Sequence[SheetPrice], name: str, terms: Terms, at: datetime) -> tuple[Rate, int, str]:
    one = max(found, key=lambda price: (price.price, price.setup, price.first, price.next))
    others = {(price.price, price.setup, price.first, price.next) for price in found}
    note = f"the dearest of {len(others)} prices in the sheet" if len(others) > 1 else ""
    rate = Rate(
        to=name,
        mode=terms.mode,
        direction=terms.direction,
        setup=one.setup,
        first=one.first,
        min_charge=one.minimum,
        steps=(Step(next=one.next, price=one.price, per=terms.per),),
        valid_from=at,
        valid_to=one.valid_to,
    )
    return rate, one.row, note


def _finer(tariff: Tariff, name: str, found: Sequence[SheetPrice]) -> str:
    """Say that a whole destination gets a price which the sheet gives for some of it alone."""
    standing = tariff.destinations.get(name)
    sheet = {prefix for price in found for prefix in price.prefixes}
    left = [
        prefix for prefix in (standing.prefixes if standing else ()) if not _above(dict.fromkeys(sheet, True), prefix)
    ]
    finer = sorted(prefix for prefix in sheet if any(prefix != one and prefix.startswith(one) for one in left))
    if not finer:
        return ""
    some = ", ".join(finer[:FINER_SHOWN]) + (", …" if len(finer) > FINER_SHOWN else "")
    return f"the sheet prices {some} alone, and the price will hold for all of {', '.join(left[:FINER_SHOWN])}"


def _line(old: Rate | None, new: Rate, row: int, note: str, terms: Terms) -> PriceLine:
    fields: dict[str, Any] = {"destination": new.to, "row": row, "old": old, "new": new}
    if old is None:
        return PriceLine(kind="new", suspicious=new.steps[0].price == 0, note=note, **fields)
    if old.adjust is not None:
        return PriceLine(kind="changed", suspicious=True, note=note or "was an adjustment", **fields)
    before, after = _unit(old), _unit(new)
    same = bare(old).steps == new.steps and _apart(old) == _apart(new)
    percent = None if before == 0 else _per_cent((after - before) / before)
    odd = percent is None or abs(percent) > terms.suspicious or after == 0
    return PriceLine(
        kind="same" if same else "changed", percent=percent, suspicious=not same and odd, note=note, **fields
    )


def _unit(rate: Rate) -> Fraction:
    return Fraction(rate.steps[0].price, rate.steps[0].per)


def _per_cent(ratio: Fraction) -> Decimal:
    return (Decimal(round(ratio * 10_000)) / 100).quantize(Decimal("0.01"))


def _apart(rate: Rate) -> tuple[Any, ...]:
    return rate.setup, rate.first, rate.grace, rate.min_charge, rate.max_charge, rate.valid_to


def _changes(
    destinations: dict[str, dict[str, Any]],
    change: Sequence[Rate],
    gone: Sequence[str],
    standing: PriceList | None,
    terms: Terms,
) -> dict[str, dict[str, Any]]:
    written = write_tariff(Tariff(price_lists={"l": PriceList(name="l", rates=tuple(change))}))
    rates = written["price_lists"]["l"].get("rates", [])
    changes: dict[str, dict[str, Any]] = {"destinations": destinations} if destinations else {}
    if standing is None:
        changes["price_lists"] = {terms.price_list: {"currency": terms.currency, "rates": rates}}
    elif change or gone:
        end = [{"to": name, "mode": terms.mode, "direction": terms.direction} for name in gone]
        changes["price_lists"] = {terms.price_list: {"change": rates, "end": end}}
    return changes
