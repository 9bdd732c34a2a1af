"""A refusal names the field that is wrong, also where what it names is not there."""

from __future__ import annotations

import pytest

from api.graphql.ids import global_id
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql

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
