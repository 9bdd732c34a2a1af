"""SOAP as real clients speak it: zeep over real HTTP, in both versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import requests
import zeep
from zeep.exceptions import Fault

from api.soap.faults import NAMESPACE
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql, new_contract, new_customer

PORTS = ["BillingSoap11", "BillingSoap12"]
ADDRESS = {"street": "Storgatan 1", "postcode": "111 22", "city": "Göteborg", "country": "SE"}


async def _soap(house: House, client: str, port: str, call: Callable[[Any], Any]) -> Any:
    """Run blocking calls of a client in a thread, while the server answers here."""
    token = await house.token(client)
    address = house.wiring.settings.address

    def work() -> Any:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            made = zeep.Client(f"{address}/soap?wsdl", transport=zeep.Transport(session=session))
            return call(made.bind("Billing", port))

    return await asyncio.to_thread(work)


@pytest.mark.parametrize("port", PORTS)
async def test_a_customer_is_created_read_and_changed(live: House, port: str) -> None:
    def call(service: Any) -> None:
        new = {"kind": "person", "name": "Åsa Öberg", "address": ADDRESS, "email": "asa@example.se"}
        made = service.CreateCustomer(customer=new, idempotencyKey="k1")
        assert made.name == "Åsa Öberg"
        assert made.address.city == "Göteborg"
        assert service.CreateCustomer(customer=new, idempotencyKey="k1").number == made.number
        changed = service.ChangeCustomer(customerNumber=made.number, version=1, change={"name": "Åsa Berg"})
        assert (changed.name, changed.email, changed.version) == ("Åsa Berg", "asa@example.se", 2)
        emptied = service.ChangeCustomer(customerNumber=made.number, version=2, change={"email": zeep.xsd.Nil})
        assert emptied.email is None
        assert service.GetCustomer(customerNumber=made.number).version == 3

    await _soap(live, "operator", port, call)


@pytest.mark.parametrize("port", PORTS)
async def test_a_refusal_is_a_fault_with_its_code(live: House, port: str) -> None:
    def call(service: Any) -> None:
        with pytest.raises(Fault) as caught:
            service.GetCustomer(customerNumber="none")
        detail = caught.value.detail.find(f".//{{{NAMESPACE}}}Refusal")
        assert detail.findtext(f"{{{NAMESPACE}}}code") == "not_found"
        made = service.CreateCustomer(customer={"kind": "person", "name": "A", "address": ADDRESS})
        with pytest.raises(Fault) as caught:
            service.ChangeCustomer(customerNumber=made.number, version=7, change={"name": "B"})
        codes = [caught.value.code or "", *(str(one) for one in caught.value.subcodes or ())]
        assert any("stale" in code for code in codes), codes
        with pytest.raises(Fault) as caught:
            service.ChangeCustomer(customerNumber=made.number, version=1, change={"name": zeep.xsd.Nil})
        assert caught.value.detail.findtext(f".//{{{NAMESPACE}}}field") == "name"
        with pytest.raises(Fault) as caught:  # what the schema of the WSDL does not let stand, likewise
            service.ChangeCustomer(customerNumber=made.number, version=1, change={"creditLimit": "NaN"})
        detail = caught.value.detail.find(f".//{{{NAMESPACE}}}Refusal")
        assert detail.findtext(f"{{{NAMESPACE}}}code") == "bad_value"
        assert detail.findtext(f"{{{NAMESPACE}}}field") == "creditLimit"

    await _soap(live, "operator", port, call)


@pytest.mark.parametrize("port", PORTS)
async def test_a_contract_is_read_and_changed(live: House, port: str) -> None:
    customer = await new_customer(live, "operator", "A")
    make = "mutation($input: CreateServiceInput!) { createService(input: $input) { ... on Service { id } } }"
    service_id = await gql(live, "operator", make, input={"code": "M", "name": "Mobile", "periodicFee": "99.5"})
    line = {"service": service_id["createService"]["id"], "start": "2026-03-01", "periodicFee": "0.0000001"[:8]}
    contract = await new_contract(live, "operator", customer["id"], services=[line])

    def call(service: Any) -> None:
        read = service.GetContract(contractNumber=contract["number"])
        assert read.customerNumber == customer["number"]
        assert read.state == "active"
        assert read.service[0].serviceCode == "M"
        changed = service.ChangeContract(
            contractNumber=read.number, version=read.version, change={"state": "suspended"}
        )
        assert changed.state == "suspended"
        with pytest.raises(Fault):
            service.ChangeContract(contractNumber=read.number, version=changed.version, change={"state": "draft"})

    await _soap(live, "operator", port, call)


@pytest.mark.parametrize("port", PORTS)
async def test_usage_and_invoices_are_listed(live: House, port: str) -> None:
    def call(service: Any) -> None:
        page = service.ListUsage(since="2026-03-01T00:00:00+01:00", until="2026-04-01T00:00:00+02:00")
        assert page.usage == []
        assert page.next is None
        assert service.ListInvoices().invoice == []
        with pytest.raises(Fault):
            service.FetchInvoice(invoiceNumber="none", format="pdf")

    await _soap(live, "operator", port, call)


async def test_the_wsdl_is_public_and_names_the_configured_address(live: House) -> None:
    for host in ("attacker.example", "127.0.0.1"):
        answer = await live.http.get("/soap?wsdl", headers={"Host": host})
        assert answer.status_code == 200
        assert f'location="{live.wiring.settings.address}/soap"' in answer.text
        assert "attacker" not in answer.text
    assert (await live.http.get("/soap")).status_code == 401
    assert (await live.http.get("/soap?wsdl=1")).status_code == 401
    assert (await live.http.post("/soap?wsdl", content=b"x")).status_code == 401
