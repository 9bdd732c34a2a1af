"""Mandates that a file tells of: new ones, those that our requests led to, and those that ended."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.ids import CustomerId, MandateId
from domain.payments.allocating import forms_of
from domain.payments.mandate import LIVE, Mandate, MandateState, activated, ended
from domain.payments.orders import Scheme
from domain.payments.payment import StoredFile
from domain.payments.record import PaymentFile
from domain.ports.unit import Unit

_NEW: Final = "32"
_ENDED: Final = frozenset({"02", "33", "1", "2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a file says of one mandate: its state there, and what it knows the payer's account and identity to be."""

    scheme: Scheme
    payer_number: str
    state: MandateState
    account: str = ""
    identity: str = ""
    notify: bool = False
    on: dt.date | None = None
    reason: str = ""


def told_in(file: PaymentFile) -> Iterator[Told]:
    """Yield what a file tells of mandates; what we asked for ourselves is no news."""
    for one in file.mandates:
        if "request" in one:
            continue
        match file.format:
            case "autogiro":
                yield _of_autogiro(one)
            case "nets_avtalegiro":
                gone = one["registration_type"] == "2"
                yield Told(
                    scheme=Scheme.AVTALEGIRO,
                    payer_number=str(one["kid"]),
                    state=MandateState.CANCELLED if gone else MandateState.ACTIVE,
                    notify=one.get("notify") == "J",
                    reason="deleted by the payer" if gone else "",
                )
            case "dk_bs":
                yield Told(
                    scheme=Scheme.BETALINGSSERVICE,
                    payer_number=str(one["customer_no"]),
                    state=MandateState(one["state"]),
                    account=str(one["mandate_no"]),
                    on=_day(one.get("date")),
                    reason=str(one["code"]),
                )


def _of_autogiro(one: Mapping[str, Any]) -> Told:
    number, account = str(one["payer_number"]), one.get("account") or ""
    identity = one.get("person_or_org_no") or ""
    if one.get("record") == "52":  # left at an Internet bank: it stands when we have answered, and the bank in turn
        return Told(
            scheme=Scheme.AUTOGIRO,
            payer_number=number,
            state=MandateState.REQUESTED,
            account=account,
            identity=identity,
        )
    status = str(one["status_code"])
    state = MandateState.ACTIVE if status == _NEW else MandateState.CANCELLED
    return Told(
        scheme=Scheme.AUTOGIRO,
        payer_number=number,
        state=state,
        account=account,
        identity=identity,
        on=_day(one.get("date")),
        reason=f"{one['info_code']} {status}",
    )


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


async def take_mandates(unit: Unit, found: PaymentFile, file: StoredFile, now: dt.datetime) -> dict[str, int]:
    """Bring mandates up to what a file tells, and return how many by what became of them.

    ``unknown`` are of payers whom nobody here is known to be: they are told, and nothing is kept of them.
    """
    counts: Counter[str] = Counter()
    for one in told_in(found):
        known = await _known(unit, one)
        on = one.on or now.date()
        if known is not None:
            counts[await _change(unit, known, one, on)] += 1
            continue
        if one.state is MandateState.CANCELLED:
            counts["unknown"] += 1
            continue
        customer = await _customer(unit, one)
        if customer is None:
            counts["unknown"] += 1
            continue
        made = Mandate(
            id=MandateId(0),
            operator=file.operator,
            customer=customer,
            scheme=one.scheme,
            payer_number=one.payer_number,
            account=one.account,
            identity=one.identity,
            notify=one.notify,
            state=one.state,
            origin=file.format,
            requested_at=now,
            active_from=on if one.state is MandateState.ACTIVE else None,
        )
        kept = await unit.giro.mandates.add(made)
        verb = "activate" if one.state is MandateState.ACTIVE else "request"
        await unit.audit.write(f"{verb}_mandate", f"mandate:{kept.id}", {"customer": customer, "file": file.id})
        counts[one.state.value] += 1
    return dict(counts)


async def _known(unit: Unit, one: Told) -> Mandate | None:
    """Return the mandate that is meant; AvtaleGiro tells a KID, of which the payer's number is a part."""
    for number in dict.fromkeys((one.payer_number, one.payer_number.lstrip("0"))):
        found = await unit.giro.mandates.find(scheme=one.scheme, payer_number=number, state=tuple(LIVE))
        if found:
            return found[0]
    return None


async def _change(unit: Unit, known: Mandate, one: Told, on: dt.date) -> str:
    """Bring a mandate up to what is told of it; what it says already changes nothing."""
    if one.state is MandateState.CANCELLED:
        kept = await unit.giro.mandates.put(ended(known, on, one.reason))
        verb = "cancel" if kept.state is MandateState.CANCELLED else "refuse"
        await unit.audit.write(f"{verb}_mandate", f"mandate:{known.id}", {"reason": one.reason})
        return kept.state.value
    more = {"account": one.account or known.account, "identity": one.identity or known.identity}
    if one.state is MandateState.REQUESTED:
        return "unchanged"
    changed = replace(activated(known, on, **more), notify=one.notify or known.notify)
    if changed == known:
        return "unchanged"
    await unit.giro.mandates.put(changed)
    if known.state is not MandateState.ACTIVE:
        await unit.audit.write("activate_mandate", f"mandate:{known.id}", {"customer": known.customer})
        return "active"
    return "changed"


async def _customer(unit: Unit, one: Told) -> CustomerId | None:
    """Return whose mandate a new one is: the payer number is his customer number, or a reference of his invoice."""
    forms = forms_of(one.payer_number)
    numbered = await unit.payments.customers_numbered(forms)
    if numbered:
        return next(iter(numbered.values()))
    items = await unit.payments.items_named(forms)
    return next((item.customer for item in items.values()), None)
