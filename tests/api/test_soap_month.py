"""Usage, prices and invoices over SOAP, and who finds them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from zeep.exceptions import Fault

from api.soap.faults import NAMESPACE
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_isolation import FORBIDDEN
from tests.api.test_soap import PORTS, _soap

SINCE, UNTIL = "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"
ABSENT = "absent"


@pytest.fixture
async def month(live: House) -> Month:
    return await make_month(live)


@pytest.mark.parametrize("port", PORTS)
async def test_the_operator_reads_usage_prices_and_documents(live: House, month: Month, port: str) -> None:
    owned = month.owned["operator"]

    def call(service: Any) -> None:
        page = service.ListUsage(since=SINCE, until=UNTIL, first=2)
        assert page.count == 2
        rest = service.ListUsage(since=SINCE, until=UNTIL, first=2, after=page.next)
        assert (rest.count, rest.next) == (1, None)
        mine = service.ListUsage(since=SINCE, until=UNTIL, customerNumber=owned.customer["number"])
        assert [one.a for one in mine.usage] == [owned.number]
        assert mine.usage[0].retail.amount == Decimal("0.60")
        assert mine.usage[0].cost.amount == Decimal("0.10")
        quote = service.PriceCall(callingNumber=owned.number, calledNumber="+46701740605", used=90, trunk="T1")
        assert (quote.destination, quote.retail.amount, quote.cost.amount) == (
            "SE mobile",
            Decimal("0.90"),
            Decimal("0.15"),
        )
        invoices = service.ListInvoices(customerNumber=owned.customer["number"]).invoice
        assert [one.number for one in invoices] == [owned.invoices[0]["number"]]
        assert invoices[0].total == invoices[0].net + invoices[0].vat + invoices[0].rounding
        document = service.FetchInvoice(invoiceNumber=invoices[0].number, format="pdf")
        assert document.content.startswith(b"%PDF")
        assert document.mediaType == "application/pdf"

    await _soap(live, "operator", port, call)


@pytest.mark.parametrize(("caller", "owner"), FORBIDDEN)
async def test_anothers_is_answered_as_nobodys(live: House, month: Month, caller: str, owner: str) -> None:
    owned = month.owned[owner]

    def told(operation: Any, **arguments: Any) -> tuple[str, str | None]:
        with pytest.raises(Fault) as caught:
            operation(**arguments)
        detail = caught.value.detail.find(f".//{{{NAMESPACE}}}Refusal")
        return detail.findtext(f"{{{NAMESPACE}}}code"), detail.findtext(f"{{{NAMESPACE}}}field")

    def call(service: Any) -> None:
        customer, contract = owned.customer["number"], owned.contract["number"]
        invoice = owned.invoices[0]["number"]
        period = {"since": SINCE, "until": UNTIL}
        change = {"version": 1, "change": {"priceList": "Retail"}}
        asked = [
            (service.GetCustomer, {}, "customerNumber", customer),
            (service.ChangeCustomer, change, "customerNumber", customer),
            (service.GetContract, {}, "contractNumber", contract),
            (service.ChangeContract, change, "contractNumber", contract),
            (service.ListUsage, period, "customerNumber", customer),
            (service.ListUsage, period, "contractNumber", contract),
            (service.ListInvoices, {}, "customerNumber", customer),
            (service.FetchInvoice, {"format": "pdf"}, "invoiceNumber", invoice),
            (service.PriceCall, {"calledNumber": "46701740605"}, "callingNumber", owned.number),
        ]
        for operation, more, name, value in asked:
            found = told(operation, **more, **{name: value})
            assert found == told(operation, **more, **{name: ABSENT}), (name, found)
            assert found[0] == "not_found"
        new = {
            "kind": "person",
            "name": "A",
            "parentNumber": customer,
            "address": {"street": "a", "postcode": "1", "city": "b", "country": "SE"},
        }
        assert told(service.CreateCustomer, customer=new)[0] == "not_found"

    await _soap(live, caller, "BillingSoap11", call)


async def test_a5_a_reseller_meets_no_cost(live: House, month: Month) -> None:
    def call(service: Any) -> None:
        page = service.ListUsage(since=SINCE, until=UNTIL)
        assert [one.a for one in page.usage] == [month.owned["reseller"].number]
        assert page.usage[0].cost is None
        quote = service.PriceCall(callingNumber=month.owned["reseller"].number, calledNumber="46701740605", trunk="T1")
        assert quote.cost is None

    await _soap(live, "reseller", "BillingSoap12", call)
