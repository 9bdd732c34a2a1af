"""The PDF of a quote: who gets it, over which doors, and that it is the customer's."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader

from api.graphql.ids import global_id, read_id
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql
from tests.api.test_resellers import SELLER, customer, do
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code


async def quoted(house: House, client: str, **fields: Any) -> dict[str, Any]:
    shows = "... on Service { id }"
    asked = {"code": "MOBILE", "name": "Mobile", "periodicFee": "200", "oneTimeFee": "50"}
    service = await do(house, "operator", "createService", "CreateServiceInput", shows, **asked)
    owner = await customer(house, client, "Who asks", **fields)
    made = await do(
        house, client, "createQuote", "CreateQuoteInput", "... on ContractQuote { id number version pdfUrl }",
        customer=owner, lines=[{"service": service["id"], "quantity": 2}],
    )  # fmt: skip
    send = (
        f'mutation {{ a: sendQuote(quote: "{made["id"]}", version: 1)'
        " { __typename ... on Refusal { code message } } }"
    )
    assert (await gql(house, client, send))["a"]["__typename"] == "ContractQuote"
    return made


def text(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).replace("\xa0", " ")


async def test_it_is_fetched_by_who_may_read_it_and_found_by_nobody_else(house: House) -> None:
    asked = {"reseller": global_id("Reseller", 1), "version": 1, "seller": SELLER}
    await do(house, "reseller", "changeReseller", "ChangeResellerInput", **asked)
    made = await quoted(house, "reseller", language="en")
    path = made["pdfUrl"].removeprefix("https://billing.example")
    assert path == f"/rest/v1/quotes/{read_id(made['id'])[1]}.pdf"
    for client in ("reseller", "operator"):
        answer = await house.call(client, "GET", path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert f"{made['number']}.pdf" in answer.headers["content-disposition"]
        found = text(answer.content)
        # The reseller sells in his own name, and the customer reads English.
        for wanted in ("Quote", made["number"], "East Telecom AB", "Who asks", "Tack for att du valde East.", "500.00"):
            assert wanted in found, (client, wanted, found)
    for client in ("sibling", "other"):
        assert (await house.call(client, "GET", path)).status_code == 404
    assert (await house.http.get(path)).status_code == 401
    assert (await house.call("operator", "GET", "/rest/v1/quotes/x.pdf")).status_code == 404


@pytest.mark.parametrize("port", PORTS[:1])
async def test_it_is_fetched_over_soap(live: House, port: str) -> None:
    made = await quoted(live, "operator")

    def operator(billing: Any) -> None:
        document = billing.FetchQuote(quoteNumber=made["number"])
        assert (document.name, document.mediaType) == (f"{made['number']}.pdf", "application/pdf")
        assert "Offert" in text(document.content)

    def sibling(billing: Any) -> None:
        assert code(billing.FetchQuote, quoteNumber=made["number"]) == "not_found"

    await _soap(live, "operator", port, operator)
    await _soap(live, "sibling", port, sibling)
