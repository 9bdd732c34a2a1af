"""A world in which every price that somebody may not see is a number that stands nowhere else.

East (reseller) buys of the operator and sells to below; west (sibling) stands beside him. Each level's price of a call,
and what is between any two of them, is six digits, in whatever unit and with whatever decimals it is told.
"""

from __future__ import annotations

import base64
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from pypdf import PdfReader

from api.graphql.ids import global_id, read_id
from domain.access.actor import Action
from tests.api.conftest import House, add_client
from tests.api.everything import Given
from tests.api.month import call
from tests.api.test_graphql_parties import gql
from tests.api.test_resellers import bill, customer, do, own_list, terms

COST: Final = 733291
LOSS: Final = 1381391  # what a call to a fixed line costs: more than anybody pays
BASE: Final = 712772  # the list above the one that east buys at
STEP: Final = 129847  # by how much that one is dearer
EAST, BELOW, WEST = BASE + STEP, 961153, 868421  # what each reseller pays
EAST_SELLS, WEST_SELLS, OWN = 1264853, 1221967, 1117339
FEE, EAST_FEE, BELOW_FEE = 523179, 391723, 507191  # for a service, by the month
NUMBERS: Final = {
    "operator": "46850000001",
    "reseller": "46850000002",
    "below": "46850000003",
    "sibling": "46850000004",
}
CALLED: Final = ("46701740605", "46812345678")  # at the price, and below cost
BOTH: Final = COST + LOSS
MARGINS: Final = tuple(abs(one) for x in (EAST, OWN, WEST) for one in (x - COST, x - LOSS, 2 * x - BOTH))
COSTS: Final = (COST, LOSS, BOTH, *MARGINS)
# What a caller sees nowhere, by the client that he calls as.
UNSEEN: Final[Mapping[str, tuple[int, ...]]] = {
    "desk": COSTS,
    "reseller": (*COSTS, BASE, STEP, WEST, WEST_SELLS, WEST_SELLS - WEST, FEE - EAST_FEE, OWN),
    "below": (
        *(*COSTS, BASE, STEP, EAST, WEST, WEST_SELLS, WEST_SELLS - WEST, OWN, EAST_FEE, BELOW_FEE - EAST_FEE),
        *(BELOW - EAST, EAST_SELLS - EAST),
    ),
    "sibling": (
        *(*COSTS, BASE, STEP, EAST, BELOW, EAST_SELLS, EAST_SELLS - EAST, BELOW - EAST, EAST_SELLS - BELOW, OWN),
        *(EAST_FEE, BELOW_FEE, BELOW_FEE - EAST_FEE),
    ),
    "other": (*COSTS, BASE, STEP, EAST, BELOW, WEST, EAST_SELLS, WEST_SELLS, OWN, EAST_FEE, BELOW_FEE),
}
TIMES: Final = 6  # of how many events a sum is looked for
BESIDE: Final = frozenset({Action.READ_COSTS, Action.WRITE_PRICES})  # what the desk may not
_BETWEEN: Final = re.compile(r"(?<=\d)[.,'\s\u00a0\u202f\u2009](?=\d)")
_CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d+)?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_\-+/]{8,}={0,2}")


def money(number: int) -> str:
    """Return a price of six digits as the crowns that it is, with two decimals."""
    return f"{number // 100}.{number % 100:02}"


@dataclass
class World:
    """``customers``, ``contracts``, ``lines``: of whom each is, to its global id."""

    customers: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    service: str = ""


def rate(to: str, price: int) -> dict[str, Any]:
    return {"to": to, "mode": "voice", "steps": [{"price": money(price), "per": 60}]}


def tariff(cost: int = COST, loss: int = LOSS) -> dict[str, Any]:
    """Return the operator's catalogue."""
    lists = {
        "Retail": {"currency": "SEK", "rates": [rate("*", OWN)]},
        "Base": {"currency": "SEK", "rates": [rate("*", BASE)]},
        "Partner": {
            "parent": "Base",
            "rates": [{"to": "*", "mode": "voice", "adjust": {"amount": money(STEP)}}],
        },
        "West buys": {"currency": "SEK", "rates": [rate("*", WEST)]},
        "Carrier": {"currency": "SEK", "rates": [rate("SE mobile", cost), rate("SE fixed", loss)]},
    }
    return {
        "destinations": {"SE mobile": {"prefixes": ["467"]}, "SE fixed": {"prefixes": ["468"]}},
        "price_lists": lists,
        "trunks": {"T1": {"cost": "Carrier"}},
    }


