"""The operations of the WSDL that change contracts by the day: steps, exchanges, moves, takeovers, ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import perhaps
from api.soap import models
from api.soap.agreed import (
    KindOfChange,
    StateOfChange,
    address,
)
from api.soap.agreements import line_of
from api.soap.models import Model, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.services import known_services
from api.soap.showing import plain
from domain.contracts.changes import ContractChange, HeldLine
from domain.contracts.contract import ANY_DAY, ContractService, ContractState
from domain.ids import ContractChangeId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.get_contract import get_contract, list_contract_changes
from domain.usecases.get_customer import get_customer
from domain.usecases.load_batches import contracts_by_ids
from domain.usecases.plan_change import (
    EndContract,
    ExchangeService,
    MoveContract,
    StepContract,
    TakeOverContract,
    cancel_change,
    end_contract,
    exchange_service,
    move_contract,
    step_contract,
    take_over_contract,
)
from domain.usecases.preview_ending import EndingPreview, PreviewEnding, preview_ending

PAGE: Final = 200
_FIRST: Final = Integer(ge=1, le=PAGE_MAX)


class HeldService(Model):
    """Names a service that a contract holds; start and subscription where it does several times."""

    serviceCode = needed(Unicode)
    start = Date
    subscription = Integer


class NewServiceOnContract(Model):
    """What comes; left out, quantity is 1 and the fees are the service's own."""

    serviceCode = needed(Unicode)
    end = Date
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal
    subscription = Integer


class ContractChangeModel(Model):
    """A change of a contract from a day on, done or planned."""

    __type_name__ = "DatedContractChange"

    id = needed(Integer)
    kind = needed(KindOfChange)
    effective = needed(Date)
    state = needed(StateOfChange)
    contractNumber = needed(Unicode)
    recordedAt = needed(DateTime)
    doneAt = DateTime
    client = needed(Unicode)
    version = needed(Integer)
    changed = many(Unicode)
    reason = Unicode
    fault = Unicode
    successorNumber = Unicode


class ContractChangePage(Model):
    """What was changed of a contract and what is planned, in the order of recording."""

    count = needed(Integer)
    change = many(ContractChangeModel)
    next = Unicode


class RemainingFeeModel(Model):
    """What is left of the binding for one service."""

    __type_name__ = "RemainingFee"

    serviceName = needed(Unicode)
    start = needed(Date)
    subscription = Integer
    amount = needed(XsDecimal)


class ContractEnding(Model):
    """What giving notice would lead to; amounts without VAT."""

    noticedOn = needed(Date)
    earliest = needed(Date)
    freeFrom = needed(Date)
    boundUntil = Date
    end = needed(Date)
    fee = many(RemainingFeeModel)
    total = needed(XsDecimal)
    currency = needed(Unicode)


