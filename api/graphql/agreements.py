"""Contracts by the day, and services as a whole."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.agreed import (
    BundlePartInput,
    CountryTaxInput,
    EndingType,
)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import AddressInput, command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import (
    AddressType,
    ContractServiceType,
    ContractType,
    CustomerType,
    ServiceType,
    SubscriptionType,
)
from api.graphql.party_changes import ContractServiceInput, related
from api.graphql.price_lists import RateInput, read_rates
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.contracts.changes import ChangeKind, ChangeState, ContractChange, HeldLine
from domain.contracts.contract import ANY_DAY, ContractState
from domain.ids import ContractChangeId, ContractId, ServiceId
from domain.refusal import BadValue
from domain.usecases.change_service import ChangeService, change_service
from domain.usecases.get_contract import list_contract_changes
from domain.usecases.get_service import get_service
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
from domain.usecases.preview_ending import EndingPreview, PreviewEnding, RemainingFee, preview_ending
from domain.usecases.price_contract import PriceContract, price_contract

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_AGAIN = "Sent again, the same answer again."

for _enum in (ChangeKind, ChangeState):
    strawberry.enum(_enum, name=f"Contract{_enum.__name__}", description=(_enum.__doc__ or "").strip())


async def _contract(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.contracts.load(root.contract) if root.contract is not None else None


async def _successor(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.contracts.load(root.successor) if root.successor is not None else None


async def _customer(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer) if root.customer is not None else None


async def _service(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.services.load(root.service)


async def _subscription(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.subscriptions.load(root.subscription) if root.subscription is not None else None


@strawberry.type(name="HeldService", description="Names a service that a contract holds.")
class HeldLineType:
    """``domain.contracts.changes.HeldLine``."""

    service: ServiceType = strawberry.field(resolver=_service)
    start: date | None
    subscription: SubscriptionType | None = strawberry.field(resolver=_subscription)


@strawberry.type(name="ContractChange", description="A change of a contract from a day on, done or planned.")
class ContractChangeType:
    """``domain.contracts.changes.ContractChange``."""

    id: ID = identified()
    kind: ChangeKind
    effective: date
    state: ChangeState
    contract: ContractType = strawberry.field(resolver=_contract)
    recorded_at: datetime
    done_at: datetime | None
    client: str
    version: int = strawberry.field(description="The contract's after it was recorded, or done.")
    changed: list[str]
    reason: str | None
    gone: HeldLineType | None
    new: ContractServiceType | None
    site: AddressType | None
    customer: CustomerType | None = strawberry.field(resolver=_customer, description="Who takes it over.")
    successor: ContractType | None = strawberry.field(resolver=_successor, description="What he got.")
    ending: EndingType | None
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"), description="Why it failed.")

    is_type_of = shows(ContractChange)


@strawberry.type(name="RemainingFee", description="What is left of the binding for one service.")
class RemainingFeeType:
    """``domain.usecases.preview_ending.RemainingFee``."""

    service: ServiceType = strawberry.field(resolver=_service)
    subscription: SubscriptionType | None = strawberry.field(resolver=_subscription)
    start: date
    amount: Decimal

    is_type_of = shows(RemainingFee)


@strawberry.type(name="EndingPreview", description="What giving notice would lead to; amounts without VAT.")
class EndingPreviewType:
    """``domain.usecases.preview_ending.EndingPreview``."""

    contract: ContractType = strawberry.field(resolver=_contract)
    noticed_on: date
    earliest: date = strawberry.field(description="When it can end at all.")
    free_from: date = strawberry.field(description="From when on ending costs nothing.")
    bound_until: date | None
    end: date
    fees: list[RemainingFeeType]
    total: Decimal
    currency: str

    is_type_of = shows(EndingPreview)


@strawberry.input(description="Names a service that a contract holds; start and subscription where it does twice.")
class HeldServiceInput:
    """``HeldLine``."""

    service: ID
    start: date | None = None
    subscription: ID | None = None

    def domain(self) -> HeldLine:
        """Return it as the domain's."""
        return command(HeldLine, self, {"service": "Service", "subscription": "Subscription"})


