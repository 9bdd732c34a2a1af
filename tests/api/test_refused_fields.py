"""A refusal names the field that is wrong, also where what it names is not there."""

from __future__ import annotations

from typing import Any

import pytest
import zeep.exceptions

from api.graphql.ids import global_id
from api.naming import named
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap

NOBODY = 2**40


@pytest.mark.parametrize(
    ("operation", "kind", "field", "more"),
    [
        ("stepSubscription", "Subscription", "subscription", "step: END"),
        ("swapSim", "Subscription", "subscription", 'imsi: "240011234567891"'),
        ("assignNumbers", "Subscription", "subscription", "version: 1, numbers: []"),
        ("putOnPlan", "Contract", "contract", 'plan: "A", validFrom: "2026-12-01"'),
        ("endContract", "Contract", "contract", "version: 1"),
        ("changeCustomer", "Customer", "customer", "version: 1"),
        ("changeService", "Service", "service", "version: 1"),
    ],
)
async def test_what_is_not_there_is_named(house: House, operation: str, kind: str, field: str, more: str) -> None:
    text = f'{operation}(input: {{{field}: "{global_id(kind, NOBODY)}", {more}}})'
    done = await gql(house, "operator", f"mutation {{ a: {text} {{ ... on NotFound {{ code field }} }} }}")
    assert done["a"] == {"code": "NOT_FOUND", "field": field}


@pytest.mark.parametrize("port", PORTS)
async def test_soap_names_its_own_elements(live: House, port: str) -> None:
    """The use case calls it ``customer``, where SOAP has ``customerNumber``."""

    def ask(service: Any) -> list[str]:
        told = []
        for name, arguments in (
            ("CreateContract", {"contract": {"customerNumber": "none", "start": "2026-12-01"}}),
            ("GetCustomer", {"customerNumber": "none"}),
            ("GetContract", {"contractNumber": "none"}),
        ):
            with pytest.raises(zeep.exceptions.Fault) as no:
                getattr(service, name)(**arguments)
            told.append(no.value.detail.findtext(".//{urn:tollwright:billing:1}field"))
        return told

    assert await _soap(live, "operator", port, ask) == ["customerNumber", "customerNumber", "contractNumber"]


def test_a_thing_is_named_as_the_api_takes_it() -> None:
    assert named("numbers.2.validTo", {"number", "line"}) == "number.2.validTo"
    assert named("number", {"numbers"}) == "numbers"
    assert named("services.0", {"services", "service"}) == "services.0"
    assert named("country", {"countries"}) == "countries"
    assert named(None, {"x"}) is None
    assert named("version", {"change"}) == "version"
