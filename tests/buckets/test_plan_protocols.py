"""Plans, grants and gifts over GraphQL and SOAP, by four callers and nobody."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from zeep.exceptions import Fault

from api.graphql.ids import global_id, read_id
from tests.api.conftest import House, live
from tests.api.month import TARIFF, Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap

__all__ = ["live"]

MONTHLY = {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"}
YEARS = ["2026-01-01T00:00:00+01:00", "2030-01-01T00:00:00+01:00"]
BUCKETS = [
    {
        "id": "shared",
        "owner": "each contract",
        "unit": "seconds",
        "amount": "6000",
        "period": MONTHLY,
        "plans": ["Office"],
        "per_subscription": "4000",
    },
    {"id": "own", "owner": "each subscription", "unit": "kB", "amount": "100", "period": MONTHLY, "plans": ["Solo"]},
    {"id": "top", "owner": "top-up", "unit": "seconds", "amount": "600", "period": YEARS, "top_up": {"days": 30}},
]
PLANS = {"Office": {"kind": "multi", "price_list": "Retail"}, "Solo": {"kind": "single"}}
REFUSED = "... on Refusal { code field }"
ON = f"{{ __typename ... on PlanAssignments {{ assignments {{ plan subscription validFrom validTo }} }} {REFUSED} }}"
GRANT = f"{{ __typename ... on BucketGrant {{ id kind amount unit price ownerName withdrawnAt }} {REFUSED} }}"
GIFT = f"{{ __typename ... on Gift {{ grants {{ id kind amount giver }} }} {REFUSED} }}"


async def ready(live: House) -> Month:
    month = await make_month(live)
    put = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename ... on Refusal { message } } }"
    for client in ("operator", "other"):
        done = await gql(live, client, put, d=json.dumps(TARIFF | {"buckets": BUCKETS, "plans": PLANS}))
        assert done["importTariff"]["__typename"] == "TariffImported", done
        rules = "mutation { setGiftRules(input: {perMonth: 10, anybody: true}) { ... on GiftRules { perMonth } } }"
        assert (await gql(live, client, rules))["setGiftRules"] == {"perMonth": 10}
    return month


async def mutate(live: House, client: str, text: str) -> Any:
    return (await gql(live, client, f"mutation {{ a: {text} }}"))["a"]


async def test_a_reseller_puts_its_lines_on_plans_and_sees_what_is_left(live: House) -> None:
    month = await ready(live)
    plans = (await gql(live, "operator", "{ plans { name shared priceList buckets { id perSubscription } } }"))["plans"]
    assert plans == [
        {
            "name": "Office",
            "shared": True,
            "priceList": "Retail",
            "buckets": [{"id": "shared", "perSubscription": "4000"}],
        },
        {"name": "Solo", "shared": False, "priceList": None, "buckets": [{"id": "own", "perSubscription": None}]},
    ]
    for client in ("operator", "reseller", "sibling"):
        owned = month.owned[client]
        line = f'putOnPlan(input: {{subscription: "{owned.subscription}", plan: "Solo", validFrom: "2026-03-01"}}) {ON}'
        found = await mutate(live, client, line)
        assert found["assignments"] == [
            {"plan": "Solo", "subscription": owned.subscription, "validFrom": "2026-03-01", "validTo": None}
        ]
        asked = f'{{ allowances(subscription: "{owned.subscription}", at: "2026-03-10T00:00:00Z") {{ bucket left }} }}'
        assert (await gql(live, client, asked))["allowances"] == [{"bucket": "own", "left": "100"}]
        off = f'putOnPlan(input: {{subscription: "{owned.subscription}", validFrom: "2026-03-01"}}) {ON}'
        assert (await mutate(live, client, off))["assignments"] == []


async def test_what_is_anothers_is_answered_as_nobodys(live: House) -> None:
    month = await ready(live)
    nothing = {kind: global_id(kind, 999_999_999) for kind in ("Customer", "Contract", "Subscription", "Grant")}
    bought = {}
    for client in ("operator", "reseller", "sibling", "other"):
        own = f'grantUnits(input: {{subscription: "{month.owned[client].subscription}", bucket: "top"}}) {GRANT}'
        made = await mutate(live, client, own)
        assert (made["kind"], made["amount"], made["price"]) == ("TOP_UP", "600", "0"), made
        bought[client] = made["id"]

    def asks(owner: str, keys: dict[str, str], caller: str) -> dict[str, str]:
        mine = month.owned[caller].subscription
        day = 'validFrom: "2026-03-01"'
        return {
            "putOnPlan.contract": f'putOnPlan(input: {{contract: "{keys["Contract"]}", plan: "Office", {day}}}) {ON}',
            "putOnPlan.subscription": f'putOnPlan(input: {{subscription: "{keys["Subscription"]}", {day}}}) {ON}',
            "grantUnits.customer": f'grantUnits(input: {{customer: "{keys["Customer"]}", bucket: "top"}}) {GRANT}',
            "grantUnits.contract": f'grantUnits(input: {{contract: "{keys["Contract"]}", bucket: "top"}}) {GRANT}',
            "grantUnits.subscription": (
                f'grantUnits(input: {{subscription: "{keys["Subscription"]}", bucket: "top"}}) {GRANT}'
            ),
            "grantUnits.chargedTo": (
                f'grantUnits(input: {{customer: "{month.owned[caller].customer["id"]}", bucket: "top", '
                f'chargedTo: "{keys["Contract"]}"}}) {GRANT}'
            ),
            "withdrawGrant.grant": f'withdrawGrant(input: {{grant: "{keys["Grant"]}"}}) {GRANT}',
            "giveUnits.giver": (
                f'giveUnits(input: {{giver: "{keys["Subscription"]}", taker: "{mine}", bucket: "top", amount: "1"}}) '
                f"{GIFT}"
            ),
            "giveUnits.taker": (
                f'giveUnits(input: {{giver: "{mine}", taker: "{keys["Subscription"]}", bucket: "top", amount: "1"}}) '
                f"{GIFT}"
            ),
        }

    for caller, owner in (
        ("reseller", "operator"),
        ("reseller", "sibling"),
        ("sibling", "reseller"),
        ("operator", "other"),
        ("other", "reseller"),
    ):
        owned = month.owned[owner]
        keys = {
            "Customer": owned.customer["id"],
            "Contract": owned.contract["id"],
            "Subscription": owned.subscription,
            "Grant": bought[owner],
        }
        absent = asks(owner, nothing, caller)
        for name, text in asks(owner, keys, caller).items():
            found = await mutate(live, caller, text)
            assert found == await mutate(live, caller, absent[name]), (name, caller)
            assert found["code"] == "NOT_FOUND", (name, caller, found)
    text = f'mutation {{ withdrawGrant(input: {{grant: "{bought["reseller"]}"}}) {{ __typename }} }}'
    assert (await live.http.post("/graphql", json={"query": text})).status_code == 401
    done = await mutate(live, "reseller", f'withdrawGrant(input: {{grant: "{bought["reseller"]}"}}) {GRANT}')
    assert done["withdrawnAt"] is not None


async def test_what_only_the_operator_may(live: House) -> None:
    month = await ready(live)
    line = month.owned["reseller"].subscription
    for text in (
        "setGiftRules(input: {perMonth: 1000}) { ... on Refusal { code } }",
        f'grantUnits(input: {{subscription: "{line}", bucket: "top", amount: "9999"}}) {{ ... on Refusal {{ code }} }}',
        f'grantUnits(input: {{subscription: "{line}", bucket: "own"}}) {{ ... on Refusal {{ code }} }}',
    ):
        assert await mutate(live, "reseller", text) == {"code": "NOT_ALLOWED"}
    give = f'grantUnits(input: {{subscription: "{line}", bucket: "top", amount: "9999", reason: "sorry"}}) {GRANT}'
    assert (await mutate(live, "operator", give))["amount"] == "9999"


async def test_the_same_over_soap(live: House) -> None:
    month = await ready(live)
    contract, number = (month.owned["reseller"].contract["number"], month.owned["reseller"].number)
    line = int(read_id(month.owned["reseller"].subscription)[1])

    def life(service: Any) -> None:
        assert {one.name for one in service.ListPlans().plan} == {"Office", "Solo"}
        found = service.PutOnPlan(contractNumber=contract, plan="Office", validFrom=date(2026, 3, 1))
        assert [(one.plan, one.subscription) for one in found.assignment] == [("Office", None)]
        assert service.ListPlanAssignments(contractNumber=contract) == found
        grant = service.GrantUnits(number=number, bucket="top", idempotencyKey="soap-1")
        again = service.GrantUnits(number=number, bucket="top", idempotencyKey="soap-1")
        assert (grant.id, grant.amount, grant.owner) == (again.id, Decimal(600), f"subscription:{line}")
        left = service.ListAllowances(contractNumber=contract)
        assert {one.bucket: (one.left, one.cap, one.grant) for one in left.allowance} == {
            "shared": (Decimal(6000), Decimal(4000), None),
            "top": (Decimal(600), None, grant.id),
        }
        (shared, top) = sorted(service.ListAllowances(number=number).allowance, key=lambda one: one.bucket)
        assert (shared.bucket, shared.usedByLine, top.usedByLine) == ("shared", Decimal(0), None)
        assert service.ListAllowances(number=f"0{number[2:4]}-{number[4:]}") == service.ListAllowances(
            number=f"+{number}"
        )
        with pytest.raises(Fault):
            service.ListAllowances()
        history = service.ListBucketHistory(number=number, since="2026-03-01T00:00:00Z")
        assert "topped_up" in {one.happened for one in history.entry}
        assert service.GetGiftRules().perMonth == 10
        with pytest.raises(Fault):
            service.SetGiftRules(perMonth=5)
        with pytest.raises(Fault) as caught:
            service.GiveUnits(giverNumber=number, takerNumber=number, bucket="top", amount=Decimal(1))
        assert "another subscription" in caught.value.message
        assert service.WithdrawGrant(id=grant.id).withdrawnAt is not None

    def refused(service: Any) -> None:
        for call in (
            lambda: service.PutOnPlan(contractNumber=contract, plan="Office", validFrom=date(2026, 3, 1)),
            lambda: service.ListPlanAssignments(contractNumber=contract),
            lambda: service.GrantUnits(contractNumber=contract, bucket="top"),
            lambda: service.ListBucketHistory(contractNumber=contract, since="2026-03-01T00:00:00Z"),
            lambda: service.GrantUnits(number=number, bucket="top"),
        ):
            with pytest.raises(Fault) as caught:
                call()
            assert "no contract" in caught.value.message or "number" in caught.value.message

    await _soap(live, "reseller", PORTS[0], life)
    for client in ("sibling", "other"):
        await _soap(live, client, PORTS[1], refused)