@strawberry.input(description="What comes; left out, quantity is 1 and the fees are the service's own.")
class NewServiceInput:
    """``ContractService`` from the change's day on."""

    service: ID
    end: date | None = None
    quantity: int | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    subscription: ID | None = None

    def domain(self) -> Any:
        """Return it as the domain's; its start is the change's day."""
        fields = {name: getattr(self, name) for name in ("service", "end", "quantity", "one_time_fee", "periodic_fee")}
        return ContractServiceInput(**fields, subscription=self.subscription, start=ANY_DAY).domain()


@strawberry.input(description="Without a day: today. state is ACTIVE or SUSPENDED.")
class StepContractInput:
    """``StepContract``."""

    contract: ID
    version: int
    state: ContractState
    on: date | None = None
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input(description="gone goes, new comes; both are an upgrade or a downgrade.")
class ExchangeContractServiceInput:
    """``ExchangeService``."""

    contract: ID
    version: int
    on: date | None = None
    gone: HeldServiceInput | None = None
    new: NewServiceInput | None = None
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input(description="To another address (site), or under another customer.")
class MoveContractInput:
    """``MoveContract``."""

    contract: ID
    version: int
    on: date | None = None
    site: AddressInput | None = None
    customer: ID | None = None
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input
class TakeOverContractInput:
    """``TakeOverContract``."""

    contract: ID
    version: int
    customer: ID
    on: date | None = None
    number: str | None = None
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input(description="Without end: as soon as that costs nothing. free waives what is left of the binding.")
class EndContractInput:
    """``EndContract``."""

    contract: ID
    version: int
    noticed_on: date | None = None
    end: date | None = None
    free: bool | None = None
    reason: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input(
    description="Rates, or adjustments of those of its list, that hold for this contract from validFrom on."
)
class PriceContractInput:
    """``PriceContract``."""

    contract: ID
    version: int
    rates: list[RateInput]
    valid_from: datetime
    idempotency_key: str | None = strawberry.field(default=None, description=_AGAIN)


@strawberry.input(description="New fees hold from feesFrom on, left out: today. Lists replace all.")
class ChangeServiceInput:
    """``ChangeService``."""

    service: ID
    version: int
    code: strawberry.Maybe[str]
    name: strawberry.Maybe[str]
    one_time_fee: strawberry.Maybe[Decimal]
    periodic_fee: strawberry.Maybe[Decimal]
    fees_from: strawberry.Maybe[date]
    vat_percent: strawberry.Maybe[Decimal]
    account: strawberry.Maybe[str]
    product_group: strawberry.Maybe[str | None]
    price_list: strawberry.Maybe[str | None]
    valid_from: strawberry.Maybe[date | None]
    valid_to: strawberry.Maybe[date | None]
    countries: strawberry.Maybe[list[CountryTaxInput]]
    parts: strawberry.Maybe[list[BundlePartInput]]
    needs: strawberry.Maybe[list[ID]]
    excludes: strawberry.Maybe[list[ID]]
    idempotency_key: str | None = kept_key()


async def ordered(info: Info, usecase: Any, cmd: Any) -> Any:
    """Ask a use case that needs the time."""
    return await info.context.ask(usecase, cmd, clock=info.context.wiring.clock)


_IDS = {"contract": "Contract", "customer": "Customer"}


async def _step(info: Info, asked: Annotated[StepContractInput, _AS_INPUT]) -> Any:
    return await ordered(info, step_contract, command(StepContract, asked, _IDS))


async def _exchange(info: Info, asked: Annotated[ExchangeContractServiceInput, _AS_INPUT]) -> Any:
    return await ordered(info, exchange_service, command(ExchangeService, asked, _IDS))


async def _move(info: Info, asked: Annotated[MoveContractInput, _AS_INPUT]) -> Any:
    return await ordered(info, move_contract, command(MoveContract, asked, _IDS))