async def make_world(house: House, cost: int = COST, loss: int = LOSS) -> World:
    """Make it, up to the invoices, the statement of commissions and the alarms."""
    await add_client(house.database, "below", 1, 3)
    await add_client(house.database, "desk", 1, None, set(Action) - BESIDE)
    await load_tariff(house, cost, loss)
    world = World()
    asked = {"code": "BB", "name": "Broadband", "periodicFee": money(FEE), "inAdvance": False}
    shows = "... on Service { id }"
    world.service = (await do(house, "operator", "createService", "CreateServiceInput", shows, **asked))["id"]
    await _resellers(house, world)
    for owner, sold in (
        ("operator", "Retail"), ("reseller", "East sells"), ("below", "East sells"), ("sibling", "West sells"),
    ):  # fmt: skip
        await _party(house, world, owner, sold)
    asked = {"name": "Margin", "basis": "MARGIN", "percent": "7", "validFrom": "2026-01-01"}
    await do(house, "operator", "putCommissionRule", "PutCommissionRuleInput", **asked)
    for client, code in (("operator", "anna"), ("reseller", "eva"), ("sibling", "wim")):
        await do(house, client, "putSalesperson", "PutSalespersonInput", code=code, name=code.title())
    await calls(house, "Master.csv")
    await bill(house)
    made = 'mutation { a: makeCommissionStatement(since: "2026-03-01", until: "2026-04-01") { __typename } }'
    assert (await gql(house, "operator", made))["a"]["__typename"] == "CommissionStatement"
    return world


async def load_tariff(house: House, cost: int = COST, loss: int = LOSS) -> None:
    load = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename ... on Refusal { message } } }"
    done = (await gql(house, "operator", load, d=json.dumps(tariff(cost, loss))))["importTariff"]
    assert done["__typename"] == "TariffImported", done


async def calls(house: House, name: str, day: str = "2026-03-02") -> None:
    """Import a call of everybody's to each of the two numbers."""
    content = "".join(
        call(number, called, f"{name}{place}{index}.1")
        for index, number in enumerate(NUMBERS.values())
        for place, called in enumerate(CALLED)
    ).replace("2026-03-02", day)
    answer = await house.call("operator", "PUT", f"/rest/v1/cdr/asterisk/{name}?wait", content=content)
    assert answer.status_code == 201, answer.text


async def _resellers(house: House, world: World) -> None:
    """Let east buy at a list above which there is another, sell to below at one of his own, and west beside him."""
    buys = await customer(house, "operator", "East as a buyer")
    await terms(house, "operator", 1, priceList="Partner", customer=buys)
    await terms(house, "operator", 2, priceList="West buys")
    for client, name, parent, price in (
        ("reseller", "East to below", "Partner", BELOW),
        ("reseller", "East sells", "Partner", EAST_SELLS),
        ("sibling", "West sells", "West buys", WEST_SELLS),
    ):
        await own_list(house, client, name, parent, money(price))
    bought = await customer(house, "reseller", "Below as a buyer")
    await terms(house, "reseller", 3, priceList="East to below", customer=bought)
    world.customers |= {"east buys": buys, "below buys": bought}
    for client, key, fee in (("operator", 1, EAST_FEE), ("reseller", 3, BELOW_FEE)):
        asked = {"reseller": global_id("Reseller", key), "service": world.service, "validFrom": "2026-01-01"}
        kind = "PutResellerServicePriceInput"
        await do(house, client, "putResellerServicePrice", kind, periodicFee=money(fee), **asked)


async def _party(house: House, world: World, owner: str, sold: str) -> None:
    """Make a customer with a contract, a service and a line."""
    seller = {"operator": "anna", "sibling": "wim"}.get(owner, "eva")
    world.customers[owner] = made = await customer(house, owner, f"Customer of {owner}")
    by = "operator" if owner == "operator" else "sibling" if owner == "sibling" else "reseller"
    change = {"customer": made, "version": 1, "priceList": sold}
    await do(house, by, "changeCustomer", "ChangeCustomerInput", **change)
    asked = {
        "customer": made, "start": "2026-01-01", "state": "ACTIVE", "terms": {"seller": seller},
        "services": [{"service": world.service, "start": "2026-01-01"}],
    }  # fmt: skip
    shows = "... on Contract { id }"
    world.contracts[owner] = (await do(house, owner, "createContract", "CreateContractInput", shows, **asked))["id"]
    numbers = [{"number": NUMBERS[owner], "validFrom": "2026-01-01T00:00:00Z"}]
    line = {"contract": world.contracts[owner], "kind": "FIXED", "numbers": numbers}
    shows = "... on Subscription { id }"
    world.lines[owner] = (await do(house, owner, "addSubscription", "AddSubscriptionInput", shows, **line))["id"]


async def first_ids(house: House, client: str, query: str) -> list[str]:
    """Return the ids of the first of a list, as the client sees it; none where he may not."""
    answer = await house.call(client, "POST", "/graphql", json={"query": f"{{ a: {query} }}"})
    return re.findall(r'"id": ?"([^"]+)"', answer.text)


