"""Made-up operator, customers and contracts that the invoicing tests start from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import Service
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.customers.customer import Customer, CustomerKind, Delivery
from domain.ids import BillRunId, ContractId, CustomerId, InvoiceId, OperatorId, ServiceId, SubscriptionId
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Bill
from domain.invoicing.bill_run import BillRun, BillRunState, UsageTotal
from domain.invoicing.fees import Window
from domain.invoicing.invoice import Invoice, numbered
from domain.operators import Address, Operator
from domain.period import Period

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1))

OPERATOR = Operator(
    id=OperatorId(1),
    code="norrtel",
    name="Norrtel Telekom AB",
    organisation_number="5560747551",
    vat_id="SE556074755101",
    address=Address("Storgatan 1", "111 22", "Stockholm", "SE"),
    bankgiro="50501055",
    iban="SE4550000000058398257466",
    email="faktura@norrtel.example",
    phone="+46850000000",
    endpoint="0007:5560747551",
)

PAYER = Customer(
    id=CustomerId(10),
    operator=OPERATOR.id,
    number="1010",
    kind=CustomerKind.ORGANISATION,
    name="Åkerö Snickeri & Bygg AB",
    address=Address("Verkstadsgatan 7", "972 33", "Luleå", "SE"),
    identity_number="5567037485",
    vat_id="SE556703748501",
    endpoint="0007:5567037485",
    delivery=Delivery.PEPPOL,
)

BRANCH = replace(
    PAYER, id=CustomerId(11), number="1011", name="Åkerö filial Öjebyn", parent=PAYER.id, through_parent=True
)

MOBILE = Service(
    id=ServiceId(1),
    operator=OPERATOR.id,
    code="MOB",
    name="Mobil Företag",
    one_time_fee=Decimal(49),
    periodic_fee=Decimal("199.00"),
)
SWITCHBOARD = replace(MOBILE, id=ServiceId(2), code="VX", name="Växel", one_time_fee=Decimal(0), in_advance=False)


def contract(start: date, *services: ContractService, **changes: Any) -> Contract:
    fields: dict[str, Any] = {
        "id": ContractId(100),
        "operator": OPERATOR.id,
        "customer": PAYER.id,
        "number": "A-100",
        "start": start,
        "state": ContractState.ACTIVE,
        "services": services or (ContractService(service=MOBILE.id, start=start),),
    }
    return Contract(**{**fields, **changes})


def subscription(key: int = 1000, customer: CustomerId = PAYER.id, number: str = "46701740605") -> Subscription:
    return Subscription(
        id=SubscriptionId(key),
        operator=OPERATOR.id,
        customer=customer,
        contract=ContractId(100),
        kind=SubscriptionKind.MOBILE,
        numbers=(NumberAssignment(number=number, valid_from=datetime(2020, 1, 1, tzinfo=UTC)),),
    )


def usage(amount_micro: int, **changes: Any) -> UsageTotal:
    fields: dict[str, Any] = {
        "customer": PAYER.id,
        "contract": ContractId(100),
        "subscription": SubscriptionId(1000),
        "mode": "voice",
        "direction": "out",
        "group": "Sverige mobil",
        "currency": "SEK",
        "late": False,
        "first": OCTOBER.start,
        "events": 7,
        "used": 754,
        "amount_micro": amount_micro,
    }
    return UsageTotal(**{**fields, **changes})


def bill(**changes: Any) -> Bill:
    period = changes.pop("period", OCTOBER)
    run = BillRun(
        id=BillRunId(1),
        operator=OPERATOR.id,
        period=period,
        fees_until=period.end,
        issued_on=period.end,
        horizon=9,
        state=BillRunState.RUNNING,
        client="test",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    fields: dict[str, Any] = {
        "operator": OPERATOR,
        "run": run,
        "window": Window(period, run.fees_until, since=OCTOBER.start),
        "payer": PAYER,
        "members": (PAYER,),
        "contracts": {PAYER.id: (contract(date(2026, 10, 1)),)},
        "services": {each.id: each for each in (MOBILE, SWITCHBOARD)},
        "subscriptions": {SubscriptionId(1000): subscription()},
        "usage": {},
        "billed": {},
    }
    return Bill(**{**fields, **changes})


def issued(made: Bill | None = None, number: str = "100001") -> Invoice:
    invoice = assemble(made or bill(usage={PAYER.id: (usage(12_345_678),)}))
    assert isinstance(invoice, Invoice)
    return numbered(invoice, id=InvoiceId(1), number=number, reference="10000180")