async def _take_over(info: Info, asked: Annotated[TakeOverContractInput, _AS_INPUT]) -> Any:
    return await ordered(info, take_over_contract, command(TakeOverContract, asked, _IDS))


async def _end(info: Info, asked: Annotated[EndContractInput, _AS_INPUT]) -> Any:
    return await ordered(info, end_contract, command(EndContract, asked, _IDS))


async def _price(info: Info, asked: Annotated[PriceContractInput, _AS_INPUT]) -> Any:
    cmd = command(PriceContract, asked, _IDS, rates=read_rates(asked.rates))
    return await ordered(info, price_contract, cmd)


async def _cancel(info: Info, change: ID) -> Any:
    key = ContractChangeId(key_of(change, "ContractChange", "change"))
    return await ordered(info, cancel_change, key)


async def _change_service(info: Info, asked: Annotated[ChangeServiceInput, _AS_INPUT]) -> Any:
    cmd = command(ChangeService, asked, {"service": "Service"}, **related(asked))
    return await ordered(info, change_service, cmd)


async def _one_service(info: Info, id: ID | None = None, code: str | None = None) -> Any:
    if (id is None) == (code is None):
        raise BadValue("give either id or code", field="id")
    key = ServiceId(key_of(id, "Service", "id")) if id is not None else code
    return await info.context.ask(get_service, key)


async def _changes(info: Info, contract: ID, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    key = ContractId(key_of(contract, "Contract", "contract"))
    page = await info.context.ask(list_contract_changes, key, request(first, read_number(after, "ContractChange")))
    return connect(page, "ContractChange", after=after)


async def _preview(info: Info, contract: ID, noticed_on: date | None = None, end: date | None = None) -> Any:
    key = ContractId(key_of(contract, "Contract", "contract"))
    return await ordered(info, preview_ending, PreviewEnding(contract=key, noticed_on=noticed_on, end=end))


@strawberry.type
class AgreementQuery:
    """Contracts by the day and services."""

    service: ServiceType | None = strawberry.field(resolver=_one_service)
    contract_changes: Connection[ContractChangeType] = strawberry.field(
        resolver=_changes, description="What was changed of a contract and what is planned, in the order of recording."
    )
    contract_ending: EndingPreviewType | None = strawberry.field(
        resolver=_preview, description="What giving notice would lead to; nothing is changed."
    )


def agreed(resolver: Any, name: str, success: Any, description: str) -> Any:
    """Return the field of a mutation with its union of answers."""
    return strawberry.mutation(resolver=resolver, graphql_type=outcome(name, success), description=description)


_LATER = "Of today or earlier it is done at once; of a day to come it is planned."


@strawberry.type
class AgreementMutation:
    """Contracts by the day and services."""

    step_contract = agreed(_step, "StepContractResult", ContractChangeType, f"Activate, suspend or resume. {_LATER}")
    exchange_contract_service = agreed(
        _exchange,
        "ExchangeContractServiceResult",
        ContractChangeType,
        f"Add, end, upgrade or downgrade a service. {_LATER}",
    )
    move_contract = agreed(
        _move, "MoveContractResult", ContractChangeType, f"To another address or another customer of the tree. {_LATER}"
    )
    take_over_contract = agreed(
        _take_over,
        "TakeOverContractResult",
        ContractChangeType,
        f"Another customer gets a contract that goes on as it was, with lines and numbers. {_LATER}",
    )
    end_contract = agreed(
        _end, "EndContractResult", ContractChangeType, "End with notice; see contractEnding for what it costs."
    )
    price_contract = agreed(
        _price,
        "PriceContractResult",
        ContractType,
        "Prices of its own that deviate from its list; it needs prices:write, too.",
    )
    cancel_contract_change = agreed(
        _cancel, "CancelContractChangeResult", ContractChangeType, "Cancel what is planned."
    )
    change_service = agreed(
        _change_service, "ChangeServiceResult", ServiceType, "Change a service; contracts that hold it go on."
    )