class ContractChanges(ServiceBase):
    """Dated changes of contracts."""

    __service_name__ = "Billing"

    @operation(
        "StepContract",
        needed(Unicode),
        needed(Integer),
        needed(models.StateOfContract),
        Date,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def step_contract(
        ctx: Any,
        contractNumber: str,
        version: int,
        state: str,
        on: date | None,
        reason: str | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Activate, suspend or resume a contract from a day on, today where none is given."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        cmd = StepContract(
            contract=found.id,
            version=version,
            state=ContractState(str(state)),
            on=on,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(ctx.udc, step_contract, cmd)

    @operation(
        "ExchangeContractService",
        needed(Unicode),
        needed(Integer),
        Date,
        HeldService,
        NewServiceOnContract,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def exchange_service(
        ctx: Any,
        contractNumber: str,
        version: int,
        on: date | None,
        gone: Any,
        new: Any,
        reason: str | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Add, end, upgrade or downgrade a service from a day on: gone goes, new comes."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        known = await known_services(call, [each.serviceCode for each in (gone, new) if each is not None])
        cmd = ExchangeService(
            contract=found.id,
            version=version,
            on=on,
            gone=None
            if gone is None
            else HeldLine(
                service=known[gone.serviceCode].id, start=gone.start, subscription=line_of(gone.subscription)
            ),
            new=None
            if new is None
            else ContractService(
                service=known[new.serviceCode].id,
                start=ANY_DAY,
                end=new.end,
                quantity=new.quantity or 1,
                one_time_fee=new.oneTimeFee,
                periodic_fee=new.periodicFee,
                subscription=line_of(new.subscription),
            ),
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(call, exchange_service, cmd)

    @operation(
        "MoveContract",
        needed(Unicode),
        needed(Integer),
        Date,
        models.Address,
        Unicode,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def move_contract(
        ctx: Any,
        contractNumber: str,
        version: int,
        on: date | None,
        site: Any,
        customerNumber: str | None,
        reason: str | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Move a contract to another address, or under another customer, from a day on."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        to = None if customerNumber is None else (await call.ask(get_customer, customerNumber)).id
        cmd = MoveContract(
            contract=found.id,
            version=version,
            on=on,
            site=None if site is None else address(site),
            customer=to,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(call, move_contract, cmd)

    @operation(
        "TakeOverContract",
        needed(Unicode),
        needed(Integer),
        needed(Unicode),
        Date,
        Unicode,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def take_over_contract(
        ctx: Any,
        contractNumber: str,
        version: int,
        customerNumber: str,
        on: date | None,
        number: str | None,
        reason: str | None,
        idempotencyKey: str | None,
    ) -> Any:
        """Let another customer have a contract that goes on as it was, with lines and numbers, from a day on."""
        call = ctx.udc
        found = await call.ask(get_contract, contractNumber)
        cmd = TakeOverContract(
            contract=found.id,
            version=version,
            customer=(await call.ask(get_customer, customerNumber)).id,
            on=on,
            number=number,
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(call, take_over_contract, cmd)

    @operation("PreviewContractEnding", needed(Unicode), Date, Date, returns=ContractEnding, result="ending")
    async def preview_ending(ctx: Any, contractNumber: str, noticedOn: date | None, end: date | None) -> Any:
        """Return what giving notice would lead to; nothing is changed."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        cmd = PreviewEnding(contract=found.id, noticed_on=noticedOn, end=end)
        return _ending(await ctx.udc.ask(preview_ending, cmd, clock=ctx.udc.wiring.clock))

    @operation(
        "EndContract",
        needed(Unicode),
        needed(Integer),
        Date,
        Date,
        Boolean,
        Unicode,
        Unicode,
        returns=ContractChangeModel,
        result="change",
    )
    async def end_contract(
        ctx: Any,
        contractNumber: str,
        version: int,
        noticedOn: date | None,
        end: date | None,
        free: bool | None,
        reason: str | None,
        idempotencyKey: str | None,
    ) -> Any:
        """End a contract with notice; without end as soon as that costs nothing. free waives what is left."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        cmd = EndContract(
            contract=found.id,
            version=version,
            noticed_on=noticedOn,
            end=end,
            free=bool(free),
            reason=reason,
            idempotency_key=idempotencyKey,
        )
        return await _ordered(ctx.udc, end_contract, cmd)

    @operation("CancelContractChange", needed(Integer(ge=1)), returns=ContractChangeModel, result="change")
    async def cancel_change(ctx: Any, id: int) -> Any:
        """Cancel what is planned."""
        return await _ordered(ctx.udc, cancel_change, ContractChangeId(id))

    @operation("ListContractChanges", needed(Unicode), _FIRST, Unicode, returns=ContractChangePage, result="page")
    async def list_changes(ctx: Any, contractNumber: str, first: int | None, after: str | None) -> Any:
        """Return what was changed of a contract and what is planned."""
        found = await ctx.udc.ask(get_contract, contractNumber)
        page = await ctx.udc.ask(list_contract_changes, found.id, PageRequest(first or PAGE, key_after(after)))
        rows = await _changes(ctx.udc, page.items)
        return ContractChangePage(count=len(rows), change=rows, next=str(page.items[-1].id) if page.more else None)


async def _ordered(call: Any, usecase: Any, cmd: Any) -> ContractChangeModel:
    return (await _changes(call, [await call.ask(usecase, cmd, clock=call.wiring.clock)]))[0]


async def _changes(call: Any, changes: Sequence[ContractChange]) -> list[ContractChangeModel]:
    wanted = {one.contract for one in changes} | {one.successor for one in changes if one.successor is not None}
    numbers = {key: one.number for key, one in (await call.ask(contracts_by_ids, sorted(wanted))).items()}
    return [
        ContractChangeModel(
            id=one.id,
            kind=one.kind.value,
            effective=one.effective,
            state=one.state.value,
            contractNumber=numbers[one.contract],
            recordedAt=one.recorded_at,
            doneAt=one.done_at,
            client=one.client,
            version=one.version,
            changed=list(one.changed),
            reason=one.reason,
            fault=perhaps(one.fault),
            successorNumber=None if one.successor is None else numbers.get(one.successor),
        )
        for one in changes
    ]


def _ending(told: EndingPreview) -> ContractEnding:
    return ContractEnding(
        noticedOn=told.noticed_on,
        earliest=told.earliest,
        freeFrom=told.free_from,
        boundUntil=told.bound_until,
        end=told.end,
        fee=[
            RemainingFeeModel(
                serviceName=fee.name, start=fee.start, subscription=fee.subscription, amount=plain(fee.amount)
            )
            for fee in told.fees
        ],
        total=plain(told.total),
        currency=told.currency,
    )
