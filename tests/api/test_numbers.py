"""Lines, the stock of numbers and orders about numbers over GraphQL and SOAP, and who meets them."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from api.graphql.ids import global_id, read_id
from persistence.statements import counted
from tests.api.conftest import NOW, House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_isolation import ABSENT, FORBIDDEN
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

LATER = (NOW + timedelta(days=2)).isoformat()
NO = "__typename ... on Refusal { code message field }"
SERIES = (
    'createNumberSeries(input: {name: "A", kind: FIXED, firstNumber: "08-70 00 00 00", lastNumber: "08-70 00 00 19", '
    "quarantineDays: 30%s}) { ... on NumberSeries { id size version } %s }"
)


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


async def did(house: House, client: str, text: str) -> Any:
    return (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]


async def test_a_line_is_named_anew_by_whoever_has_it(house: House, month: Month) -> None:
    field = 'defineField(input: {aggregate: SUBSCRIPTION, name: "room", kind: TEXT}) { __typename }'
    assert (await did(house, "operator", field))["__typename"] == "FieldDefinition"
    key = month.owned["reseller"].subscription
    shown = "... on Subscription { label version fields { name value } numbers { number } }"

    async def change(client: str, what: str) -> Any:
        return await did(
            house, client, f'changeSubscription(input: {{subscription: "{key}", {what}}}) {{ {shown} {NO} }}'
        )

    before = await gql(house, "reseller", f'{{ subscription(id: "{key}") {{ version numbers {{ number }} }} }}')
    version, numbers = before["subscription"]["version"], before["subscription"]["numbers"]
    named = await change("reseller", f'version: {version}, label: "Reception", fields: [{{name: "room", value: "12"}}]')
    assert named == {
        "__typename": "Subscription",
        "label": "Reception",
        "version": version + 1,
        "fields": [{"name": "room", "value": "12"}],
        "numbers": numbers,
    }
    assert await change("reseller", f'version: {version + 1}, label: "Reception"') == named
    stale = await change("operator", f'version: {version}, label: "x"')
    assert (stale["__typename"], stale["field"]) == ("Stale", "version")
    long = await change("operator", f'version: {version + 1}, label: "{"x" * 300}"')
    assert (long["__typename"], long["field"]) == ("BadValue", "label")
    unknown = await change("operator", f'version: {version + 1}, fields: [{{name: "floor", value: "1"}}]')
    assert (unknown["__typename"], unknown["field"]) == ("BadValue", "fields.floor")
    emptied = await change("operator", f'version: {version + 1}, fields: [{{name: "room", value: null}}]')
    assert (emptied["label"], emptied["fields"], emptied["version"]) == ("Reception", [], version + 2)
    for client in ("sibling", "other"):
        assert (await change(client, f'version: {version + 2}, label: "mine"'))["__typename"] == "NotFound"


async def test_the_life_of_a_line_over_graphql(house: House, month: Month) -> None:
    key = month.owned["operator"].subscription
    shown = "... on Subscription { state activatedAt endedAt version history { state since reason } }"

    async def step(what: str, **more: str) -> Any:
        fields = "".join(f', {name}: "{value}"' for name, value in more.items())
        text = f'stepSubscription(input: {{subscription: "{key}", step: {what}{fields}}}) {{ {shown} {NO} }}'
        return await did(house, "operator", text)

    done = await step("SUSPEND", reason="lost")
    assert (done["state"], [one["state"] for one in done["history"]]) == ("SUSPENDED", ["ACTIVE", "SUSPENDED"])
    assert done["history"][1]["reason"] == "lost"
    again = await step("SUSPEND")
    assert (again["__typename"], again["field"]) == ("WrongState", "step")
    ending = await step("END", at=LATER)
    assert (ending["state"], ending["endedAt"][:10]) == ("SUSPENDED", LATER[:10])
    house.clock.at += timedelta(days=3)
    house.tokens.clear()
    found = await gql(
        house, "operator", f'{{ subscription(id: "{key}") {{ state numbers {{ number validTo kind }} }} }}'
    )
    assert found["subscription"]["state"] == "ENDED"
    assert found["subscription"]["numbers"][0]["validTo"][:10] == LATER[:10]


async def test_numbers_from_a_series_to_a_line_over_graphql(house: House, month: Month) -> None:
    made = await did(house, "operator", SERIES % ("", NO))
    assert (made["size"], made["version"]) == (20, 1)
    bad = await did(house, "operator", SERIES.replace("08-70 00 00 19", "08-7") % ("", NO))
    assert (bad["code"], bad["field"]) == ("BAD_VALUE", "lastNumber")
    customer, line = month.owned["operator"].customer["id"], month.owned["operator"].subscription
    kept = await did(
        house,
        "operator",
        f'reserveNumbers(input: {{until: "{LATER}", count: 2, customer: "{customer}", wanted: {{area: "08-70", '
        f'series: "{made["id"]}"}}}}) {{ ... on NumberReservation {{ id numbers }} {NO} }}',
    )
    assert kept["numbers"] == ["46870000000", "46870000001"]
    assign = (
        f'assignNumbers(input: {{subscription: "{line}", numbers: [{{number: "08-70 00 00 00", kind: FIXED, '
        f'validFrom: "{NOW.isoformat()}"}}]}}) {{ ... on Subscription {{ version }} {NO} }}'
    )
    assert (await did(house, "operator", assign))["version"] == 2
    fields = (
        "number status kind areaCode until numberClass series { name } reseller { code } reservedFor { id }"
        " holders { subscription { id } validFrom validTo }"
    )
    one = await gql(house, "operator", f'{{ phoneNumber(number: "08-70 00 00 00") {{ {fields} }} }}')
    assert one["phoneNumber"] == {
        "number": "46870000000",
        "status": "ASSIGNED",
        "kind": "FIXED",
        "areaCode": "8",
        "until": None,
        "numberClass": "standard",
        "series": {"name": "A"},
        "reseller": None,
        "reservedFor": None,
        "holders": [{"subscription": {"id": line}, "validFrom": "2026-04-01T08:00:00Z", "validTo": None}],
    }
    gone = await did(
        house,
        "operator",
        f'cancelReservation(reservation: "{kept["id"]}") {{ ... on PhoneNumbers {{ '
        f"numbers {{ number status }} }} {NO} }}",
    )
    assert gone["numbers"] == [{"number": "46870000001", "status": "FREE"}]
    counts = await gql(house, "operator", f'{{ numberCounts(series: "{made["id"]}") {{ status count }} }}')
    assert counts["numberCounts"] == [{"status": "ASSIGNED", "count": 1}, {"status": "FREE", "count": 19}]
    page = await gql(
        house,
        "operator",
        '{ phoneNumbers(filter: {status: FREE, area: "08", endsWith: "1"}, first: 1) '
        "{ edges { node { number } } pageInfo { hasNextPage endCursor } } }",
    )
    assert page["phoneNumbers"]["edges"][0]["node"]["number"] == "46870000001"
    cursor = page["phoneNumbers"]["pageInfo"]["endCursor"]
    rest = await gql(
        house,
        "operator",
        f'{{ phoneNumbers(filter: {{status: FREE, endsWith: "1"}}, after: "{cursor}") '
        f"{{ edges {{ node {{ number }} }} }} }}",
    )
    assert [edge["node"]["number"] for edge in rest["phoneNumbers"]["edges"]] == ["46870000011"]
    changed = await did(
        house,
        "operator",
        f'changeNumberSeries(input: {{series: "{made["id"]}", version: 1, name: "B"}}) '
        f"{{ ... on NumberSeries {{ name version }} {NO} }}",
    )
    assert changed == {"__typename": "NumberSeries", "name": "B", "version": 2}
    listed = await gql(house, "operator", "{ allNumberSeries { edges { node { id name } } } }")
    assert listed["allNumberSeries"]["edges"][0]["node"] == {"id": made["id"], "name": "B"}
    for text, answer in (
        ('blockNumbers(input: {numbers: ["46870000005"], reason: "test"})', "BLOCKED"),
        ('freeNumbers(numbers: ["46870000005"])', "FREE"),
        ('classifyNumbers(input: {numbers: ["46870000005"], numberClass: "golden", price: "99.50"})', "FREE"),
    ):
        found = await did(house, "operator", f"{text} {{ ... on PhoneNumbers {{ numbers {{ status }} }} {NO} }}")
        assert found["numbers"] == [{"status": answer}], found


async def test_the_number_of_statements_does_not_grow_with_the_page(house: House, month: Month) -> None:
    await did(house, "operator", SERIES % ("", NO))
    line = month.owned["operator"].subscription
    held = ", ".join(f'{{number: "468700000{n:02d}", validFrom: "{NOW.isoformat()}"}}' for n in range(15))
    await did(house, "operator", f'assignNumbers(input: {{subscription: "{line}", numbers: [{held}]}}) {{ {NO} }}')
    query = (
        "{ phoneNumbers(first: %d) { edges { node { number series { name } reseller { code } reservedFor { name }"
        " holders { subscription { id state history { state } } } } } } }"
    )
    sizes = []
    for first in (1, 10):
        with counted() as statements:
            page = await gql(house, "operator", query % first)
        assert len(page["phoneNumbers"]["edges"]) == first
        sizes.append(len(statements))
    assert sizes[0] == sizes[1]


async def test_porting_and_preselection_over_graphql(house: House, month: Month) -> None:
    line = month.owned["operator"].subscription
    shown = "id direction number other state moment reason version steps { state } subscription { id }"
    asked = (
        f'requestPort(input: {{direction: IN, subscription: "{line}", number: "031-12 34 56", other: "TELIA", '
        f'wantedAt: "{LATER}", idempotencyKey: "p"}}) {{ ... on PortOrder {{ {shown} }} {NO} }}'
    )
    order = await did(house, "operator", asked)
    assert (order["direction"], order["state"], order["number"]) == ("IN", "REQUESTED", "4631123456")
    assert await did(house, "operator", asked) == order

    async def step(state: str, more: str = "") -> Any:
        text = (
            f'stepPort(input: {{order: "{order["id"]}", state: {state}{more}}}) {{ '
            f"... on PortOrder {{ {shown} }} {NO} }}"
        )
        return await did(house, "operator", text)

    assert (await step("CONFIRMED", ", version: 9"))["code"] == "STALE"
    assert (await step("CONFIRMED"))["moment"][:10] == LATER[:10]
    assert (await step("DONE"))["field"] == "moment"
    assert (await step("ACTIVE"))["code"] == "WRONG_STATE"
    off = await step("REJECTED", ", reason: WRONG_CUSTOMER")
    assert [one["state"] for one in off["steps"]] == ["REQUESTED", "CONFIRMED", "REJECTED"]
    found = await gql(
        house,
        "operator",
        f'{{ portOrders(filter: {{direction: IN, subscription: "{line}"}}) {{ edges {{ '
        f"node {{ id state reason }} }} }} }}",
    )
    assert found["portOrders"]["edges"] == [
        {"node": {"id": order["id"], "state": "REJECTED", "reason": "WRONG_CUSTOMER"}}
    ]
    number = month.owned["operator"].number
    chosen = await did(
        house,
        "operator",
        f'orderPreselection(input: {{subscription: "{line}", number: "{number}", prefix: "9533", wantedAt: "{LATER}", '
        f"scope: NATIONAL}}) {{ ... on PreselectionOrder {{ id prefix scope state }} {NO} }}",
    )
    assert (chosen["prefix"], chosen["scope"], chosen["state"]) == ("9533", "NATIONAL", "ORDERED")
    sent = await did(
        house,
        "operator",
        f'stepPreselection(input: {{order: "{chosen["id"]}", state: SENT, reference: "F1"}}) '
        f"{{ ... on PreselectionOrder {{ state reference }} {NO} }}",
    )
    assert (sent["state"], sent["reference"]) == ("SENT", "F1")
    for kind, key in (("PortOrder", order["id"]), ("PreselectionOrder", chosen["id"])):
        node = await gql(house, "operator", f'{{ node(id: "{key}") {{ id __typename }} }}')
        assert node["node"] == {"id": key, "__typename": kind}


def _mutations(key: dict[str, str], number: str) -> dict[str, str]:
    """Every mutation of lines and numbers that takes an id, by its argument."""
    sub, at = key["Subscription"], f'"{LATER}"'
    return {
        "stepSubscription.subscription": f'stepSubscription(input: {{subscription: "{sub}", step: SUSPEND}})',
        "changeSubscription.subscription": (
            f'changeSubscription(input: {{subscription: "{sub}", version: 1, label: "x"}})'
        ),
        "swapSim.subscription": f'swapSim(input: {{subscription: "{sub}", imsi: "240011234567890"}})',
        "transferNumber.source": (
            f'transferNumber(input: {{number: "{number}", source: "{sub}", target: "{key["mine"]}", at: {at}}})'
        ),
        "transferNumber.target": (
            f'transferNumber(input: {{number: "{key["number"]}", source: "{key["mine"]}", target: "{sub}", at: {at}}})'
        ),
        "requestPort.subscription": (
            f'requestPort(input: {{direction: IN, subscription: "{sub}", number: "031-12 34 56", other: "T", '
            f"wantedAt: {at}}})"
        ),
        "orderPreselection.subscription": (
            f'orderPreselection(input: {{subscription: "{sub}", number: "{number}", prefix: "9533", wantedAt: {at}}})'
        ),
        "stepPort.order": f'stepPort(input: {{order: "{key["PortOrder"]}", state: CANCELLED}})',
        "stepPreselection.order": f'stepPreselection(input: {{order: "{key["PreselectionOrder"]}", state: CANCELLED}})',
        "reserveNumbers.customer": f'reserveNumbers(input: {{until: {at}, count: 1, customer: "{key["Customer"]}"}})',
        "cancelReservation.reservation": f'cancelReservation(reservation: "{key["NumberReservation"]}")',
    }


def _queries(key: dict[str, str]) -> dict[str, str]:
    sub, customer = key["Subscription"], key["Customer"]
    edges = "{ edges { node { id } } }"
    return {
        "portOrder.id": f'{{ portOrder(id: "{key["PortOrder"]}") {{ id }} }}',
        "preselectionOrder.id": f'{{ preselectionOrder(id: "{key["PreselectionOrder"]}") {{ id }} }}',
        "portOrders.subscription": f'{{ portOrders(filter: {{subscription: "{sub}"}}) {edges} }}',
        "portOrders.customer": f'{{ portOrders(filter: {{customer: "{customer}"}}) {edges} }}',
        "preselectionOrders.subscription": f'{{ preselectionOrders(filter: {{subscription: "{sub}"}}) {edges} }}',
        "preselectionOrders.customer": f'{{ preselectionOrders(filter: {{customer: "{customer}"}}) {edges} }}',
        "node.PortOrder": f'{{ node(id: "{key["PortOrder"]}") {{ id }} }}',
        "node.PreselectionOrder": f'{{ node(id: "{key["PreselectionOrder"]}") {{ id }} }}',
    }


async def _keys(house: House, month: Month) -> dict[str, dict[str, str]]:
    """What each owner has: two orders and a reservation besides customer and line."""
    for client, area in (("operator", "08-71"), ("other", "08-71")):
        first, last = f"{area} 00 00 00", f"{area} 00 00 99"
        made = await did(
            house,
            client,
            f'createNumberSeries(input: {{name: "A", kind: FIXED, firstNumber: '
            f'"{first}", lastNumber: "{last}"}}) {{ {NO} }}',
        )
        assert made["__typename"] == "NumberSeries", made
    for place, name in enumerate(("Reseller", "Sibling")):
        text = (
            f'giveNumbers(input: {{firstNumber: "4687100000{place}", lastNumber: '
            f'"4687100000{place}", reseller: "{global_id("Reseller", place + 1)}"}})'
        )
        given = await did(house, "operator", f"{text} {{ ... on NumbersGiven {{ count }} {NO} }}")
        assert given.get("count") == 1, (name, given)
    keys = {}
    for client, owned in month.owned.items():
        mine = {"Customer": owned.customer["id"], "Subscription": owned.subscription}
        for field, kind, text in (
            ("requestPort", "PortOrder", 'direction: OUT, other: "T"'),
            ("orderPreselection", "PreselectionOrder", 'prefix: "9533"'),
        ):
            done = await did(
                house,
                client,
                f'{field}(input: {{subscription: "{owned.subscription}", number: '
                f'"{owned.number}", wantedAt: "{LATER}", {text}}}) '
                f"{{ ... on {kind} {{ id }} {NO} }}",
            )
            mine[kind] = done["id"]
        done = await did(
            house,
            client,
            f'reserveNumbers(input: {{until: "{LATER}", count: 1}}) {{ ... on NumberReservation {{ id }} {NO} }}',
        )
        mine["NumberReservation"] = done["id"]
        keys[client] = mine
    return keys


async def test_anothers_lines_and_orders_are_as_nobodys(house: House, month: Month) -> None:
    keys = await _keys(house, month)
    absent = {kind: global_id(kind, ABSENT) for kind in keys["operator"]}
    for caller, owner in FORBIDDEN:
        mine = {"mine": month.owned[caller].subscription, "number": month.owned[caller].number}
        number = month.owned[owner].number
        nobodys = _mutations(absent | mine, number)
        for name, text in _mutations(keys[owner] | mine, number).items():
            found = await did(house, caller, f"{text} {{ {NO} }}")
            other = await did(house, caller, f"{nobodys[name]} {{ {NO} }}")
            blank = {"message": None}
            assert found | blank == other | blank, (caller, owner, name)
            assert found["code"] == "NOT_FOUND", (caller, owner, name, found)
        for name, text in _queries(keys[owner]).items():
            answer = (await house.call(caller, "POST", "/graphql", json={"query": text})).json()
            (value,) = (answer["data"] or {"": None}).values()
            assert value in (None, {"edges": []}), (caller, owner, name)
            assert (value is not None) or answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    for client, owned in month.owned.items():
        for name, text in _queries(keys[client]).items():
            assert (await gql(house, client, text)) is not None, name
        mine = {"mine": owned.subscription, "number": owned.number}
        for name, text in _mutations(keys[client] | mine, owned.number).items():
            found = await did(house, client, f"{text} {{ {NO} }}")
            assert found.get("code") != "NOT_FOUND" or name == "transferNumber.source", (client, name, found)


async def test_series_are_the_operators_and_nobody_without_a_token(house: House, month: Month) -> None:
    made = await did(house, "operator", SERIES % (f', reseller: "{global_id("Reseller", 1)}"', NO))
    key = made["id"]
    seen = {}
    for client in ("operator", "reseller", "sibling", "other"):
        listed = await gql(
            house, client, "{ allNumberSeries { edges { node { id } } } phoneNumbers { edges { node { number } } } }"
        )
        seen[client] = (len(listed["allNumberSeries"]["edges"]), len(listed["phoneNumbers"]["edges"]))
    assert seen == {"operator": (1, 20), "reseller": (1, 20), "sibling": (0, 0), "other": (0, 0)}
    for client in ("sibling", "other"):
        for text in (
            f'numberSeries(id: "{key}") {{ id }}',
            f'numberCounts(series: "{key}") {{ count }}',
            f'node(id: "{key}") {{ id }}',
            'phoneNumber(number: "46870000000") { number }',
        ):
            answer = (await house.call(client, "POST", "/graphql", json={"query": f"{{ {text} }}"})).json()
            assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND", (client, text)
    filtered = await gql(
        house, "other", f'{{ phoneNumbers(filter: {{series: "{key}"}}) {{ edges {{ node {{ number }} }} }} }}'
    )
    assert filtered["phoneNumbers"]["edges"] == []
    own = [
        SERIES % ("", NO),
        f'changeNumberSeries(input: {{series: "{key}", version: 1, name: "X"}}) {{ {NO} }}',
        f'blockNumbers(input: {{numbers: ["46870000001"], reason: "x"}}) {{ {NO} }}',
        f'freeNumbers(numbers: ["46870000001"]) {{ {NO} }}',
        f'classifyNumbers(input: {{numbers: ["46870000001"], numberClass: "x"}}) {{ {NO} }}',
        f'takeBackNumber(number: "46870000001") {{ {NO} }}',
    ]
    for text in own:
        assert (await did(house, "reseller", text))["code"] == "NOT_ALLOWED", text
    change = f'changeNumberSeries(input: {{series: "{key}", version: 1, name: "X"}}) {{ {NO} }}'
    assert (await did(house, "other", change))["code"] == "NOT_FOUND"
    for client, reseller in (("sibling", 2), ("reseller", 2), ("other", 1)):
        given = (
            f'giveNumbers(input: {{firstNumber: "46870000000", lastNumber: '
            f'"46870000000", reseller: "{global_id("Reseller", reseller)}"}}) {{ {NO} }}'
        )
        assert (await did(house, client, given))["code"] == "NOT_FOUND", client
    wrong = SERIES.replace('"A"', '"B"') % (f', reseller: "{global_id("Reseller", 1)}"', NO)
    assert (await did(house, "other", wrong))["code"] == "NOT_FOUND"
    nobody = await house.http.post("/graphql", json={"query": "{ phoneNumbers { edges { node { number } } } }"})
    assert nobody.status_code == 401


@pytest.mark.parametrize("port", PORTS)
async def test_lines_and_numbers_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    contract = month.owned["operator"].contract["number"]
    theirs = int(read_id(month.owned["sibling"].subscription)[1])
    since, later = NOW, NOW + timedelta(days=2)

    def operator(service: Any) -> None:
        series = service.CreateNumberSeries(
            series={"name": "A", "kind": "fixed", "firstNumber": "08-700 000 00", "lastNumber": "08-700 000 19"}
        )
        assert (series.firstNumber, series.quarantineDays) == ("46870000000", 90)
        series = service.ChangeNumberSeries(id=series.id, version=1, quarantineDays=30)
        assert (series.quarantineDays, series.version) == (30, 2)
        assert [one.name for one in service.ListNumberSeries().series] == ["A"]
        kept = service.ReserveNumbers(reservation={"until": later, "count": 2, "wanted": {"area": "08"}})
        assert kept.number == ["46870000000", "46870000001"]
        line = service.AddSubscription(
            contractNumber=contract,
            kind="mobile",
            label="Anna",
            number=[
                {"number": "46870000000", "validFrom": since, "kind": "fixed"},
                {"number": "8946200000000000004", "validFrom": since, "kind": "iccid"},
            ],
            pending=True,
        )
        assert (line.state, line.activatedAt, line.number[0].kind) == ("pending", None, "fixed")
        line = service.StepSubscription(id=line.id, step="activate", version=1)
        assert (line.state, line.activatedAt.astimezone(UTC)) == ("active", NOW)
        assert code(service.StepSubscription, id=line.id, step="activate") == "wrong_state"
        line = service.SwapSim(id=line.id, iccid="8946200000000000012", at=later)
        assert len(line.number) == 3
        line = service.AssignNumbers(id=line.id, number=[{"number": "46870000001", "validFrom": since}])
        line = service.ReleaseNumbers(id=line.id, number=["46870000001"], at=later)
        assert service.GetSubscription(id=line.id).version == line.version
        assert [one.state for one in service.GetSubscriptionHistory(id=line.id)] == ["active"]  # at once
        one = service.GetNumber(number="08-700 000 01")
        assert (one.status, one.heldBy[0].subscription) == ("assigned", line.id)
        assert [one.count for one in service.CountNumbers(series=series.id)] == [2, 18]
        page = service.FindNumbers(wanted={"status": "free", "endsWith": "1"}, first=1)
        assert [one.number for one in page.number] == ["46870000011"]
        assert service.CancelReservation(id=kept.id).count == 0
        assert service.GiveNumbers(firstNumber="46870000010", lastNumber="46870000011", reseller="east") == 2
        assert service.GetNumber(number="46870000010").reseller == "east"
        assert service.BlockNumbers(number=["46870000012"], reason="test").number[0].status == "blocked"
        assert service.FreeNumbers(number=["46870000012"]).number[0].status == "free"
        golden = service.ClassifyNumbers(number=["46870000012"], numberClass="golden", price="10.50").number[0]
        assert (golden.numberClass, str(golden.price)) == ("golden", "10.50")
        other = service.AddSubscription(contractNumber=contract, kind="fixed")
        moved = service.TransferNumber(number="46870000000", source=line.id, target=other.id, at=later)
        assert moved.number[0].number == "46870000000"
        order = service.RequestPort(
            port={"kind": "port_in", "subscription": other.id, "number": "031-123456", "other": "T", "wantedAt": later}
        )
        assert (order.state, order.number) == ("requested", "4631123456")
        order = service.StepPort(next={"order": order.id, "state": "confirmed"})
        assert order.moment.astimezone(UTC) == later
        assert [one.state for one in order.step] == ["requested", "confirmed"]
        assert code(service.StepPort, next={"order": order.id, "state": "rejected"}) == "bad_value"
        chosen = service.OrderPreselection(
            preselection={"subscription": other.id, "number": "46870000000", "prefix": "9533", "wantedAt": later}
        )
        assert (chosen.state, chosen.scope) == ("ordered", "all")
        sent = service.StepPreselection(next={"order": chosen.id, "state": "sent", "reference": "F1"})
        assert sent.reference == "F1"
        assert [one.id for one in service.ListNumberOrders().order] == [order.id]
        assert [one.id for one in service.ListNumberOrders(kind=["preselection"]).order] == [chosen.id]
        assert code(service.TakeBackNumber, number="46870000012") == "wrong_state"

    def reseller(service: Any) -> None:
        assert [one.number for one in service.FindNumbers().number] == ["46870000010", "46870000011"]
        assert code(service.GetNumber, number="46870000012") == "not_found"
        assert code(service.GetSubscription, id=theirs) == "not_found"
        assert code(service.GetSubscriptionHistory, id=theirs) == "not_found"
        assert code(service.StepSubscription, id=theirs, step="end") == "not_found"
        assert code(service.SwapSim, id=theirs, imsi="240011234567890") == "not_found"
        assert code(service.AssignNumbers, id=theirs, number=[]) == "not_found"
        assert code(service.ReleaseNumbers, id=theirs, number=[], at=later) == "not_found"
        assert code(service.AddSubscription, contractNumber=contract, kind="fixed") == "not_found"
        new = {"kind": "port_in", "subscription": theirs, "number": "031-123456", "other": "T", "wantedAt": later}
        assert code(service.RequestPort, port=new) == "not_found"
        assert code(service.StepPort, next={"order": 1, "state": "cancelled"}) == "not_found"
        assert code(service.StepPreselection, next={"order": 2, "state": "cancelled"}) == "not_found"
        assert code(service.BlockNumbers, number=["46870000010"], reason="x") == "not_allowed"
        assert code(service.CountNumbers, series=1) == "not_found"
        assert code(service.CancelReservation, id=1) == "not_found"
        assert service.ListNumberOrders().count == 0

    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)
