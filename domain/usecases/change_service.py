"""Change a service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.contracts.service import BundlePart, CountryTax, Service, ServicePrice, check
from domain.ids import ServiceId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import NotAllowed, Stale
from domain.usecases.create_service import check_related
from domain.usecases.fit_contract import day_in


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeService:
    """A change of the fields that are given. ``version`` is the one the caller has read; lists replace all.

    New default fees hold from ``fees_from`` on (left out: today); what was before stays for the days before. How often
    and when a fee is due never changes: that is another service.
    """

    service: ServiceId
    version: int
    code: Change[str] = UNCHANGED
    name: Change[str] = UNCHANGED
    one_time_fee: Change[Decimal] = UNCHANGED
    periodic_fee: Change[Decimal] = UNCHANGED
    fees_from: Change[date] = UNCHANGED
    vat_percent: Change[Decimal] = UNCHANGED
    account: Change[str] = UNCHANGED
    product_group: Change[str | None] = UNCHANGED
    price_list: Change[str | None] = UNCHANGED
    valid_from: Change[date | None] = UNCHANGED
    valid_to: Change[date | None] = UNCHANGED
    countries: Change[tuple[CountryTax, ...]] = UNCHANGED
    parts: Change[tuple[BundlePart, ...]] = UNCHANGED
    needs: Change[tuple[ServiceId, ...]] = UNCHANGED
    excludes: Change[tuple[ServiceId, ...]] = UNCHANGED


_PLAIN: Final = (
    "code", "name", "vat_percent", "account", "product_group", "price_list", "valid_from", "valid_to", "countries",
    "parts", "needs", "excludes",
)  # fmt: skip


@operation(Action.WRITE_CONTRACTS)
async def change_service(cmd: ChangeService, *, actor: Actor, begin: Begin, clock: Clock) -> Service:
    """Change what is given and leave the rest; only the operator himself may. Contracts that hold it go on.

    Refuses with: NotAllowed, NotFound (service, price list, another service), Stale, BadValue, Conflict (code).
    """
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself changes services")
    check_texts(cmd)
    changes = given(cmd, *_PLAIN)
    async with begin(actor) as unit:
        service = await unit.services.claim(cmd.service)
        if service.version != cmd.version:
            raise Stale("the service is at version {version}; read it again", version=service.version, field="version")
        today = day_in(await unit.operators.own(), clock.now())
        changed = check(_priced(replace(service, **changes), cmd, today))
        fields = [name for name in (*changes, "prices") if getattr(changed, name) != getattr(service, name)]
        if not fields:
            return service
        await check_related(unit, changed)
        kept = await unit.services.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in fields], "code": kept.code}
        await unit.audit.write("change_service", f"service:{kept.id}", detail)
    return kept


def _priced(service: Service, cmd: ChangeService, today: date) -> Service:
    """Return the service with its new default fees from their day on; those of later days fall away."""
    fees = given(cmd, "one_time_fee", "periodic_fee")
    if not fees:
        return service
    start = given(cmd, "fees_from").get("fees_from", today)
    once, periodic = service.fees_on(start)
    new = ServicePrice(
        start=start, one_time_fee=fees.get("one_time_fee", once), periodic_fee=fees.get("periodic_fee", periodic)
    )
    if (new.one_time_fee, new.periodic_fee) == (once, periodic):
        return service
    return replace(service, prices=(*(price for price in service.prices if price.start < start), new))
