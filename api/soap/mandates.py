"""The operations of the WSDL about mandates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from spyne import Boolean, Date, Integer, ServiceBase, Unicode

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.payments import numbers_of
from api.soap.service import operation
from domain.ids import MandateId
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import Scheme
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_customer import get_customer
from domain.usecases.manage_mandates import (
    AddMandate,
    EndMandate,
    add_mandate,
    end_mandate,
    list_mandates,
    unblock_mandate,
)

PAGE: Final = 200
SchemeOfDebit = _enum(Scheme, "DebitScheme")
StateOfMandate = _enum(MandateState, "MandateState")


class MandateModel(Model):
    """A customer lets us take what he owes from his account."""

    __type_name__ = "Mandate"

    id = needed(Integer)
    customerNumber = needed(Unicode)
    scheme = needed(SchemeOfDebit)
    payerNumber = needed(Unicode)
    account = Unicode
    state = needed(StateOfMandate)
    signedOn = Date
    activeFrom = Date
    endedOn = Date
    reason = Unicode
    blocked = needed(Boolean)
    version = needed(Integer)


class MandatePage(Model):
    """Mandates by key."""

    count = needed(Integer)
    mandate = many(MandateModel)
    next = Unicode


class NewMandate(Model):
    """A mandate; active where it stands already."""

    customerNumber = needed(Unicode)
    scheme = needed(SchemeOfDebit)
    payerNumber = needed(Unicode)
    account = Unicode
    identity = Unicode
    bic = Unicode
    signedOn = Date
    signature = Unicode
    active = Boolean
    notify = Boolean


class Mandates(ServiceBase):
    """Mandates."""

    __service_name__ = "Billing"

    @operation("AddMandate", needed(NewMandate), returns=MandateModel, result="mandate")
    async def add_mandate(ctx: Any, mandate: Any) -> Any:
        """Keep a customer's mandate; Autogiro's is asked for in the next file, where it does not stand already."""
        customer = await ctx.udc.ask(get_customer, mandate.customerNumber)
        cmd = AddMandate(
            customer=customer.id,
            scheme=Scheme(str(mandate.scheme)),
            payer_number=mandate.payerNumber,
            account=mandate.account or "",
            identity=mandate.identity or "",
            bic=mandate.bic or "",
            signed_on=mandate.signedOn,
            signature=mandate.signature,
            active=bool(mandate.active),
            notify=bool(mandate.notify),
        )
        return (await _mandates(ctx, [await ctx.udc.ask(add_mandate, cmd, clock=ctx.udc.wiring.clock)]))[0]

    @operation("EndMandate", needed(Integer), needed(Integer), Unicode, returns=MandateModel, result="mandate")
    async def end_mandate(ctx: Any, mandate: int, version: int, reason: str | None) -> Any:
        """End a mandate at the version that was read."""
        cmd = EndMandate(mandate=MandateId(mandate), version=version, reason=reason or "")
        return (await _mandates(ctx, [await ctx.udc.ask(end_mandate, cmd, clock=ctx.udc.wiring.clock)]))[0]

    @operation("UnblockMandate", needed(Integer(ge=1)), needed(Integer), returns=MandateModel, result="mandate")
    async def unblock_mandate(ctx: Any, mandate: int, version: int) -> Any:
        """Let a mandate be debited again that was blocked because too many debits came back."""
        return (await _mandates(ctx, [await ctx.udc.ask(unblock_mandate, MandateId(mandate), version)]))[0]

    @operation(
        "ListMandates",
        Unicode,
        StateOfMandate,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=MandatePage,
        result="page",
    )
    async def list_mandates(
        ctx: Any,
        customerNumber: str | None,
        state: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return mandates by key, of a customer and in a state."""
        customer = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(
            list_mandates,
            PageRequest(first or PAGE, key_after(after)),
            customer=customer,
            state=None if state is None else MandateState(str(state)),
        )
        following = str(page.items[-1].id) if page.more else None
        return MandatePage(count=len(page.items), mandate=await _mandates(ctx, page.items), next=following)


async def _mandates(ctx: Any, mandates: Sequence[Mandate]) -> list[MandateModel]:
    numbers = await numbers_of(ctx, [one.customer for one in mandates])
    return [
        MandateModel(
            id=one.id,
            customerNumber=numbers[one.customer],
            scheme=one.scheme.value,
            payerNumber=one.payer_number,
            account=one.account or None,
            state=one.state.value,
            signedOn=one.signed_on,
            activeFrom=one.active_from,
            endedOn=one.ended_on,
            reason=one.reason,
            blocked=one.blocked,
            version=one.version,
        )
        for one in mandates
    ]
