"""What a contract and a service agree besides fees, as GraphQL shows and takes it: terms, discounts, bundles, taxes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import AddressInput, command
from domain.contracts.contract import Contract, ContractState
from domain.contracts.service import BundlePart, CountryTax, Service, ServicePrice
from domain.contracts.terms import Discount, DiscountOn, Renewal, Terms
from domain.ids import ServiceId

if TYPE_CHECKING:
    from api.graphql.parties import AddressType, ContractType, ServiceType

ID = strawberry.ID
_Service = Annotated["ServiceType", strawberry.lazy("api.graphql.parties")]
_Contract = Annotated["ContractType", strawberry.lazy("api.graphql.parties")]
_Address = Annotated["AddressType", strawberry.lazy("api.graphql.parties")]

for _enum in (Renewal, DiscountOn, ContractState):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


async def _service(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.services.load(root.service) if root.service is not None else None


@strawberry.type(name="ServicePrice", description="The default fees from a day on.")
class ServicePriceType:
    """``domain.contracts.service.ServicePrice``."""

    start: date
    one_time_fee: Decimal
    periodic_fee: Decimal


@strawberry.type(name="CountryTax", description="How sales to payers of a country are booked and taxed.")
class CountryTaxType:
    """``domain.contracts.service.CountryTax``."""

    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    account: str | None
    vat_category: str | None = strawberry.field(description="UNCL 5305: S, Z, E, AE, G or O.")
    vat_percent: Decimal | None


@strawberry.type(name="BundlePart", description="A service within a bundle, per one of the bundle.")
class BundlePartType:
    """``domain.contracts.service.BundlePart``."""

    service: _Service = strawberry.field(resolver=_service)
    quantity: int
    one_time_fee: Decimal | None = strawberry.field(description="null: the part's own.")
    periodic_fee: Decimal | None = strawberry.field(description="null: the part's own.")


@strawberry.type(name="ContractTerms", description="What was agreed besides services.")
class TermsType:
    """``domain.contracts.terms.Terms``."""

    binding_months: int
    binding_from: date | None = strawberry.field(description="null: the contract's first day.")
    binding_share: Decimal = strawberry.field(description="Per cent of the fees left that leaving early costs.")
    notice_months: int
    renewal: Renewal
    renewal_months: int
    interval_months: int | None = strawberry.field(description="Months billed at once; null: each service's own.")
    anniversary: bool | None = strawberry.field(description="From the first day; null: as each service says.")
    pays_suspended: bool
    conditions: str | None
    signatory: str | None
    signed_on: date | None
    seller: str | None
    site: _Address | None = strawberry.field(description="Where it is delivered.")


@strawberry.type(name="Discount", description="In [start, end): percent or amount off fees, or percent off usage.")
class DiscountType:
    """``domain.contracts.terms.Discount``."""

    on: DiscountOn
    start: date
    end: date | None
    percent: Decimal | None
    amount: Decimal | None = strawberry.field(description="Per fee period of a line.")
    service: _Service | None = strawberry.field(resolver=_service, description="null: of all services.")
    text: str | None


@strawberry.type(name="ContractPhase", description="A state from a day on.")
class PhaseType:
    """``domain.contracts.contract.Phase``."""

    start: date
    state: ContractState


@strawberry.type(name="ContractEnding", description="How a contract was ended.")
class EndingType:
    """``domain.contracts.terms.Ending``."""

    noticed_on: date
    end: date
    bound_until: date | None = strawberry.field(description="What is left until then is owed; null: nothing is.")
    share: Decimal


async def _needs(root: strawberry.Parent[Service], info: Info) -> Any:
    return [one for one in await info.context.load.services.load_many(root.needs) if one is not None]


async def _excludes(root: strawberry.Parent[Service], info: Info) -> Any:
    return [one for one in await info.context.load.services.load_many(root.excludes) if one is not None]


async def _predecessor(root: strawberry.Parent[Contract], info: Info) -> Any:
    return await info.context.load.contracts.load(root.predecessor) if root.predecessor is not None else None


async def _successor(root: strawberry.Parent[Contract], info: Info) -> Any:
    return await info.context.load.contracts.load(root.successor) if root.successor is not None else None


@strawberry.type
class ServiceRules:
    """What a service's type has besides its fees."""

    anniversary: bool = strawberry.field(description="Fee periods count from the contract's first day.")
    price_list: str | None = strawberry.field(description="What usage of a contract with it is rated by.")
    valid_from: date | None
    valid_to: date | None
    prices: list[ServicePriceType] = strawberry.field(description="Default fees of later days.")
    countries: list[CountryTaxType]
    parts: list[BundlePartType] = strawberry.field(description="What the bundle holds.")
    needs: list[_Service] = strawberry.field(resolver=_needs)
    excludes: list[_Service] = strawberry.field(resolver=_excludes)
    version: int = strawberry.field(description="Give it back with a change, so that nobody's change is overwritten.")


@strawberry.type
class ContractCourse:
    """What a contract's type has besides its services."""

    terms: TermsType
    discounts: list[DiscountType]
    phases: list[PhaseType] = strawberry.field(description="Its states by day; none where it has had only one.")
    ending: EndingType | None
    predecessor: _Contract | None = strawberry.field(resolver=_predecessor, description="What it was taken over from.")
    successor: _Contract | None = strawberry.field(resolver=_successor, description="What it was taken over by.")


@strawberry.input
class ServicePriceInput:
    """``ServicePrice``."""

    start: date
    one_time_fee: Decimal
    periodic_fee: Decimal

    def domain(self) -> ServicePrice:
        """Return it as the domain's."""
        return command(ServicePrice, self)


@strawberry.input
class CountryTaxInput:
    """``CountryTax``."""

    country: str
    account: str | None = None
    vat_category: str | None = None
    vat_percent: Decimal | None = None

    def domain(self) -> CountryTax:
        """Return it as the domain's."""
        return command(CountryTax, self)


@strawberry.input(description="A fee left out is free; ownFees takes the part's own.")
class BundlePartInput:
    """``BundlePart``."""

    service: ID
    quantity: int | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    own_fees: bool = False

    def domain(self) -> BundlePart:
        """Return it as the domain's."""
        free = None if self.own_fees else Decimal(0)
        once, periodic = self.one_time_fee, self.periodic_fee
        return BundlePart(
            service=ServiceId(key_of(self.service, "Service", "parts.service")),
            quantity=1 if self.quantity is None else self.quantity,
            one_time_fee=free if once is None else once,
            periodic_fee=free if periodic is None else periodic,
        )


@strawberry.input(description="What is left out is as it is without terms.")
class TermsInput:
    """``Terms``."""

    binding_months: int | None = None
    binding_from: date | None = None
    binding_share: Decimal | None = None
    notice_months: int | None = None
    renewal: Renewal | None = None
    renewal_months: int | None = None
    interval_months: int | None = None
    anniversary: bool | None = None
    pays_suspended: bool | None = None
    conditions: str | None = None
    signatory: str | None = None
    signed_on: date | None = None
    seller: str | None = None
    site: AddressInput | None = None

    def domain(self) -> Terms:
        """Return it as the domain's."""
        return command(Terms, self)


@strawberry.input(description="percent or amount, exactly one.")
class DiscountInput:
    """``Discount``."""

    start: date
    end: date | None = None
    on: DiscountOn | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    service: ID | None = None
    text: str | None = None

    def domain(self) -> Discount:
        """Return it as the domain's."""
        return command(Discount, self, {"service": "Service"})
