"""What somebody proposes for a catalogue that stands: a new list, or new rates of one.

Checked alone (:func:`check_rate`, :func:`check_head`) and then in its place among the others, by the same checks that a
whole document meets. A fault is a refusal that names the field of the proposal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.catalogue.checking import check
from domain.catalogue.price_reading import PERCENT_MAX
from domain.catalogue.reading import Fault, joined
from domain.catalogue.tariff import PriceList, Rate, Tariff
from domain.money import INT64_MAX, currency
from domain.refusal import BadValue

NAME_MAX = 100
RATES_MAX = 10_000
_RATE = re.compile(r"rates\[(\d+)\]")


def check_head(price_list: PriceList) -> None:
    """Check a list without its rates. Refuses with: BadValue, naming the field."""
    if not price_list.name.strip() or len(price_list.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    if price_list.currency is None and price_list.parent is None:
        raise BadValue("a list without a parent needs a currency", field="currency")
    if price_list.currency is not None:
        currency(price_list.currency)
    if price_list.zone is not None:
        try:
            ZoneInfo(price_list.zone)
        except (ValueError, OSError, KeyError):
            raise BadValue("{zone!r} is not an IANA time zone", zone=price_list.zone, field="zone") from None
    if price_list.band_policy not in {None, "at_start", "split"}:
        raise BadValue("a band policy is at_start or split", field="bandPolicy")
    if price_list.rounding is not None and not 0 <= price_list.rounding.decimals <= 6:
        raise BadValue("amounts are rounded to 0 to 6 decimals", field="rounding.decimals")


def check_rates(rates: Sequence[Rate]) -> None:
    """Check each rate by itself. Refuses with: BadValue, naming the field."""
    if len(rates) > RATES_MAX:
        raise BadValue(
            "at most {rates_max} rates at a time; import a tariff document for more", rates_max=RATES_MAX, field="rates"
        )
    for index, rate in enumerate(rates):
        _check_rate(rate, f"rates.{index}")


def check_in_place(outline: Tariff, price_list: PriceList) -> None:
    """Check a list with its proposed rates among the others of a catalogue (``Catalogue.outline``).

    Refuses with: BadValue, naming the field of the proposal.
    """
    faults: list[Fault] = []
    check(replace(outline, price_lists={**outline.price_lists, price_list.name: price_list}), faults)
    here = joined("$.price_lists", price_list.name)
    for fault in faults:
        if fault.path.startswith(f"{here}."):
            raise BadValue(fault.message, field=_RATE.sub(r"rates.\1", fault.path.removeprefix(f"{here}.")))


def _check_rate(rate: Rate, path: str) -> None:
    if not rate.to or not rate.mode or max(len(rate.to), len(rate.mode)) > NAME_MAX:
        raise BadValue("a rate says to where and for which mode", field=f"{path}.{'mode' if rate.to else 'to'}")
    if rate.direction not in {"out", "in"}:
        raise BadValue("a direction is out or in", field=f"{path}.direction")
    for name, value, least in (
        ("setup", rate.setup, 0),
        ("grace", rate.grace, 0),
        ("minCharge", rate.min_charge, 0),
        ("maxCharge", rate.max_charge, 0),
        ("first", rate.first, 1),
    ):
        if value is not None and not least <= value <= INT64_MAX:
            raise BadValue("must be {least} to 2^63 - 1 (prices in 10⁻⁹)", least=least, field=f"{path}.{name}")
    for name, at in (("validFrom", rate.valid_from), ("validTo", rate.valid_to)):
        if isinstance(at, datetime) and at.tzinfo is None:
            raise BadValue("a time needs an offset, such as +01:00", field=f"{path}.{name}")
    if rate.valid_from is not None and rate.valid_to is not None and rate.valid_to <= rate.valid_from:
        raise BadValue("a rate must end after it starts", field=f"{path}.validTo")
    if rate.adjust is None:
        _check_steps(rate, path)
    else:
        _check_adjustment(rate, path)


def _check_steps(rate: Rate, path: str) -> None:
    if not rate.steps:
        raise BadValue("a rate has steps, unless it adjusts", field=f"{path}.steps")
    for index, step in enumerate(rate.steps):
        field = f"{path}.steps.{index}"
        if step.price < 0 or step.per < 1 or step.next < 1 or step.next > INT64_MAX:
            raise BadValue("a price is not negative, and next and per are at least 1", field=field)
        if step.price * step.per > INT64_MAX or step.per > INT64_MAX:
            raise BadValue("price times per passes 2^63 nano-units; price a smaller quantity", field=f"{field}.price")
        least = 0 if index == 0 else rate.steps[index - 1].start + 1
        if not least <= step.start <= (0 if index == 0 else INT64_MAX):
            raise BadValue("the first step starts at 0 and each later one after the one before", field=f"{field}.from")


def _check_adjustment(rate: Rate, path: str) -> None:
    assert rate.adjust is not None
    plain = Rate(to=rate.to, mode=rate.mode)
    prices = ("setup", "grace", "min_charge", "max_charge", "first", "steps")
    if any(getattr(rate, name) != getattr(plain, name) for name in prices):
        raise BadValue("an adjustment has no prices of its own", field=f"{path}.adjust")
    percent, amount = rate.adjust.percent, rate.adjust.amount
    if (percent is None) == (amount is None):
        raise BadValue("an adjustment holds either percent or amount", field=f"{path}.adjust")
    if abs(percent or 0) > PERCENT_MAX or abs(amount or 0) > INT64_MAX:
        raise BadValue("the adjustment is too large", field=f"{path}.adjust")
