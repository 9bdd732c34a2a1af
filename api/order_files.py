"""Orders as JSON, for files that are written from the command line: read with every fault named by its place."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar, get_type_hints

from domain.commands import camel
from domain.payments.orders import Ask, Batch, Creditor, Debit, MandateRequest, Payout
from domain.refusal import BadValue, Unreadable

ORDERS_MAX: Final = 200_000
T = TypeVar("T")


def read_batch(data: bytes) -> Batch:
    """Read ``{"creditor": {...}, "number": 1, "madeAt": "...", "debits": [...], "requests": [...], "payouts": [...]}``.

    Fields are named as in the API. Refuses with: Unreadable (not JSON), BadValue, naming the field.
    """
    try:
        told = json.loads(data, parse_float=Decimal)
    except ValueError as wrong:
        raise Unreadable("not JSON: {wrong}", wrong=wrong) from None
    if not isinstance(told, dict):
        raise BadValue("orders are one JSON object", field="")
    known = {"creditor", "number", "madeAt", "debits", "requests", "payouts"}
    if unknown := sorted(told.keys() - known):
        raise BadValue("no field {name!r}; there are {listed}", name=unknown[0], listed=", ".join(sorted(known)))
    number = told.get("number", 1)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number < 10**7:
        raise BadValue("a file's number is from 1 to 9999999", field="number")
    return Batch(
        creditor=_read(Creditor, told.get("creditor", {}), "creditor"),
        number=number,
        made_at=_moment(told.get("madeAt"), "madeAt"),
        debits=_several(Debit, told, "debits"),
        requests=_several(MandateRequest, told, "requests"),
        payouts=_several(Payout, told, "payouts"),
    )


def _several(kind: type[T], told: Mapping[str, Any], name: str) -> tuple[T, ...]:
    every = told.get(name, [])
    if not isinstance(every, list) or len(every) > ORDERS_MAX:
        raise BadValue("it is a list of {most} at most", most=ORDERS_MAX, field=name)
    return tuple(_read(kind, one, f"{name}.{index}") for index, one in enumerate(every))


def _read(kind: type[T], told: Any, place: str) -> T:
    if not isinstance(told, dict):
        raise BadValue("it is a JSON object", field=place)
    hints = get_type_hints(kind)
    named = {camel(one.name): one for one in fields(kind)}  # type: ignore[arg-type]  # each is a dataclass
    if unknown := sorted(told.keys() - named.keys()):
        raise BadValue("no field {name!r}; there are {listed}", name=unknown[0], listed=", ".join(named), field=place)
    values: dict[str, Any] = {}
    for name, one in named.items():
        if name in told:
            values[one.name] = _value(hints[one.name], told[name], f"{place}.{name}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise BadValue("it is missing", field=f"{place}.{name}")
    return kind(**values)


def _value(hint: Any, told: Any, place: str) -> Any:
    if told is None and type(None) in getattr(hint, "__args__", ()):
        return None
    if hint is Decimal:
        try:
            return Decimal(str(told))
        except InvalidOperation:
            raise BadValue("{told!r} is no amount such as 125.50", told=told, field=place) from None
    if "date" in str(hint):
        try:
            return dt.date.fromisoformat(told)
        except (TypeError, ValueError):
            raise BadValue("{told!r} is no date such as 2026-12-01", told=told, field=place) from None
    if hint is bool:
        if not isinstance(told, bool):
            raise BadValue("it is true or false", field=place)
        return told
    if hint is Ask:
        if told not in set(Ask):
            raise BadValue("it is one of {listed}", listed=", ".join(Ask), field=place)
        return Ask(told)
    if "tuple" in str(hint):
        if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
            raise BadValue("it is a list of texts", field=place)
        return tuple(told)
    if not isinstance(told, str):
        raise BadValue("it is a text", field=place)
    return told


def _moment(told: Any, place: str) -> dt.datetime:
    if told is None:
        return dt.datetime.now(dt.UTC)
    try:
        made = dt.datetime.fromisoformat(told)
    except (TypeError, ValueError):
        raise BadValue("{told!r} is no moment such as 2026-11-22T12:00:00Z", told=told, field=place) from None
    return made if made.tzinfo else made.replace(tzinfo=dt.UTC)
