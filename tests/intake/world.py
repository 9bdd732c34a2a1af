"""A small operator with a reseller under a reseller, and Asterisk files of calls by its numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.wiring import Wiring
from domain.access.actor import Action, Actor, system
from domain.catalogue.document import read_tariff
from domain.contracts.contract import Contract
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.customers.customer import Customer, CustomerKind
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, SubscriptionId
from domain.operators import Address, Operator
from domain.ports.unit import Begin
from domain.resellers.reseller import Reseller
from domain.usecases.create_operator import create_operator
from domain.usecases.import_cdr import ImportCdr, Imported, import_cdr
from domain.usecases.put_source import PutSource, put_source

HOME = Address(street="Provgatan 1", postcode="11122", city="Stockholm", country="SE")
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
# 2026-03-02 08:00:00 in Stockholm
FIRST = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def rate(to: str, price: str, *, setup: str = "0", each: int = 1) -> dict[str, object]:
    steps = [{"from": 0, "next": each, "price": price, "per": 60}]
    return {"to": to, "mode": "voice", "setup": setup, "first": each, "steps": steps}


def plist(*rates: dict[str, object], currency: str = "SEK", zone: str = "Europe/Stockholm") -> dict[str, object]:
    return {"currency": currency, "zone": zone, "rates": list(rates)}


HALF = {"to": "group:Sweden", "mode": "voice", "adjust": {"percent": "-50"}}
RETAIL = plist(
    rate("Sweden fixed", "0.30", setup="0.49"),
    rate("Sweden mobile", "0.60", setup="0.69"),
    rate("Norway", "1.20", setup="0.69", each=60),
)
TARIFF: dict[str, object] = {
    "destinations": {
        "Sweden fixed": {"prefixes": ["46"], "groups": ["Sweden"]},
        "Sweden mobile": {"prefixes": ["467"], "groups": ["Sweden"]},
        "Norway": {"prefixes": ["47"]},
        "Iceland": {"prefixes": ["354"]},
    },
    "price_lists": {
        "retail": RETAIL,
        "retail B": {"parent": "retail", "rates": [HALF]},
        "wholesale": plist(rate("*", "0.12")),
        "wholesale sub": plist(rate("*", "0.18")),
        "cost": plist(rate("*", "0.005"), currency="EUR", zone="UTC"),
    },
    "trunks": {"T1": {"cost": "cost"}},
}


@dataclass(frozen=True)
class World:
    """Keys of what ``make`` has made. Numbers: 4670000000N belongs to the subscription with index N."""

    operator: OperatorId
    reseller: ResellerId
    below: ResellerId
    sibling: ResellerId
    customers: tuple[CustomerId, ...]
    subscriptions: tuple[SubscriptionId, ...]

    @property
    def actor(self) -> Actor:
        return system(self.operator, "test")

    def of_reseller(self, *resellers: ResellerId, scopes: Sequence[Action] = tuple(Action)) -> Actor:
        return Actor(
            operator=self.operator,
            client="reseller",
            scopes=frozenset(scopes),
            reseller=resellers[0],
            resellers=resellers,
        )


class FixedClock:
    def now(self) -> datetime:
        return NOW


async def make(begin: Begin, code: str = "prov") -> World:
    """Make the operator: customer 0 is his own, 1 the reseller's, 2 the reseller's below, 3 the sibling's."""
    operator = await create_operator(
        Operator(
            id=OperatorId(0),
            code=code,
            name="Prov Telefoni AB",
            organisation_number="5560360793",
            vat_id="SE556036079301",
            address=HOME,
        ),
        begin=begin,
    )
    actor = system(operator.id, "test")
    async with begin(actor) as unit:
        await unit.catalogue.publish(read_tariff(TARIFF), recorded_at=NOW - timedelta(days=300))
        blank = Reseller(id=ResellerId(0), operator=operator.id, code="R1", name="Ett", price_list="wholesale")
        reseller = await unit.resellers.add(blank)
        below = await unit.resellers.add(
            replace(blank, code="R2", name="Två", parent=reseller.id, price_list="wholesale sub")
        )
        sibling = await unit.resellers.add(replace(blank, code="R3", name="Tre", price_list=None))
    customers, subscriptions = [], []
    owners = (None, reseller.id, below.id, sibling.id)
    for index, owner in enumerate(owners):
        async with begin(actor) as unit:
            customer, subscription = await _line(unit, operator.id, index, owner)
        customers.append(customer)
        subscriptions.append(subscription)
    return World(operator.id, reseller.id, below.id, sibling.id, tuple(customers), tuple(subscriptions))


