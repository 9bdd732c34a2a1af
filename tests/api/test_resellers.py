"""A reseller provisions, prices and sells by program alone; what he buys and sells is invoiced, tier by tier."""

from __future__ import annotations

import base64
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image

from api.graphql.ids import global_id, read_id
from domain.access.actor import system
from domain.ids import InvoiceId, OperatorId
from domain.refusal import WrongState
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from tests.api.conftest import House, add_client
from tests.api.month import call
from tests.api.test_graphql_parties import gql


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (40, 20), (170, 0, 17, 128)).save(out, "PNG")
    return out.getvalue()


PNG = picture()
TARIFF: dict[str, Any] = {
    "destinations": {"SE mobile": {"prefixes": ["467"]}},
    "price_lists": {
        name: {"currency": "SEK", "rates": [{"to": "*", "mode": "voice", "steps": [{"price": price, "per": 60}]}]}
        for name, price in (("Retail", "6.00"), ("Wholesale", "2.00"), ("Cost", "1.00"))
    },
    "trunks": {"T1": {"cost": "Cost"}},
}
ADDRESS = {"street": "Gatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}
SELLER = {
    "name": "East Telecom AB",
    "organisationNumber": "5560360793",
    "vatId": "SE556036079301",
    "address": ADDRESS,
    "bankgiro": "5050-1055",
    "accent": "#AA0011",
    "note": "Tack for att du valde East.",
}
OUTCOME = "{ __typename ... on Refusal { code message field } "


async def do(house: House, client: str, name: str, kind: str, shows: str = "", /, **asked: Any) -> dict[str, Any]:
    query = f"mutation($input: {kind}!) {{ a: {name}(input: $input) {OUTCOME} {shows} }} }}"
    found: dict[str, Any] = (await gql(house, client, query, input=asked))["a"]
    assert "code" not in found, (name, found)
    return found


async def customer(house: House, client: str, name: str, **fields: Any) -> str:
    asked = {"name": name, "kind": "ORGANISATION", "address": ADDRESS} | fields
    return str(
        (await do(house, client, "createCustomer", "CreateCustomerInput", "... on Customer { id }", **asked))["id"]
    )


async def line(house: House, client: str, owner: str, number: str) -> None:
    asked = {"customer": owner, "start": "2026-01-01", "state": "ACTIVE"}
    made = await do(house, client, "createContract", "CreateContractInput", "... on Contract { id }", **asked)
    numbers = [{"number": number, "validFrom": "2026-01-01T00:00:00Z"}]
    await do(
        house, client, "addSubscription", "AddSubscriptionInput", contract=made["id"], kind="FIXED", numbers=numbers
    )


async def terms(house: House, client: str, reseller: int, **fields: Any) -> None:
    asked = {"reseller": global_id("Reseller", reseller), "validFrom": "2026-01-01T00:00:00Z"} | fields
    await do(house, client, "changeResellerTerms", "ChangeResellerTermsInput", **asked)


async def own_list(house: House, client: str, name: str, parent: str, price: str) -> None:
    rates = [{"to": "*", "mode": "voice", "steps": [{"price": price, "per": 60}]}]
    await do(house, client, "createPriceList", "CreatePriceListInput", name=name, parent=parent, rates=rates)


async def world(house: House) -> dict[str, str]:
    """East (1) buys at Wholesale and sells to below (3) at a list of his own; both have a customer with one call."""
    load = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename } }"
    assert (await gql(house, "operator", load, d=json.dumps(TARIFF)))["importTariff"]["__typename"] == "TariffImported"
    east = await customer(house, "operator", "East as a buyer")
    await terms(house, "operator", 1, priceList="Wholesale", customer=east)
    # From here on the reseller does it all by himself.
    await own_list(house, "reseller", "East to below", "Wholesale", "3.00")
    await own_list(house, "reseller", "East retail", "Wholesale", "5.00")
    logo = (
        await gql(
            house,
            "reseller",
            f'mutation {{ a: putLogo(content: "{base64.b64encode(PNG).decode()}") '
            "{ ... on Logo { sha256 } ... on Refusal { message } } }",
        )
    )["a"]["sha256"]
    asked = {"reseller": global_id("Reseller", 1), "version": 1, "seller": SELLER | {"logo": logo}}
    changed = await do(
        house, "reseller", "changeReseller", "ChangeResellerInput", "... on Reseller { version }", **asked
    )
    assert changed["version"] == 2
    below = await customer(house, "reseller", "Below as a buyer")
    await terms(house, "reseller", 3, priceList="East to below", customer=below)
    first = await customer(house, "reseller", "East's customer", priceList="East retail")
    second = await customer(
        house, "reseller", "Below's customer", priceList="East retail", reseller=global_id("Reseller", 3)
    )
    await line(house, "reseller", first, "46850000001")
    await line(house, "reseller", second, "46850000002")
    return {"east": east, "below": below, "first": first, "second": second}