async def given(house: House, world: World, client: str) -> Given:
    """Return what a client has to ask with: what is his first, then what is everybody's."""
    owners = sorted(world.lines, key=lambda one: (one != client, one))
    period = 'filter: {since: "2026-03-01T00:00:00+01:00", until: "2026-04-01T00:00:00+02:00"}'
    ids = {
        "Customer": [world.customers[one] for one in (*owners[:1], "east buys", "below buys")],
        "Contract": [world.contracts[one] for one in owners[:1]],
        "Subscription": [world.lines[one] for one in owners[:1]],
        "Service": [world.service],
        "Reseller": [global_id("Reseller", key) for key in (1, 2, 3)],
    }
    page = "(first: 20) { edges { node { id } } }"
    for kind, query in (
        ("Invoice", f"invoices{page}"), ("Invoice", f"receivedInvoices{page}"), ("File", f"files{page}"),
        ("Usage", f"usage({period}, first: 20) {{ edges {{ node {{ id }} }} }}"), ("Alarm", f"alarms{page}"),
        ("CommissionStatement", f"commissionStatements{page}"), ("Simulation", f"simulations{page}"),
        ("BillRun", f"billRuns{page}"), ("PriceList", f"priceLists{page}"), ("ContractQuote", f"quotes{page}"),
        ("Approval", f"approvals{page}"), ("Event", f"events{page}"), ("Rerating", f"reratings{page}"),
    ):  # fmt: skip
        found = await first_ids(house, client, query)
        ids[kind] = [*ids.get(kind, []), *(key for key in found if read_id(key)[0] == kind)][:6]
    lists = ["Carrier", "Base", "Partner", "West buys", "East to below", "East sells", "West sells", "Retail"]
    number = NUMBERS.get(client, NUMBERS["operator"])
    texts = {
        "name": [*lists, "spring"], "priceList": lists, "number": [CALLED[0], number], "trunk": ["T1"],
        "destination": ["SE mobile"], "draft": ["spring"], "currency": ["SEK"], "operation": ["sum_margins"],
    }  # fmt: skip
    called = [{"calling": number, "number": to, "trunk": "T1", "used": 60} for to in CALLED]
    event = {
        "id": "1", "a": number, "b": CALLED[0], "start": "2026-03-02T10:00:00Z", "used": 60, "mode": "voice",
        "direction": "out", "trunk": "T1",
    }  # fmt: skip
    bodies: dict[str, list[Any]] = {
        "/rest/v1/price-call": called, "/rest/v1/explain-call": called, "/rest/v1/rate": [{"events": [event]}],
    }  # fmt: skip
    return Given(ids, texts, await _elements(house, world, client, number, ids["Usage"]), bodies)


async def _elements(house: House, world: World, client: str, number: str, events: list[str]) -> dict[str, list[str]]:
    """Return what SOAP calls the same things."""
    owner = client if client in world.customers else "operator"
    customer, contract = world.customers[owner], world.contracts[owner]
    query = f'{{ a: customer(id: "{customer}") {{ number }} b: contract(id: "{contract}") {{ number }} }}'
    known = (await gql(house, owner, query)) if client != "other" else {"a": {"number": "1"}, "b": {"number": "1"}}
    bills = await house.call(client, "POST", "/graphql", json={"query": "{ invoices { edges { node { number } } } }"})
    return {
        **{name: [known["a"]["number"]] for name in ("customerNumber", "customer", "payer")},
        **{name: [known["b"]["number"]] for name in ("contractNumber", "contract")},
        "callingNumber": [number], "calledNumber": list(CALLED), "trunk": ["T1"],
        "event": [read_id(key)[1] for key in events] or ["1.1.1"],
        "subscription": [read_id(world.lines[owner])[1]],
        "reseller": ["east", "below", "west"], "code": ["east", "BB"], "service": ["BB"],
        "invoiceNumber": re.findall(r'"number": ?"([^"]+)"', bills.text) or ["1"],
        "format": ["pdf"], "priceList": ["Carrier", "Partner"], "id": ["1", "2", "3"],
    }  # fmt: skip


def plain(text: str) -> str:
    """Return a text without times of day, whose microseconds are any six digits, and what stands between digits."""
    return _BETWEEN.sub("", _CLOCK.sub(" ", text))


def unpacked(content: bytes) -> Iterator[str]:
    """Yield what an answer says: itself, the texts of a PDF or a workbook, and what its cursors and ids hold."""
    if content.startswith(b"%PDF"):
        reader = PdfReader(BytesIO(content))
        yield from (page.extract_text() for page in reader.pages)
        yield from (part.decode("utf-8", "replace") for parts in reader.attachments.values() for part in parts)
        return
    if content.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            yield from (archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
        return
    text = content.decode("utf-8", "replace")
    yield text
    for token in set(_TOKEN.findall(text)):
        try:
            inner = base64.urlsafe_b64decode(token.replace("+", "-").replace("/", "_") + "=" * (-len(token) % 4))
        except ValueError:
            continue
        if inner.startswith((b"%PDF", b"PK")):
            yield from unpacked(inner)
        elif inner.isascii():
            yield inner.decode()


def marks(numbers: tuple[int, ...]) -> dict[str, int]:
    """Return the digits that are looked for, of one and of several of each number, with the number they are of."""
    return {str(times * one): one for one in numbers for times in range(1, TIMES + 1)}


def told(content: bytes, numbers: tuple[int, ...]) -> set[int]:
    """Return which of the numbers an answer tells."""
    wanted = marks(numbers)
    found = set()
    for text in unpacked(content):
        bare = plain(text)
        found |= {one for digits, one in wanted.items() if digits in bare}
    return found
