"""Create a service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.service import BundlePart, CountryTax, Service, ServicePrice, check
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import ServiceId
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.define_fields import checked_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateService:
    """A new service; fees in the operator's currency without VAT."""

    code: str
    name: str
    one_time_fee: Decimal = Decimal(0)
    periodic_fee: Decimal = Decimal(0)
    in_advance: bool = True
    interval_months: int = 1
    vat_percent: Decimal = Decimal(25)
    account: str = "3041"
    product_group: str | None = None
    anniversary: bool = False
    price_list: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    prices: tuple[ServicePrice, ...] = ()
    countries: tuple[CountryTax, ...] = ()
    parts: tuple[BundlePart, ...] = ()
    needs: tuple[ServiceId, ...] = ()
    excludes: tuple[ServiceId, ...] = ()
    fields: FieldChanges = ()
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def create_service(cmd: CreateService, *, actor: Actor, begin: Begin) -> Service:
    """Create a service that contracts can hold; only the operator himself may.

    Refuses with: NotAllowed, BadValue, NotFound (price list, another service), Conflict (code, idempotency key).
    """
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself creates services")
    check_texts(cmd)
    service = check(
        Service(
            id=ServiceId(0),
            operator=actor.operator,
            code=cmd.code,
            name=cmd.name,
            one_time_fee=cmd.one_time_fee,
            periodic_fee=cmd.periodic_fee,
            in_advance=cmd.in_advance,
            interval_months=cmd.interval_months,
            vat_percent=cmd.vat_percent,
            account=cmd.account,
            product_group=cmd.product_group,
            anniversary=cmd.anniversary,
            price_list=cmd.price_list,
            valid_from=cmd.valid_from,
            valid_to=cmd.valid_to,
            prices=tuple(sorted(cmd.prices, key=lambda price: price.start)),
            countries=cmd.countries,
            parts=cmd.parts,
            needs=cmd.needs,
            excludes=cmd.excludes,
        )
    )
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return (await unit.services.many([ServiceId(known)]))[ServiceId(known)]
        await check_related(unit, service)
        service = replace(service, fields=await checked_fields(unit, Aggregate.SERVICE, cmd.fields))
        kept = await unit.services.add(service)
        await remember(unit.answers, cmd, kept.id)
        detail = {"code": kept.code, "version": kept.version, "changed": []}
        await unit.audit.write("create_service", f"service:{kept.id}", detail)
    return kept


async def check_related(unit: Unit, service: Service) -> None:
    """Check that what a service names exists, and that no part is itself a bundle. Refuses with: NotFound, BadValue."""
    if service.price_list is not None:
        await unit.catalogue.named(service.price_list, field="priceList")
    parts = [part.service for part in service.parts]
    known = await unit.services.many(sorted({*parts, *service.needs, *service.excludes}))
    for field, keys in (("parts", parts), ("needs", service.needs), ("excludes", service.excludes)):
        for index, key in enumerate(keys):
            place = f"{field}.{index}.service" if field == "parts" else f"{field}.{index}"
            if key not in known:
                raise NotFound("no service {key}", key=key, field=place)
            if field == "parts" and known[key].parts:
                raise BadValue("{code} is a bundle itself", code=known[key].code, field=place)
