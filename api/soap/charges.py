"""The operations of the WSDL about what is charged beside contracts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import ChargeId
from domain.invoicing.charge import Charge, ChargeKind
from domain.invoicing.invoice import Unit as Measure
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge, list_charges
from domain.usecases.get_customer import get_customer
from domain.usecases.load_batches import customers_by_ids

PAGE: Final = 200
KindOfCharge = _enum(ChargeKind, "ChargeKind")
UnitOfQuantity = _enum(Measure, "UnitOfQuantity")


class ChargeModel(Model):
    """What is charged beside contracts, or (kind discount) taken off whole invoices."""

    __type_name__ = "CustomerCharge"

    id = Integer
    customerNumber = needed(Unicode)
    kind = needed(KindOfCharge)
    text = needed(Unicode)
    quantity = XsDecimal
    unit = UnitOfQuantity
    unitPrice = XsDecimal
    percent = XsDecimal
    vatPercent = XsDecimal
    vatCategory = Unicode
    account = Unicode
    starts = Date
    ends = Date
    intervalMonths = Integer
    reference = Unicode
    withdrawnAt = DateTime
    version = Integer


class ChargePage(Model):
    """A page of charges."""

    count = needed(Integer)
    charge = many(ChargeModel)
    next = Unicode


class Charges(ServiceBase):
    """Charges and discounts."""

    __service_name__ = "Billing"

    @operation("AddCharge", needed(ChargeModel), Unicode, returns=ChargeModel, result="charge")
    async def add_charge(ctx: Any, charge: Any, idempotencyKey: str | None) -> Any:
        """Charge a customer beside his contracts, or give a discount on his invoices."""
        found = await ctx.udc.ask(get_customer, charge.customerNumber)
        more = {
            name: value
            for name, value in {
                "quantity": charge.quantity,
                "unit": None if charge.unit is None else Measure(str(charge.unit)),
                "vat_percent": charge.vatPercent,
            }.items()
            if value is not None
        }
        cmd = AddCharge(
            customer=found.id,
            kind=ChargeKind(str(charge.kind)),
            text=charge.text,
            unit_price=charge.unitPrice,
            percent=charge.percent,
            vat_category=charge.vatCategory,
            account=charge.account,
            starts=charge.starts,
            ends=charge.ends,
            interval_months=charge.intervalMonths,
            reference=charge.reference,
            idempotency_key=idempotencyKey,
            **more,
        )
        return _charge(await ctx.udc.ask(add_charge, cmd, clock=ctx.udc.wiring.clock), found.number)

    @operation("EndCharge", needed(Integer(ge=1)), needed(Integer), Date, Boolean, returns=ChargeModel, result="charge")
    async def end_charge(ctx: Any, charge: int, version: int, ends: date | None, withdraw: bool | None) -> Any:
        """Let a charge end before a day, or withdraw what of it is not billed."""
        cmd = EndCharge(charge=ChargeId(charge), version=version, ends=ends, withdraw=bool(withdraw))
        kept = await ctx.udc.ask(end_charge, cmd, clock=ctx.udc.wiring.clock)
        return (await _charges(ctx, [kept]))[0]

    @operation("ListCharges", Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=ChargePage, result="page")
    async def list_charges(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:
        """Return charges and discounts of a customer, or of all."""
        chosen = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(list_charges, PageRequest(first or PAGE, key_after(after)), customer=chosen)
        following = str(page.items[-1].id) if page.more else None
        return ChargePage(count=len(page.items), charge=await _charges(ctx, page.items), next=following)


async def _charges(ctx: Any, found: Any) -> list[ChargeModel]:
    named = await ctx.udc.ask(customers_by_ids, sorted({one.customer for one in found}))
    return [_charge(one, named[one.customer].number) for one in found if one.customer in named]


def _charge(one: Charge, number: str) -> ChargeModel:
    def shown(value: Decimal | None) -> Decimal | None:
        return None if value is None else plain(value)

    return ChargeModel(
        id=one.id,
        customerNumber=number,
        kind=one.kind.value,
        text=one.text,
        quantity=plain(one.quantity),
        unit=one.unit.value,
        unitPrice=shown(one.unit_price),
        percent=shown(one.percent),
        vatPercent=plain(one.vat_percent),
        vatCategory=one.vat_category,
        account=one.account,
        starts=one.starts,
        ends=one.ends,
        intervalMonths=one.interval_months,
        reference=one.reference,
        withdrawnAt=one.withdrawn_at,
        version=one.version,
    )
