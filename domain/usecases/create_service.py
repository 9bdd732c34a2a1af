"""Create a service."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.access.actor import Action, Actor, allow
from domain.commands import answered, check_texts, remember
from domain.contracts.service import Service, check
from domain.ids import ServiceId
from domain.ports.unit import Begin
from domain.refusal import NotAllowed


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
    idempotency_key: str | None = None


async def create_service(cmd: CreateService, *, actor: Actor, begin: Begin) -> Service:
    """Create a service that contracts can hold; only the operator himself may.

    Refuses with: NotAllowed, BadValue, Conflict (code, idempotency key).
    """
    allow(actor, Action.WRITE_CONTRACTS)
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
        )
    )
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return (await unit.services.many([ServiceId(known)]))[ServiceId(known)]
        kept = await unit.services.add(service)
        await remember(unit.answers, cmd, kept.id)
        await unit.audit.write("create_service", f"service:{kept.id}", {"code": kept.code})
    return kept
