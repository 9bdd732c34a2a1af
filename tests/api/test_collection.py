"""Collection over GraphQL and SOAP: set up, run, held up, handed over; the operator's alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from api.collection_jobs import letter_job, message_job, paid_job, run_job
from api.graphql.ids import global_id, read_id
from domain.access.actor import system
from domain.ids import OperatorId
from domain.jobs.job import Job, JobState
from domain.ports.page import PageRequest
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

STEPS = (
    '[{kind: REMINDER, days: 5, fee: "60", interest: true}, {kind: BAR, days: 9, bars: [OUTGOING], channel: NONE},'
    " {kind: HAND_OVER, days: 12, channel: NONE}]"
)
RULE = (
    'putCollectionRule(input: {name: "all", currency: "SEK", validFrom: "2020-01-01", feesAgreed: true,'
    f' agency: "inkasso", steps: {STEPS}}})'
)
RATES = (
    'putReferenceRate(input: {country: "SE", validFrom: "2026-01-01", percent: "2", source: "test"})',
    'putReferenceRate(input: {country: "SE", validFrom: "2026-07-01", percent: "2", source: "test"})',
)
SHOWN = "{ __typename ... on Refusal { code message field } }"


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


async def do(house: House, client: str, text: str, shown: str = SHOWN) -> dict[str, Any]:
    found: dict[str, Any] = (await gql(house, client, f"mutation {{ a: {text} {shown} }}"))["a"]
    return found


async def set_up(house: House) -> None:
    folder = house.wiring.settings.data_dir / "inbox" / "1" / "agency"
    folder.mkdir(parents=True, exist_ok=True)
    agency = f'putCollectionAgency(input: {{name: "inkasso", format: XML, address: "folder://{folder}"}})'
    for text in (agency, RULE, *RATES):
        done = await do(house, "operator", text)
        assert "code" not in done, (text, done)


async def jobs(house: House, kind: str) -> list[Job]:
    async with house.wiring.begin(system(OperatorId(1))) as unit:
        found = (await unit.jobs.page(PageRequest(first=200), kind=kind)).items
    return [one for one in found if one.state is JobState.WAITING]


RUN = (
    "{ __typename ... on Refusal { code message } ... on CollectionRun { steps letters planned { customerNumber"
    " number step fee interest why since } } }"
)


async def test_from_a_rule_to_a_case_at_the_agency(house: House, month: Month) -> None:
    await set_up(house)
    due = (await gql(house, "operator", "{ invoices(first: 50) { edges { node { dueOn } } } }"))["invoices"]["edges"]
    last = max(edge["node"]["dueOn"] for edge in due)
    house.clock.at = datetime.combine(date.fromisoformat(last) + timedelta(days=6), time(12), UTC)
    house.tokens.clear()  # they have run out
    planned = await do(house, "operator", "runCollection(input: {dryRun: true})", RUN)
    assert {one["step"] for one in planned["planned"]} == {"REMINDER"}, planned
    of_one = f'runCollection(input: {{dryRun: true, customers: ["{month.owned["operator"].customer["id"]}"]}})'
    assert (await do(house, "operator", of_one, RUN))["steps"] == 1
    assert (await do(house, "other", of_one, RUN)).get("steps", 0) == 0
    assert (await do(house, "reseller", of_one, RUN))["code"] == "NOT_ALLOWED"
    assert (await gql(house, "operator", "{ collectionSteps { edges { node { id } } } }"))["collectionSteps"][
        "edges"
    ] == []
    actor = system(OperatorId(1))
    (promised,) = await jobs(house, "collection_run")
    told = await run_job(house.wiring, actor, promised)
    assert told["steps"] == planned["steps"]
    again = await do(house, "operator", "runCollection(input: {})", RUN)
    assert (again["steps"], {one["why"] for one in again["planned"]}) == (0, {"NOT_YET"})
    first, *_ = await jobs(house, "collection_letter")
    assert (await letter_job(house.wiring, actor, first))["outcome"] == "waits to be printed"
    letters = await gql(house, "operator", "{ collectionLetters { edges { node { id state kind } } } }")
    key = read_id(letters["collectionLetters"]["edges"][0]["node"]["id"])[1]
    pdf = await house.call("operator", "GET", f"/rest/v1/collection/letters/{key}.pdf")
    assert pdf.content[:5] == b"%PDF-"
    for client, status in (("reseller", 403), ("other", 404)):
        assert (await house.call(client, "GET", f"/rest/v1/collection/letters/{key}.pdf")).status_code == status
    customer = month.owned["operator"].customer["id"]
    handed = await do(
        house,
        "operator",
        f'handOverToCollection(input: {{customer: "{customer}", agency: "inkasso"}})',
        "{ __typename ... on Refusal { code } ... on CollectionCase { id state version claimed } }",
    )
    assert handed["state"] == "OPEN"
    (message,) = await jobs(house, "collection_message")
    for _ in range(2):
        assert (await message_job(house.wiring, actor, message))["outcome"] in {"sent", "sent before"}
    names = sorted(one.name for one in (house.wiring.settings.data_dir / "inbox" / "1" / "agency").iterdir())
    assert len(names) == 2
    assert (names[0].endswith("-001-new.xml"), names[1].endswith(".pdf")) == (True, True)
    text = (house.wiring.settings.data_dir / "inbox" / "1" / "agency" / names[0]).read_text()
    assert "<principal_left>" in text
    await the_operator_s_alone(house, customer, handed["id"])
    case = f'{{ collectionCase(id: "{handed["id"]}") {{ case {{ state }} messages {{ kind sentAt }} }} }}'
    shown = (await gql(house, "operator", case))["collectionCase"]
    assert [one["kind"] for one in shown["messages"]] == ["NEW"]
    receipt = f'takeCollectionReceipt(input: {{case: "{handed["id"]}", status: "taken", reference: "I-1"}})'
    told = await do(house, "operator", receipt, "{ ... on CollectionCase { reference version } }")
    assert told["reference"] == "I-1"
    back = f'withdrawCollectionCase(input: {{case: "{handed["id"]}", version: {told["version"]}, reason: "paid"}})'
    assert (await do(house, "operator", back, "{ ... on CollectionCase { state } }"))["state"] == "WITHDRAWN"
    ended = Job(**{**vars_of(message), "payload": {"customer": int(read_id(customer)[1])}})
    assert (await paid_job(house.wiring, actor, ended))["ended"] == 0


def vars_of(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in job.__slots__}


async def the_operator_s_alone(house: House, customer: str, case: str) -> None:
    changes = {
        f'handOverToCollection(input: {{customer: "{customer}", agency: "inkasso"}})': "NOT_FOUND",
        f'withdrawCollectionCase(input: {{case: "{case}", version: 1, reason: "x"}})': "NOT_FOUND",
        f'takeCollectionReceipt(input: {{case: "{case}", status: "x"}})': "NOT_FOUND",
        f'holdCollection(input: {{customer: "{customer}", kind: STOP, reason: "x"}})': "NOT_FOUND",
        f'releaseCollection(hold: "{global_id("CollectionHold", 1)}", version: 1)': "NOT_FOUND",
        "runCollection(input: {dryRun: true})": None,
        RATES[0]: None,
    }
    for text, refused in changes.items():
        for client in ("reseller", "sibling"):
            assert (await do(house, client, text))["code"] == "NOT_ALLOWED", (client, text)
        assert (await do(house, "other", text)).get("code") == refused, text
        nobody = await house.http.post("/graphql", json={"query": f"mutation {{ a: {text} {SHOWN} }}"})
        assert nobody.status_code == 401
    questions = {
        f'{{ collectionHolds(customer: "{customer}") {{ id }} }}': "NOT_FOUND",
        f'{{ collectionCase(id: "{case}") {{ case {{ id }} }} }}': "NOT_FOUND",
        "{ collectionSteps { edges { node { id } } } }": None,
        f'{{ collectionSteps(customer: "{customer}") {{ edges {{ node {{ id }} }} }} }}': None,
        "{ collectionLetters { edges { node { id } } } }": None,
        "{ collectionCases { edges { node { id } } } }": None,
        "{ collectionRules { name } }": None,
        "{ collectionAgencies { name } }": None,
    }
    for text, refused in questions.items():
        for client in ("reseller", "sibling"):
            answer = (await house.call(client, "POST", "/graphql", json={"query": text})).json()
            assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", (client, text)
        answer = (await house.call("other", "POST", "/graphql", json={"query": text})).json()
        if refused:
            assert answer["errors"][0]["extensions"]["code"] == refused, text
        else:
            assert next(iter(answer["data"].values())) in ([], {"edges": []}), text


async def test_the_law_is_named_where_a_rule_asks_for_more(house: House) -> None:
    await set_up(house)
    text = RULE.replace('"60"', '"61"').replace('"all"', '"more"')
    refused = await do(house, "operator", text)
    assert (refused["code"], refused["field"]) == ("BAD_VALUE", "steps.0.fee")
    assert "1981:739" in refused["message"]
    law = await gql(house, "operator", "{ legalLimits { country kind most version } referenceRates { country } }")
    assert {one["country"] for one in law["legalLimits"]} == {"SE", "NO", "DK", "FI"}


@pytest.mark.parametrize("port", PORTS)
async def test_collection_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    await set_up(live)
    number = month.owned["operator"].customer["number"]
    live.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    live.tokens.clear()  # they have run out

    def operator(service: Any) -> None:
        run = service.RunCollection(dryRun=True)
        assert {one.step for one in run.planned} == {"reminder"}
        held = service.HoldCollection(customerNumber=number, kind="stop", reason="deceased")
        whys = {one.customerNumber: one.why for one in service.RunCollection(dryRun=True).planned}
        assert whys[number] == "stopped"
        assert service.ReleaseCollection(hold=held.id, version=held.version).endedAt is not None
        case = service.HandOverToCollection(customerNumber=number, agency="inkasso")
        assert service.ListCollectionCases(state="open").count == 1
        assert service.GetCollectionCase(id=case.id).message[0].kind == "new"
        assert service.TakeCollectionReceipt(id=case.id, status="ok", reference="7").reference == "7"
        done = service.WithdrawCollectionCase(id=case.id, version=2, reason="x")
        assert done.state == "withdrawn"
        rate = {"country": "SE", "validFrom": "2027-01-01", "percent": "2.5", "version": 0}
        assert service.PutReferenceRate(rate=rate).version == 1
        assert code(service.PutReferenceRate, rate=rate | {"validFrom": "2027-02-01"}) == "bad_value"

    def reseller(service: Any) -> None:
        assert code(service.RunCollection, dryRun=True) == "not_allowed"
        assert code(service.ListCollectionCases) == "not_allowed"
        assert code(service.GetCollectionCase, id=1) == "not_allowed"

    def other(service: Any) -> None:
        assert service.ListCollectionCases().count == 0
        assert code(service.GetCollectionCase, id=1) == "not_found"
        assert code(service.TakeCollectionReceipt, id=1, status="x") == "not_found"
        assert code(service.WithdrawCollectionCase, id=1, version=1, reason="x") == "not_found"
        assert code(service.HandOverToCollection, customerNumber=number, agency="inkasso") == "not_found"
        assert code(service.HoldCollection, customerNumber=number, kind="stop", reason="x") == "not_found"
        assert code(service.ReleaseCollection, hold=1, version=1) == "not_found"

    for client, ask in (("operator", operator), ("reseller", reseller), ("sibling", reseller), ("other", other)):
        await _soap(live, client, port, ask)
