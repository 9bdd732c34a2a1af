"""Suspense, sources' profiles, balances and withdrawals over GraphQL and SOAP, asked by four callers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from zeep.exceptions import Fault

from api.graphql.ids import global_id
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.intake import world as made

GOOD = made.row(1, a="4670000009", b="46850000000")
BAD = made.row(2, a="4670000009", b="46850000000").replace("2026-03-02", "2026-33-02")
PROFILE = made.PROFILE.replace("asterisk-prov", "pbx")
OUTCOME = "__typename ... on Refusal { code field message }"


async def do(house: House, client: str, call: str, answer: str, **variables: str) -> Any:
    """Call a mutation and return its answer, or its refusal."""
    declared = ", ".join(f"${name}: String!" for name in variables)
    head = f"mutation({declared})" if declared else "mutation"
    return (await gql(house, client, f"{head} {{ a: {call} {{ {OUTCOME} {answer} }} }}", **variables))["a"]


async def put(house: House, client: str, profile: str = PROFILE, note: str = "first") -> Any:
    call = f'putSource(input: {{name: "pbx", profile: $p, note: "{note}"}})'
    return await do(house, client, call, "... on Source { version }", p=profile)


async def taken_in(house: House, client: str = "operator") -> str:
    """Import one event that nobody owns and one reject; return the file's id."""
    assert (await put(house, client))["version"] == 1
    call = 'importCdrFile(input: {source: "pbx", name: "1.csv", content: $c})'
    answer = "... on ImportedFile { reasons { reason count } file { id profileVersion } }"
    done = await do(house, client, call, answer, c=base64.b64encode(made.lines(GOOD, BAD)).decode())
    assert {one["reason"]: one["count"] for one in done["reasons"]} == {"bad_time": "1", "no_party": "1"}
    assert done["file"]["profileVersion"] == 1
    return str(done["file"]["id"])


async def test_records_are_listed_corrected_released_and_discarded(house: House) -> None:
    await taken_in(house)
    listed = 'suspended(filter: {source: "pbx", text: "2026-33"}) { edges { node { id reason byteOffset raw } } }'
    chosen = "suspenseChosen(filter: {kind: UNRATED}) { reason count }"
    found = await gql(house, "operator", f"{{ {listed} {chosen} }}")
    (node,) = [edge["node"] for edge in found["suspended"]["edges"]]
    assert (node["reason"], node["raw"], node["byteOffset"]) == ("bad_time", BAD, str(len(GOOD) + 1))
    assert found["suspenseChosen"] == [{"reason": "no_party", "count": "1"}]
    fix = f'correctSuspense(input: {{filter: {{ids: ["{node["id"]}"]}}, why: "typo", raw: $r}})'
    right = BAD.replace("2026-33-02", "2026-03-02")
    count = "... on SuspenseCount { records }"
    only = fix.replace("raw: $r", "raw: $r, preview: true")
    assert (await do(house, "operator", only, count, r=right))["records"] == "1"
    assert (await do(house, "operator", fix, count, r=right))["records"] == "1"
    answer = "... on SuspenseRelease { chosen rated still { reason count } }"
    for preview in ("true", "false"):
        call = f'releaseSuspense(input: {{filter: {{source: "pbx"}}, why: "now", preview: {preview}}})'
        done = await do(house, "operator", call, answer)
        assert (done["chosen"], done["rated"], done["still"]) == ("2", "0", [{"reason": "no_party", "count": "2"}])
    history = f'{{ suspenseHistory(id: "{node["id"]}") {{ action client why reason before }} }}'
    entries = (await gql(house, "operator", history))["suspenseHistory"]
    assert [(one["action"], one["client"], one["why"], one["reason"]) for one in entries] == [
        ("CORRECT", "operator", "typo", None),
        ("RELEASE", "operator", "now", "no_party"),
    ]
    assert json.loads(entries[0]["before"])["reason"] == "bad_time"
    discard = 'discardSuspense(input: {filter: {reason: "no_party"}, why: "tests", preview: false})'
    assert (await do(house, "operator", discard, count))["records"] == "2"
    asked = "{ balances { source { name } suspense holds counts { reason count } ignored { reason count } } }"
    (balance,) = (await gql(house, "operator", asked))["balances"]
    assert (balance["source"]["name"], balance["suspense"], balance["holds"]) == ("pbx", "0", True)
    assert balance["ignored"] == [{"reason": "discarded", "count": "2"}]
    metrics = await house.call("operator", "GET", "/metrics")
    assert 'tollwright_balance_holds{operator="north",source="pbx"} 1.0' in metrics.text
    assert 'tollwright_balance_records{operator="north",outcome="suspense",source="pbx"} 0.0' in metrics.text


