"""The ledger over GraphQL, SOAP and REST: statements, ageing, whether it ties, and the lock; the operator's alone."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from api.graphql.ids import read_id
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

STATEMENT = (
    "{ statementOfAccount(customer: %s) { since until parts { currency opening closing"
    " rows { kind document amount balance } ageing { total notDue } } items { name open } } }"
)


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


def quoted(text: str) -> str:
    return f'"{text}"'


async def test_a_statement_and_the_ageing_say_what_the_invoice_does(house: House, month: Month) -> None:
    owned = month.owned["operator"]
    invoice = owned.invoices[0]
    asked = STATEMENT % quoted(owned.customer["id"])
    (part,) = (told := (await gql(house, "operator", asked))["statementOfAccount"])["parts"]
    total = Decimal(part["closing"])
    assert [(row["kind"], Decimal(row["amount"])) for row in part["rows"]] == [("INVOICE", total)]
    assert (Decimal(part["opening"]), Decimal(part["ageing"]["total"])) == (0, total)
    (item,) = told["items"]
    assert (item["name"], Decimal(item["open"])) == (part["rows"][0]["document"], total)
    page = await gql(
        house, "operator", "{ agedReceivables(by: RESELLER) { rows { code ageing { total } } totals { total } } }"
    )
    rows, totals = page["agedReceivables"]["rows"], page["agedReceivables"]["totals"]
    assert sum(Decimal(row["ageing"]["total"]) for row in rows) == Decimal(totals[0]["total"])
    assert "" in {row["code"] for row in rows}
    assert len(rows) > 1  # what resellers' customers owe is told apart
    assert (await gql(house, "operator", "{ ledgerDifferences { rule what } }"))["ledgerDifferences"] == []
    assert invoice["id"]


async def test_documents_over_rest(house: House, month: Month) -> None:
    key = read_id(month.owned["operator"].customer["id"])[1]
    pdf = await house.call("operator", "GET", f"/rest/v1/customers/{key}/statement.pdf")
    assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")
    table = await house.call(
        "operator", "GET", f"/rest/v1/customers/{key}/statement.csv", params={"language": "sv", "since": "2026-01-01"}
    )
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert rows[0] == ["Datum", "Händelse", "Verifikat", "Belopp", "Saldo", "Valuta"]
    assert (rows[1][1], rows[2][1], rows[-1][1]) == ("Ingående saldo", "Faktura", "Utgående saldo")
    ageing = await house.call("operator", "GET", "/rest/v1/ledger/ageing.csv", params={"by": "reseller"})
    header, *found, last = csv.reader(io.StringIO(ageing.content.decode("utf-8-sig")))
    assert (header[0], last[0]) == ("Reseller", "Total")
    assert sum(Decimal(row[-1]) for row in found) == Decimal(last[-1])
    for path, status in (
        (f"/rest/v1/customers/{key}/statement.csv?since=x", 400),
        (f"/rest/v1/customers/{key}/statement.csv?since=2026-02-01&until=2026-01-01", 400),
        ("/rest/v1/ledger/ageing.csv?by=colour", 400),
        ("/rest/v1/collection/letters/1.pdf", 404),
    ):
        answer = await house.call("operator", "GET", path)
        assert answer.status_code in {status, 422}, (path, answer.text)
    for path in (f"/rest/v1/customers/{key}/statement.pdf", "/rest/v1/ledger/ageing.csv"):
        assert (await house.http.get(path)).status_code == 401
        for client in ("reseller", "sibling"):
            assert (await house.call(client, "GET", path)).status_code == 403
    assert (await house.call("other", "GET", f"/rest/v1/customers/{key}/statement.pdf")).status_code == 404


async def test_months_are_locked_and_opened(house: House, month: Month) -> None:
    del month
    lock = 'lockLedger(input: {month: "2026-01", version: %d})'
    unlock = 'unlockLedger(input: {month: "2026-01", version: %d, reason: "a credit"})'
    shown = "{ __typename ... on LedgerLock { through version } ... on Refusal { code field } }"

    async def do(client: str, text: str) -> dict[str, Any]:
        found: dict[str, Any] = (await gql(house, client, f"mutation {{ a: {text} {shown} }}"))["a"]
        return found

    assert (await do("operator", lock % 0)) == {"__typename": "LedgerLock", "through": "2026-01-31", "version": 1}
    assert (await do("operator", lock % 0))["code"] == "STALE"
    for client in ("reseller", "sibling"):
        assert (await do(client, lock % 1))["code"] == "NOT_ALLOWED"
        assert (await do(client, unlock % 1))["code"] == "NOT_ALLOWED"
    assert (await gql(house, "other", "{ ledgerLock { through } }"))["ledgerLock"]["through"] is None
    assert (await do("operator", unlock % 1))["through"] == "2025-12-31"
    assert (await do("operator", unlock % 2))["code"] == "WRONG_STATE"


async def test_questions_are_the_operator_s_alone(house: House, month: Month) -> None:
    mine = STATEMENT % quoted(month.owned["operator"].customer["id"])
    for text in (mine, "{ agedReceivables { on } }", "{ ledgerDifferences { what } }", "{ ledgerLock { version } }"):
        for client in ("reseller", "sibling"):
            answer = (await house.call(client, "POST", "/graphql", json={"query": text})).json()
            assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", (client, text)
        assert (await house.http.post("/graphql", json={"query": text})).status_code == 401
    answer = (await house.call("other", "POST", "/graphql", json={"query": mine})).json()
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("port", PORTS)
async def test_the_ledger_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    number = month.owned["operator"].customer["number"]

    def operator(service: Any) -> None:
        told = service.GetAccountStatement(customerNumber=number)
        (part,) = told.part
        assert (told.customerNumber, part.row[0].kind, part.closing) == (number, "invoice", part.row[-1].balance)
        aged = service.GetAgedReceivables(by="customer")
        assert sum(row.ageing.total for row in aged.row) == aged.total[0].total
        assert service.CheckLedger().ties is True
        assert service.LockLedger(month="2026-01", version=service.GetLedgerLock().version).version == 1
        assert code(service.LockLedger, month="2026-01", version=0) == "stale"
        assert service.UnlockLedger(month="2026-01", version=1, reason="x").version == 2
        assert code(service.GetAccountStatement, customerNumber="none") == "not_found"

    def reseller(service: Any) -> None:
        for ask in (service.GetAgedReceivables, service.CheckLedger, service.GetLedgerLock):
            assert code(ask) == "not_allowed"
        assert code(service.GetAccountStatement, customerNumber=number) in {"not_allowed", "not_found"}
        assert code(service.LockLedger, month="2026-01", version=2) == "not_allowed"

    def other(service: Any) -> None:
        assert code(service.GetAccountStatement, customerNumber=number) == "not_found"

    for client, ask in (("operator", operator), ("reseller", reseller), ("sibling", reseller), ("other", other)):
        await _soap(live, client, port, ask)