async def _line(unit, operator, index, reseller):
    customer = await unit.customers.add(
        Customer(
            id=CustomerId(0),
            operator=operator,
            number=f"K{index}",
            kind=CustomerKind.PERSON,
            name=f"Kund {index}",
            address=HOME,
            reseller=reseller,
            price_list="retail",
        )
    )
    contract = await unit.contracts.add(
        Contract(
            id=ContractId(0),
            operator=operator,
            customer=customer.id,
            number=f"A{index}",
            start=BEGAN.date(),
            price_list="retail B" if index == 1 else None,
            reseller=reseller,
        )
    )
    subscription = await unit.subscriptions.add(
        Subscription(
            id=SubscriptionId(0),
            operator=operator,
            customer=customer.id,
            contract=contract.id,
            kind=SubscriptionKind.MOBILE,
            reseller=reseller,
            numbers=(NumberAssignment(number=number(index), valid_from=BEGAN),),
        )
    )
    return customer.id, subscription.id


def number(index: int) -> str:
    return f"4670000000{index}"


def row(
    place: int,
    *,
    a: str,
    b: str,
    seconds: int = 60,
    start: datetime | None = None,
    trunk: str = "T1",
    incoming: bool = False,
) -> str:
    """Return one line of Asterisk's cdr-csv, 21 columns: UTC in its unique id, Stockholm's winter elsewhere."""
    begun = start or FIRST + timedelta(seconds=7 * place)
    local = begun + timedelta(hours=1)
    answered = local + timedelta(seconds=5)
    ended = answered + timedelta(seconds=seconds)
    stamp = "%Y-%m-%d %H:%M:%S"
    unique = f"{int(begun.timestamp())}.{place}"
    channels = [f"PJSIP/{a}-{place:08x}", f"PJSIP/{trunk}-{place:08x}"]
    times = [local.strftime(stamp), answered.strftime(stamp) if seconds else "", ended.strftime(stamp)]
    fields = [
        *(trunk if incoming else "", a, b, "from-trunk" if incoming else "from-internal", f'""{a}"" <{a}>'),
        *(*channels, "Dial", f"PJSIP/{b}@{trunk}", *times, seconds + 5, seconds),
        *(
            "ANSWERED" if seconds else "NO ANSWER",
            "DOCUMENTATION",
            unique,
            "",
            "" if incoming else trunk,
            unique,
            place,
        ),
    ]
    return ",".join(str(field) if isinstance(field, int) else f'"{field}"' if field else "" for field in fields)


def lines(*rows: str) -> bytes:
    return "".join(f"{one}\n" for one in rows).encode()


def calls(count: int, *, first: int = 0, subscribers: int = 4) -> bytes:
    """Return a file of calls by the operator's numbers in turn, to Sweden, Norway and mobiles."""
    to = ("46850000000", "4722000000", "46701234567")
    places = range(first, first + count)
    return lines(*(row(n, a=number(n % subscribers), b=to[n % 3], seconds=n % 200) for n in places))


PROFILE = """
name = "asterisk-prov"
reader = "asterisk"
[time]
zone = "Europe/Stockholm"
[number]
country = "SE"
[map]
trunk_in = "accountcode"
trunk_out = "peeraccount"
[direction]
out = { dcontext = ["from-internal"] }
"""


async def content(data: bytes, *, block: int = 1 << 16) -> AsyncIterator[bytes]:
    for start in range(0, len(data), block):
        yield data[start : start + block]


async def with_source(wiring: Wiring, code: str) -> World:
    """Make the operator with the source ``pbx``."""
    one = await make(wiring.begin, code)
    await put_source(
        PutSource(name="pbx", profile=PROFILE), actor=one.actor, begin=wiring.begin, formats=wiring.formats
    )
    return one


async def load(
    wiring: Wiring,
    world: World,
    data: bytes,
    *,
    name: str = "Master.csv",
    source: str = "pbx",
    actor: Actor | None = None,
    size_max: int = 1 << 30,
    **options: Any,
) -> Imported:
    """Import bytes."""
    return await import_cdr(
        ImportCdr(source=source, name=name, content=content(data), size_max=size_max),
        actor=actor or world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
        **options,
    )