async def test_two_files_that_balance_only_together_do_not_balance(house: House) -> None:
    """A record that one file has too much and another too little: the sums hold, and the balance does not."""
    await taken_in(house)
    other = await house.call("operator", "PUT", "/rest/v1/cdr/pbx/b.csv?wait=1", content=made.calls(1, first=77))
    assert other.status_code == 201
    asked = "{ balances { unbalanced holds } files { edges { node { balances } } } }"

    async def told() -> tuple[int, bool, list[bool], str]:
        data = await gql(house, "operator", asked)
        (balance,) = data["balances"]
        page = (await house.call("operator", "GET", "/metrics")).text
        (metric,) = (line for line in page.splitlines() if line.startswith("tollwright_files_unbalanced{"))
        each = [edge["node"]["balances"] for edge in data["files"]["edges"]]
        return balance["unbalanced"], balance["holds"], each, metric.split()[-1]

    assert await told() == (0, True, [True, True], "0.0")
    async with house.database.transaction(role=OWNER) as unit:
        wrong = "update cdr_file set records = records + case when name = 'b.csv' then 1 else -1 end"
        await unit.connection.execute(wrong)
    assert await told() == (2, False, [False, False], "2.0")


async def test_profiles_have_versions_that_are_compared_and_brought_back(house: House) -> None:
    await put(house, "operator")
    assert (await put(house, "operator", PROFILE + '[usage]\nround = "down"\n', "rounds down"))["version"] == 2
    versions = 'sourceVersions(name: "pbx") { version client note profile }'
    found = await gql(house, "operator", f'{{ {versions} sourceDifference(name: "pbx", before: 1, after: 2) }}')
    assert [(one["version"], one["client"], one["note"]) for one in found["sourceVersions"]] == [
        (2, "operator", "rounds down"),
        (1, "operator", "first"),
    ]
    assert '+round = "down"' in found["sourceDifference"]
    back = 'rollBackSource(input: {name: "pbx", version: 1})'
    assert await do(house, "operator", back, "... on Source { version profile }") == {
        "__typename": "Source",
        "version": 3,
        "profile": PROFILE,
    }
    faulty = "query($p: String!) { profileFaults(profile: $p) }"
    bad = await gql(
        house, "operator", faulty, p='name = "x"\nreader = "asterisk"\n[time]\nzone = "Mars"\n[usage]\nx = 1\n'
    )
    assert [fault.split()[0] for fault in bad["profileFaults"]] == ["time.zone", "usage.x"]
    content = base64.b64encode(made.lines(GOOD, BAD)).decode()
    check = 'sourceCheck(input: {content: $c, source: "pbx"})'
    check += " { records rejected fault lines suggestions { key value because } }"
    checked = (await gql(house, "operator", f"query($c: String!) {{ {check} }}", c=content))["sourceCheck"]
    assert (checked["records"], checked["rejected"], checked["fault"]) == (2, 1, None)
    assert [json.loads(line)["read_as"] for line in checked["lines"]] == ["event", "reject"]


async def test_a_file_is_withdrawn(house: House) -> None:
    file = await taken_in(house)
    answer = "... on Withdrawal { events suspended file { state } }"

    async def withdraw(preview: str) -> Any:
        call = f'withdrawFile(input: {{file: "{file}", why: "wrong zone", preview: {preview}}})'
        return await do(house, "operator", call, answer)

    told = {"__typename": "Withdrawal", "events": "0", "suspended": "2", "file": {"state": "DONE"}}
    assert await withdraw("true") == told
    assert (await withdraw("false"))["file"]["state"] == "WITHDRAWN"
    call = f'withdrawFile(input: {{file: "{file}", why: "again", preview: false, redo: true}})'
    again = await do(house, "operator", call, "... on Withdrawal { redone { rated unrated fault file { id } } }")
    assert again["redone"] == [], "nobody had duplicates of it"
    assert (await do(house, "operator", "sweepSessions", "... on Sweep { events }"))["events"] == "0"


def _asked(file: str, record: str) -> dict[str, str]:
    chosen = f'filter: {{ids: ["{record}"]}}'
    return {
        "correct": f'correctSuspense(input: {{{chosen}, why: "x", fields: [{{name: "a", value: "1"}}]}})',
        "release": f"releaseSuspense(input: {{{chosen}, preview: false}})",
        "discard": f'discardSuspense(input: {{{chosen}, why: "x", preview: false}})',
        "withdraw": f'withdrawFile(input: {{file: "{file}", why: "x", preview: false}})',
        "roll back": 'rollBackSource(input: {name: "pbx", version: 1})',
        "sweep": 'sweepSessions(source: "pbx")',
    }


