"""Make what rows of a sheet say, by the use cases that the APIs call, within the unit of a chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from domain.access.actor import Actor
from domain.bulk.sheet import Row, SheetKind
from domain.contracts.contract import ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import NumberAssignment
from domain.contracts.terms import Terms
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.operators import Address
from domain.ports.clock import Clock
from domain.ports.unit import Unit
from domain.refusal import BadValue, Conflict, NotFound, Refusal
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.find_references import Places, References, found, is_there


class Faulty(Exception):  # noqa: N818  (refusals of one row, which are told with it)
    """A row has more faults than one."""

    def __init__(self, faults: Sequence[Refusal]) -> None:
        super().__init__(*(one.message for one in faults))
        self.faults = faults


class _Once:
    """A store some of whose answers are asked for once."""

    def __init__(self, store: Any, *names: str) -> None:
        self._store = store
        self._names = names
        self._answers: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._store, name)
        if name not in self._names:
            return ask

        async def once(*arguments: Any, **more: Any) -> Any:
            key = f"{name}{arguments}{more}"
            if key not in self._answers:
                self._answers[key] = await ask(*arguments, **more)
            return self._answers[key]

        return once


class Quick:
    """The unit, which asks once for what no row of this kind changes: half of the statements a row would need."""

    def __init__(self, unit: Unit, kind: SheetKind) -> None:
        self._unit = unit
        self.operators = _Once(unit.operators, "own")
        self.field_definitions = _Once(unit.field_definitions, "all", "now")
        self.resellers = _Once(unit.resellers, "tree")
        self.catalogue = _Once(unit.catalogue, "named")
        if kind is SheetKind.SUBSCRIPTIONS:
            self.contracts = _Once(unit.contracts, "many")
        if kind is SheetKind.CONTRACTS:
            self.customers = _Once(unit.customers, "many")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)


class Taking:
    """Makes what rows say, by the use cases, within the unit of a chunk."""

    def __init__(self, unit: Quick, actor: Actor, clock: Clock, places: Places) -> None:
        self._unit = cast("Unit", unit)
        self._actor = actor
        self._clock = clock
        self.places = places
        self._refers = References(self._unit, places)

    @asynccontextmanager
    async def _same(self, actor: Actor, *, bulk: bool = False) -> AsyncIterator[Unit]:
        assert actor is self._actor
        assert not bulk
        yield self._unit

    async def row(self, kind: SheetKind, row: Row) -> int:
        """Return the key of what was made. Refuses as the use case does, with ``field`` the column where it has one.

        What the row refers to is looked up first, and where that is not all there, also whether its number is taken,
        which the use case finds otherwise. Raises Faulty where there is more than one fault.
        """
        makers = {
            SheetKind.CUSTOMERS: self._customer,
            SheetKind.CONTRACTS: self._contract,
            SheetKind.SUBSCRIPTIONS: self._subscription,
            SheetKind.NUMBERS: self._number,
        }
        return await makers[kind](row)

    async def _customer(self, row: Row) -> int:
        values = dict(row.values)
        faults: list[Refusal] = []
        if (code := values.pop("reseller", None)) is not None and code not in self.places.resellers:
            faults.append(NotFound("no reseller {code}", code=code, field="reseller"))
        parent = None
        if "parent" in values:
            parent = CustomerId(await found(self._refers.customer(values["parent"], "parent"), faults))
        await self._refers.priced(values, faults)
        if faults and "number" in values and await is_there(self._unit.customers.by_number(values["number"])):
            faults.append(Conflict("customer number {number} is taken", number=values["number"], field="number"))
        _refuse(faults)
        cmd = CreateCustomer(
            name=values["name"],
            kind=values["kind"],
            address=Address(
                street=values["street"],
                street2=values.get("street2"),
                postcode=values["postcode"],
                city=values["city"],
                country=values["country"].upper(),
            ),
            parent=parent,
            reseller=None if code is None else self.places.resellers[code],
            fields=row.own,
            **_named(values, _CUSTOMER_FIELDS),
        )
        return (await create_customer(cmd, actor=self._actor, begin=self._same)).id

    async def _contract(self, row: Row) -> int:
        values = row.values
        faults: list[Refusal] = []
        customer = await found(self._refers.customer(values["customer"], "customer"), faults)
        services = []
        for one in values.get("services", ()):
            try:
                services.append(self._refers.service(one, values["start"]))
            except Refusal as no:
                faults.append(no)
        await self._refers.priced(values, faults)
        if faults and "number" in values and await is_there(self._unit.contracts.by_number(values["number"])):
            faults.append(Conflict("contract number {number} is taken", number=values["number"], field="number"))
        _refuse(faults)
        cmd = CreateContract(
            customer=CustomerId(customer),
            start=values["start"],
            state=values.get("state", ContractState.ACTIVE),
            services=tuple(services),
            terms=Terms(**_named(values, {"bindingMonths": "binding_months", "noticeMonths": "notice_months"})
                        | _named(values, {"seller": "seller"})),
            fields=row.own,
            **_named(values, {"end": "end", "number": "number", "priceList": "price_list"}),
        )  # fmt: skip
        return (await create_contract(cmd, actor=self._actor, begin=self._same, clock=self._clock)).id

    async def _subscription(self, row: Row) -> int:
        values = row.values
        numbers = values.get("numbers", ())
        faults: list[Refusal] = []
        if numbers and "validFrom" not in values:
            faults.append(BadValue("numbers need the time from when they are the line's", field="validFrom"))
        contract = await found(self._refers.contract(values["contract"]), faults)
        _refuse(faults)
        cmd = AddSubscription(
            contract=ContractId(contract),
            kind=values["kind"],
            label=values.get("label", ""),
            numbers=tuple(_identifier(one, values["validFrom"]) for one in numbers),
            pending=values.get("pending", False),
            fields=row.own,
        )
        return (await add_subscription(cmd, actor=self._actor, begin=self._same, clock=self._clock)).id

    async def _number(self, row: Row) -> int:
        values = row.values
        line = self.places.known(SheetKind.SUBSCRIPTIONS, values["subscription"])
        if line is None:
            raise NotFound("no subscription {key}", key=values["subscription"], field="subscription")
        one = NumberAssignment(
            number=values["number"],
            kind=values.get("kind", IdentifierKind.NUMBER),
            valid_from=values["validFrom"],
            valid_to=values.get("validTo"),
        )
        cmd = AssignNumbers(subscription=SubscriptionId(line), numbers=(one,))
        return (await assign_numbers(cmd, actor=self._actor, begin=self._same, clock=self._clock)).id


def _refuse(faults: Sequence[Refusal]) -> None:
    """Refuse a row with its faults, if it has any."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise Faulty(faults)


_CUSTOMER_FIELDS: Final = {
    "number": "number",
    "identityNumber": "identity_number",
    "vatId": "vat_id",
    "email": "email",
    "phone": "phone",
    "language": "language",
    "paymentTermsDays": "payment_terms_days",
    "delivery": "delivery",
    "endpoint": "endpoint",
    "callSpecification": "call_specification",
    "maskDigits": "mask_digits",
    "priceList": "price_list",
    "creditLimit": "credit_limit",
    "buyerReference": "buyer_reference",
    "orderReference": "order_reference",
    "costCentre": "cost_centre",
    "billingDay": "billing_day",
    "directDebit": "direct_debit",
    "throughParent": "through_parent",
}


def _named(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {to: values[name] for name, to in names.items() if name in values}


def _identifier(text: str, valid_from: Any) -> NumberAssignment:
    kind, colon, rest = text.partition(":")
    kinds = {one.value: one for one in IdentifierKind}
    if colon and kind.lower() in kinds:
        return NumberAssignment(number=rest.strip(), kind=kinds[kind.lower()], valid_from=valid_from)
    return NumberAssignment(number=text, valid_from=valid_from)
