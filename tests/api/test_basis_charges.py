"""What bill runs charge whom another system invoices, over GraphQL, SOAP and REST."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

from tests.api.conftest import House
from tests.api.test_graphql_parties import gql
from tests.api.test_resellers import bill, do, imported, world
from tests.api.test_soap import PORTS, _soap

LINES = (
    "kind customerNumber payerNumber text label quantity unit unitPrice amount periodStart periodEnd vatCategory"
    " vatPercent account run mode used bucket { bucket left }"
)


async def test_everything_an_invoice_would_hold_is_given_once(live: House) -> None:
    who = await world(live)
    await imported(live, "46850000001")
    kept = "... on BillingRules { form version }"
    await do(live, "operator", "setBillingRules", "SetBillingRulesInput", kept, form="BASIS")
    fields = {"customer": who["first"], "text": "=Projekt", "unitPrice": "12.50", "quantity": "2", "kind": "PROJECT"}
    charge = fields | {"starts": "2026-03-05", "reference": "N-1"}
    await do(live, "operator", "addCharge", "AddChargeInput", **charge)
    assert await bill(live) == 0
    take = "mutation { a: takeBasis { ... on BasisBatch { id lines } ... on Refusal { message } } }"
    batch = (await gql(live, "operator", take))["a"]
    asked = f"query($b: ID!) {{ basisLines(batch: $b) {{ more lines {{ {LINES} }} }} }}"
    lines = (await gql(live, "operator", asked, b=batch["id"]))["basisLines"]["lines"]
    told = [(one["kind"], one["text"], Decimal(one["amount"]), one["run"]) for one in lines]
    # The customer's own usage is given as it was rated; what resellers buy of it by the run, as on their invoices.
    assert told[0] == ("USAGE", None, Decimal(5), None)
    assert sorted(told[1:], key=str) == [
        ("MANUAL", "=Projekt", Decimal(25), "basis-1"),
        ("USAGE", "Samtal: SE mobile", Decimal(2), "basis-1"),
    ]
    (project,) = [one for one in lines if one["kind"] == "MANUAL"]
    assert {name: project[name] for name in ("label", "quantity", "unit", "unitPrice", "periodStart", "periodEnd")} == {
        "label": "N-1", "quantity": "2", "unit": "C62", "unitPrice": "12.5", "periodStart": "2026-03-05",
        "periodEnd": "2026-03-06",
    }  # fmt: skip
    assert (project["vatCategory"], Decimal(project["vatPercent"]), project["account"]) == ("S", Decimal(25), "3041")

    def read(service: Any) -> None:
        waiting = service.TakeBasis()
        page = service.ReadBasis(batch=waiting.id)
        (one,) = [each for each in page.line if each.kind == "manual"]
        assert (one.text, one.amount, one.quantity, one.unitPrice) == ("=Projekt", 25, 2, Decimal("12.50"))
        assert (one.vatCategory, one.vatPercent, one.run, one.payerNumber) == ("S", 25, "basis-1", one.customerNumber)
        assert service.AcknowledgeBasis(batch=waiting.id).acknowledgedAt is not None
        assert service.TakeBasis().lines == 0

    key = (await live.call("operator", "POST", "/rest/v1/basis")).json()["id"]
    await _soap(live, "operator", PORTS[0], read)
    sheet = (await live.call("operator", "GET", f"/rest/v1/basis/{key}.csv")).text
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert [(one["kind"], one["text"]) for one in rows if one["kind"] == "manual"] == [("manual", "'=Projekt")]
    assert sum(Decimal(one["amount"]) for one in rows) == 32
    assert await bill(live) == 0  # and nothing is charged again
