"""Rows about credit as domain objects; they come from tables and, a standing's, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from domain.contracts.subscription import SubscriptionState
from domain.credit.account import Account, Told
from domain.credit.kinds import KINDS, Home, Kind
from domain.credit.limit import CreditLimit, CreditOverride
from domain.credit.reservation import Draw, Reservation, ReservationState
from domain.ports.credit import CreditStanding
from domain.provisioning.order import Bar

Row = Mapping[str, Any]


def account_of(row: Row) -> Account:
    """Make an account."""
    told = json.loads(row["told"]) if isinstance(row["told"], str) else row["told"]
    return Account(
        operator=row["operator"],
        customer=row["customer"],
        subscription=row["subscription"] or None,
        unbilled={kind: row[f"unbilled_{kind.value}"] for kind in KINDS},
        reserved={kind: row[f"reserved_{kind.value}"] for kind in KINDS},
        marks={kind: mark for kind in KINDS if (mark := row[f"mark_{kind.value}"]) is not None},
        told={Kind(name): Told(one["percent"], _moment(one["since"])) for name, one in told.items()},
    )


def limit_of(row: Row) -> CreditLimit:
    """Make a limit."""
    return CreditLimit(
        **{name: row[name] for name in _PLAIN},
        group=row["group_name"],
        kind=Kind(row["kind"]),
        warn_at=tuple(row["warn_at"]),
        bars=tuple(Bar(bar) for bar in row["bars"]),
    )


_PLAIN = (
    "id", "operator", "customer", "subscription", "each_line", "amount", "hard", "grace_amount", "grace_days", "mail",
    "sms", "version",
)  # fmt: skip


def override_of(row: Row) -> CreditOverride:
    """Make an override."""
    times = {name: _moment(row[name]) for name in ("until", "ended_at")}
    made = _moment(row["made_at"])
    assert made is not None
    return CreditOverride(
        id=row["id"],
        operator=row["operator"],
        customer=row["customer"],
        subscription=row["subscription"],
        kind=None if row["kind"] is None else Kind(row["kind"]),
        amount=row["amount"],
        reason=row["reason"],
        client=row["client"],
        made_at=made,
        **times,
    )


def reservation_of(row: Row) -> Reservation:
    """Make a reservation."""
    draws = json.loads(row["draws"]) if isinstance(row["draws"], str) else row["draws"]
    times: dict[str, Any] = {name: _moment(row[name]) for name in ("start", "expires_at", "changed_at")}
    return Reservation(
        **{name: row[name] for name in _OF_RESERVATION},
        direction="out" if row["direction"] == 0 else "in",
        state=ReservationState(row["state"]),
        kinds=frozenset(Kind(kind) for kind in row["kinds"]),
        draws=tuple(Draw(*one) for one in draws),
        **times,
    )


_OF_RESERVATION = (
    "id", "operator", "customer", "subscription", "reseller", "reference", "number", "mode", "visited", "granted",
    "used", "amount", "client", "version",
)  # fmt: skip


def standing_of(row: Row, home: Home) -> CreditStanding:
    """Make a standing."""
    told = json.loads(row["told"])
    accounts = [account_of(one) for one in told["accounts"] or ()]
    return CreditStanding(
        customer=row["customer"],
        contract=row["contract"],
        subscription=row["subscription"],
        reseller=row["reseller"],
        state=SubscriptionState(row["state"]),
        ended_at=row["ended_at"],
        currency=row["currency"],
        home=home,
        accounts={one.subscription: one for one in accounts},
        limits=_limits(told["limits"] or "[]"),
        overrides=[override_of(one) for one in told["overrides"] or ()],
        groups=frozenset(told["groups"] or ()),
        owed=told["owed"] or {},
        own_number=told["own_number"] or "",
        bars=frozenset(Bar(bar) for bar in told["bars"] or ()),
        live=[reservation_of(one) for one in told["live"] or ()],
        revision=tuple(-1 if one is None else one for one in told["revision"]),
    )


@lru_cache(maxsize=1000)
def _limits(text: str) -> tuple[CreditLimit, ...]:
    """Make the limits of a text: most lines have the operator's, and nothing of their own."""
    return tuple(limit_of(one) for one in json.loads(text))


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