async def imported(house: House, *numbers: str, file: str = "a.csv") -> None:
    content = "".join(call(one, "46701740605", f"{file}{one}") for one in numbers)
    answer = await house.call("operator", "PUT", f"/rest/v1/cdr/asterisk/{file}?wait", content=content)
    assert answer.status_code == 201, answer.text


async def bill(house: House, month: str = "2026-03") -> int:
    run = f'mutation {{ a: runBills(input: {{month: "{month}"}}) {{ ... on BillRunDone {{ run {{ invoices }} }} }} }}'
    return int((await gql(house, "operator", run))["a"]["run"]["invoices"])


async def bills(house: House, client: str = "operator") -> dict[str, dict[str, Any]]:
    query = (
        "{ invoices { edges { node { id number kind net seller { name } customer { id } payment { reference } } } } }"
    )
    found = await gql(house, client, query)
    return {edge["node"]["customer"]["id"]: edge["node"] for edge in found["invoices"]["edges"]}


async def test_every_tier_is_invoiced_by_the_one_it_buys_from(house: House) -> None:
    who = await world(house)
    await imported(house, "46850000001", "46850000002")
    assert await bill(house) == 4
    found = {name: (await bills(house))[key] for name, key in who.items()}
    told = {name: (one["seller"]["name"], Decimal(one["net"]), one["number"]) for name, one in found.items()}
    north, east = "North Telecom AB", "East Telecom AB"
    # Both calls are bought by east at 2.00; one of them by below at 3.00; the end customers pay 5.00 each.
    assert {name: each[:2] for name, each in told.items()} == {
        "east": (north, Decimal("4.00")),
        "below": (east, Decimal("3.00")),
        "first": (east, Decimal("5.00")),
        "second": (east, Decimal("5.00")),  # below has no seller of his own, so the nearest above sells
    }
    assert told["east"][2].isdigit()
    numbers = sorted(each[2] for name, each in told.items() if name != "east")
    assert numbers == ["R1-100001", "R1-100002", "R1-100003"]
    # Nothing is left; what comes late is billed late, and once.
    assert await bill(house) == 0
    await imported(house, "46850000002", file="late.csv")
    assert await bill(house, "2026-04") == 3
    late = {name: (await bills(house))[key] for name, key in who.items()}
    assert Decimal(late["east"]["net"]) == Decimal("2.00")
    assert Decimal(late["below"]["net"]) == Decimal("3.00")


async def test_an_event_is_bought_by_the_terms_of_its_own_time(house: House) -> None:
    who = await world(house)
    rates = [{"to": "*", "mode": "voice", "steps": [{"price": "0.50", "per": 60}]}]
    await do(
        house, "operator", "createPriceList", "CreatePriceListInput", name="Cheap", parent="Wholesale", rates=rates
    )
    # The calls are of 2 March: they came in when cheaper terms held already, and later ones were agreed.
    await terms(house, "operator", 1, priceList="Cheap", validFrom="2026-03-02T12:00:00Z")
    await terms(house, "operator", 1, priceList="Retail", validFrom="2026-05-01T00:00:00Z")
    await imported(house, "46850000001")
    await bill(house)
    assert Decimal((await bills(house))[who["east"]]["net"]) == Decimal("2.00")
    await terms(house, "operator", 1, priceList="Cheap", validFrom="2026-03-02T00:00:00Z")
    await imported(house, "46850000002", file="later.csv")
    await bill(house, "2026-04")
    assert Decimal((await bills(house))[who["east"]]["net"]) == Decimal("0.50")