async def test_four_callers(house: House) -> None:
    file = await taken_in(house)
    page = await gql(house, "operator", '{ suspended(filter: {reason: "bad_time"}) { edges { node { id } } } }')
    record = page["suspended"]["edges"][0]["node"]["id"]
    absent = _asked(global_id("File", 999_999), global_id("Suspended", 999_999))
    for name, text in _asked(file, record).items():
        for reseller in ("reseller", "sibling"):
            found = (await gql(house, reseller, f"mutation {{ a: {text} {{ {OUTCOME} }} }}"))["a"]
            assert found["code"] == "NOT_ALLOWED", (name, reseller, found)
        other = (await gql(house, "other", f"mutation {{ a: {text} {{ {OUTCOME} }} }}"))["a"]
        assert other["code"] == "NOT_FOUND", (name, other)
        missing = (await gql(house, "other", f"mutation {{ a: {absent[name]} {{ {OUTCOME} }} }}"))["a"]
        assert missing["code"] == "NOT_FOUND", (name, missing)
        answer = await house.http.post("/graphql", json={"query": f"mutation {{ a: {text} {{ {OUTCOME} }} }}"})
        assert answer.status_code == 401, name
    assert (await put(house, "reseller"))["code"] == "NOT_ALLOWED"
    queries = (
        'suspended(filter: {reason: "bad_time"}) { edges { node { id } } }',
        'suspenseChosen(filter: {reason: "bad_time"}) { reason }',
        f'suspenseHistory(id: "{record}") {{ action }}',
        "balances { holds }",
        'sourceVersions(name: "pbx") { version }',
        'sourceDifference(name: "pbx", before: 1, after: 1)',
        'profileFaults(profile: "asterisk")',
        'sourceCheck(input: {content: "", source: "pbx"}) { records }',
    )
    for query in queries:
        refused = (await house.call("reseller", "POST", "/graphql", json={"query": f"{{ {query} }}"})).json()
        assert refused["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", query
        other = (await house.call("other", "POST", "/graphql", json={"query": f"{{ {query} }}"})).json()
        if "errors" in other:
            assert other["errors"][0]["extensions"]["code"] == "NOT_FOUND", query
        else:
            assert next(iter(other["data"].values())) in ([], {"edges": []}), query
    own = await gql(house, "operator", '{ suspended(filter: {reason: "bad_time"}) { edges { node { id } } } }')
    assert own == page


@pytest.mark.parametrize("port", PORTS)
async def test_the_same_over_soap(live: House, port: str) -> None:
    def call(service: Any) -> None:
        assert service.PutSource(name="pbx", profile=PROFILE, note="first").version == 1
        assert [one.name for one in service.ListSources()] == ["pbx"]
        assert not service.CheckProfile(profile="asterisk")
        check = service.CheckSource(content=made.lines(GOOD, BAD), source="pbx")
        assert (check.records, check.rejected) == (2, 1)
        assert service.PutSource(name="pbx", profile=PROFILE + "\n", note="more").version == 2
        assert [one.version for one in service.ListSourceVersions(name="pbx")] == [2, 1]
        assert "@@" in service.CompareSourceVersions(name="pbx", before=1, after=2)
        assert service.RollBackSource(name="pbx", version=1).version == 3

    await _soap(live, "operator", port, call)
    await live.call("operator", "PUT", "/rest/v1/cdr/pbx/1.csv?wait=1", content=made.lines(GOOD, BAD))

    def work(service: Any) -> None:
        page = service.ListSuspense(filter={"source": "pbx"})
        assert {one.name: one.count for one in page.reason} == {"bad_time": 1, "no_party": 1}
        bad = next(one for one in page.record if one.reason == "bad_time")
        right = BAD.replace("2026-33-02", "2026-03-02")
        assert service.CorrectSuspense(filter={"id": [bad.id]}, why="typo", raw=right, preview=True) == 1
        assert service.CorrectSuspense(filter={"id": [bad.id]}, why="typo", raw=right) == 1
        done = service.ReleaseSuspense(filter={"id": [bad.id]}, why="now", preview=False)
        assert [(one.name, one.count) for one in done.still] == [("no_party", 1)]
        assert [one.action for one in service.GetSuspenseHistory(id=bad.id)] == ["correct", "release"]
        assert service.DiscardSuspense(filter={"id": [bad.id]}, why="tests", preview=False) == 1
        (balance,) = service.ListBalances()
        assert (balance.source, balance.suspense, balance.holds) == ("pbx", 1, True)
        assert service.SweepSessions().events == 0
        withdrawn = service.WithdrawFile(file=bad.file, why="wrong", preview=False)
        assert withdrawn.file.state == "withdrawn"

    def refused(service: Any) -> None:
        for operation, arguments in (
            (service.ListSuspense, {}),
            (service.CorrectSuspense, {"filter": {"id": [1]}, "why": "x", "field": [{"name": "a", "value": "1"}]}),
            (service.ReleaseSuspense, {"filter": {"id": [1]}}),
            (service.DiscardSuspense, {"filter": {"id": [1]}, "why": "x"}),
            (service.GetSuspenseHistory, {"id": 1}),
            (service.PutSource, {"name": "pbx", "profile": "asterisk"}),
            (service.RollBackSource, {"name": "pbx", "version": 1}),
            (service.ListBalances, {}),
            (service.WithdrawFile, {"file": 1, "why": "x"}),
            (service.SweepSessions, {}),
        ):
            with pytest.raises(Fault):
                operation(**arguments)

    await _soap(live, "reseller", port, refused)
    await _soap(live, "operator", port, work)


async def test_a_sample_that_is_no_file_of_the_format_is_told(house: House) -> None:
    query = 'query($c: String!) { sourceCheck(input: {content: $c, profile: "asterisk"}) { fault lines } }'
    html = base64.b64encode(b"<html><body>not found</body></html>").decode()
    found = (await gql(house, "operator", query, c=html))["sourceCheck"]
    assert found["fault"]
    assert found["lines"] == []