async def test_a_sellers_documents_are_his_own(house: House) -> None:
    who = await world(house)
    await imported(house, "46850000001")
    await bill(house)
    invoice = (await bills(house, "reseller"))[who["first"]]
    assert invoice["payment"]["reference"] == "10000180"  # of the digits behind the prefix
    document = await house.call("reseller", "GET", f"/rest/v1/invoices/{read_id(invoice['id'])[1]}.pdf")
    assert document.content.startswith(b"%PDF")
    async with house.database.transaction(operator=1) as unit:
        kept = json.loads(
            await unit.connection.fetchval("select document from invoice where seller = 1 order by id limit 1")
        )
        booked = await unit.connection.fetchval("select count(*) from ledger_entry where operator = 1")
    assert kept["seller"]["identity_number"] == SELLER["organisationNumber"]
    assert kept["bankgiro"] == "50501055"
    assert kept["look"]["accent"] == "#AA0011"
    assert kept["look"]["note"] == SELLER["note"]
    assert booked == 1  # what east buys; what east sells is in east's books
    # The credit note is of the same seller's series, and is made once.
    cmd = CreditInvoice(invoice=InvoiceId(int(read_id(invoice["id"])[1])))
    who_credits: dict[str, Any] = {"actor": system(OperatorId(1)), "begin": house.wiring.begin, "clock": house.clock}
    made = await credit_invoice(cmd, **who_credits)
    assert (made.number, made.sold_by) == ("R1-100001", 1)
    with pytest.raises(WrongState):
        await credit_invoice(cmd, **who_credits)
    # A prefix of one's own, from the next number on.
    change = (
        'mutation { a: changeSeries(input: {kind: INVOICE, expected: "100002", '
        f'reseller: "{global_id("Reseller", 1)}", prefix: "EAST-", next: "200001"}}) '
        "{ ... on Series { prefix next } ... on Refusal { code message field } } }"
    )
    assert (await gql(house, "sibling", change))["a"]["code"] == "NOT_FOUND"
    assert (await gql(house, "reseller", change))["a"] == {"prefix": "EAST-", "next": "200001"}
    await imported(house, "46850000001", file="b.csv")
    await bill(house, "2026-04")
    assert (await bills(house))[who["first"]]["number"] == "EAST-200001"


async def test_a_move_in_the_tree_holds_from_its_day(house: House) -> None:
    west = global_id("Reseller", 2)
    found = await do(
        house, "operator", "changeResellerTerms", "ChangeResellerTermsInput",
        "... on ResellerTerms { terms { validFrom parent { code } } }",
        reseller=global_id("Reseller", 3), validFrom="2026-01-01T00:00:00Z", parent=west,
    )  # fmt: skip
    assert [one["parent"]["code"] for one in found["terms"]] == ["west"]
    house.tokens.clear()
    seen = {
        client: await gql(house, client, "{ resellers { code parent { code } } }") for client in ("reseller", "sibling")
    }
    assert [one["code"] for one in seen["reseller"]["resellers"]] == ["east"]
    assert seen["sibling"]["resellers"] == [
        {"code": "west", "parent": None},
        {"code": "below", "parent": {"code": "west"}},
    ]
    round_trip = (
        f'mutation {{ a: changeResellerTerms(input: {{reseller: "{west}", parent: "{global_id("Reseller", 3)}"}}) '
        "{ ... on Refusal { code field } } }"
    )
    assert (await gql(house, "operator", round_trip))["a"] == {"code": "BAD_VALUE", "field": "parent"}


@pytest.mark.parametrize("client", ["reseller", "sibling", "other"])
async def test_nobody_changes_what_he_himself_buys_at(house: House, client: str) -> None:
    own = {"reseller": 1, "sibling": 2, "other": 1}[client]
    text = (
        f'mutation {{ a: changeResellerTerms(input: {{reseller: "{global_id("Reseller", own)}", priceList: "x"}}) '
        "{ ... on Refusal { code } } }"
    )
    assert (await gql(house, client, text))["a"]["code"] == ("NOT_FOUND" if client == "other" else "NOT_ALLOWED")


async def test_a_reseller_made_just_now_is_reached_by_the_next_request(house: House) -> None:
    await customer(house, "reseller", "Known already")  # whatever is remembered of a client is remembered now
    made = await do(
        house, "reseller", "createReseller", "CreateResellerInput", "... on Reseller { id }", code="NEW", name="N"
    )
    await customer(house, "reseller", "Of the new one", reseller=made["id"])
    shows = "... on NewClient { client { clientId } }"
    await do(
        house,
        "reseller",
        "createClient",
        "CreateClientInput",
        shows,
        name="n",
        scopes=["customers:read"],
        reseller=made["id"],
    )


RECEIVED = (
    "{ receivedInvoices { edges { node { id number net seller { name } payer { name } customer { id } original"
    " lines { text net account customer { id } kind } } } } }"
)


async def received(house: House, client: str) -> list[dict[str, Any]]:
    found = await gql(house, client, RECEIVED)
    return [edge["node"] for edge in found["receivedInvoices"]["edges"]]


async def test_a_reseller_reads_the_invoices_he_receives_and_nothing_else_above_him(house: House) -> None:
    who = await world(house)
    other = await customer(house, "operator", "Another of the operator's", priceList="Retail")
    await line(house, "operator", other, "46850000004")
    await imported(house, "46850000001", "46850000002", "46850000004")
    await bill(house)
    all_of = await bills(house)
    (one,) = await received(house, "reseller")
    assert (one["number"], one["seller"]["name"], one["payer"]["name"]) == (
        all_of[who["east"]]["number"],
        "North Telecom AB",
        "East as a buyer",
    )
    assert Decimal(one["net"]) == Decimal("4.00")
    # The customer he is above him, and the accounts there, are not his to see.
    assert one["customer"] is None
    assert [(each["account"], each["customer"]) for each in one["lines"]] == [("", None)]
    # Among what he sells it does not stand.
    assert one["id"] not in {each["id"] for each in (await bills(house, "reseller")).values()}
    again = await gql(
        house,
        "reseller",
        f'{{ a: invoice(id: "{one["id"]}") {{ net }} b: invoice(number: "{one["number"]}") '
        "{ net lines { account } } }",
    )
    assert again == {"a": {"net": one["net"]}, "b": {"net": one["net"], "lines": [{"account": ""}]}}
    document = await house.call("reseller", "GET", f"/rest/v1/invoices/{read_id(one['id'])[1]}.pdf")
    assert document.content.startswith(b"%PDF")
    # Every other invoice of those above, beside and below is as one that is not there.
    everybody = [all_of[other], all_of[who["east"]], all_of[who["below"]]]
    absent = global_id("Invoice", 999_999)
    for client, reads in (("reseller", {who["east"], who["below"]}), ("sibling", set()), ("other", set())):
        for each in everybody:
            if each["customer"]["id"] in reads:
                continue
            for key, wanted in ((each["id"], absent), (read_id(each["id"])[1], "999999")):
                if key == each["id"]:
                    answers = [
                        await house.call(
                            client, "POST", "/graphql", json={"query": f'{{ invoice(id: "{which}") {{ net }} }}'}
                        )
                        for which in (key, wanted)
                    ]
                    told = [answer.text.replace(str(read_id(key)[1]), "999999") for answer in answers]
                    assert told[0] == told[1], (client, told)
                    continue
                for suffix in ("pdf", "xml"):
                    mine = await house.call(client, "GET", f"/rest/v1/invoices/{key}.{suffix}")
                    none = await house.call(client, "GET", f"/rest/v1/invoices/{wanted}.{suffix}")
                    assert mine.status_code == none.status_code == 404
    assert await received(house, "sibling") == []
    refused = await house.call("operator", "POST", "/graphql", json={"query": RECEIVED})
    assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    anonymous = await house.http.post("/graphql", json={"query": RECEIVED})
    assert anonymous.status_code == 401
    # What was invoiced to the customer before he bought as it is not his.
    await terms(house, "operator", 1, priceList="Wholesale", customer=who["east"], validFrom="2026-01-01T00:00:00Z")
    await terms(house, "operator", 1, customer=None, validFrom="2026-01-01T00:00:00Z")
    assert await received(house, "reseller") == []
    await terms(house, "operator", 1, customer=who["east"], validFrom="2026-04-01T00:00:00Z")
    assert await received(house, "reseller") == []
    assert (await house.call("reseller", "GET", f"/rest/v1/invoices/{read_id(one['id'])[1]}.pdf")).status_code == 404


async def test_what_a_reseller_bought_and_is_rated_again_is_corrected_once(house: House) -> None:
    who = await world(house)
    await imported(house, "46850000001", "46850000002")
    await bill(house)
    first = (await bills(house))[who["east"]]
    rates = [{"to": "*", "mode": "voice", "steps": [{"price": "1.50", "per": 60}]}]
    await do(
        house, "operator", "createPriceList", "CreatePriceListInput", name="Cheap", parent="Wholesale", rates=rates
    )
    await terms(house, "operator", 1, priceList="Cheap", validFrom="2026-02-01T00:00:00Z")
    again = (
        'mutation { a: rerate(input: {since: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z",'
        " reason: WRONG_PRICE, preview: false}) { __typename ... on Refusal { code message } } }"
    )
    assert "code" not in (await gql(house, "operator", again))["a"]
    await bill(house, "2026-04")
    (_, corrected) = await received(house, "reseller")
    assert Decimal(corrected["net"]) == Decimal("-1.00")
    assert (corrected["original"], {each["kind"] for each in corrected["lines"]}) == (first["number"], {"CORRECTION"})
    assert await bill(house, "2026-05") == 0


async def test_a5_by_how_much_the_list_he_buys_at_differs_a_reseller_is_not_told(house: House) -> None:
    await world(house)
    markup = [{"to": "*", "mode": "voice", "adjust": {"percent": "100"}}]
    await do(
        house, "reseller", "createPriceList", "CreatePriceListInput", name="Doubled", parent="Wholesale", rates=markup
    )
    await terms(house, "reseller", 3, priceList="Doubled")
    await add_client(house.database, "below", 1, 3)
    query = '{ priceList(name: "Doubled") { rates { edges { node { to adjust { percent } } } } } }'
    for client, told in (("reseller", {"percent": "100.000000"}), ("below", None)):
        (edge,) = (await gql(house, client, query))["priceList"]["rates"]["edges"]
        assert edge["node"] == {"to": "*", "adjust": told}, client
