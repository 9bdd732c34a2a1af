"""Crediting, disputing and fetching invoices over GraphQL, SOAP and REST, by four callers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from api.graphql.ids import global_id, read_id
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap

REFUSED = "... on Refusal { code field message }"
SHOWN = "number kind total net original credit lines { net corrects correctsLine vatCategory }"


async def _do(house: House, client: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]
    return found


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


async def test_an_invoice_is_credited_in_parts_and_issued_anew(house: House, month: Month) -> None:
    key, number = month.owned["operator"].invoices[0]["id"], month.owned["operator"].invoices[0]["number"]
    total = Decimal((await gql(house, "operator", f'{{ invoice(id: "{key}") {{ total }} }}'))["invoice"]["total"])
    asked = f'creditInvoice(input: {{invoice: "{key}", amount: "0.50", idempotencyKey: "c1"}})'
    note = await _do(house, "operator", f"{asked} {{ __typename ... on Invoice {{ {SHOWN} }} {REFUSED} }}")
    assert (note["kind"], note["original"], note["credit"]) == ("CREDIT_NOTE", number, "PART")
    assert Decimal(note["total"]) == Decimal("-0.50")
    again = await _do(house, "operator", f"{asked} {{ __typename ... on Invoice {{ {SHOWN} }} {REFUSED} }}")
    assert again == note
    line = f'creditInvoice(input: {{invoice: "{key}", lines: [{{position: 1, amount: "0.10"}}], text: "Sorry"}})'
    second = await _do(house, "operator", f"{line} {{ __typename ... on Invoice {{ {SHOWN} }} {REFUSED} }}")
    assert (second["lines"][0]["correctsLine"], second["lines"][0]["corrects"]) == (1, number)
    more = f'creditInvoice(input: {{invoice: "{key}", amount: "{total}"}}) {{ __typename {REFUSED} }}'
    refused = await _do(house, "operator", more)
    assert (refused["code"], refused["field"]) == ("BAD_VALUE", "amount")
    found = await gql(house, "operator", f'{{ invoice(id: "{key}") {{ creditNotes {{ number total }} }} }}')
    assert [one["number"] for one in found["invoice"]["creditNotes"]] == [note["number"], second["number"]]
    anew = f'reissueInvoice(input: {{invoice: "{key}"}})'
    made = await _do(
        house,
        "operator",
        f"{anew} {{ __typename ... on InvoiceReissued {{ creditNote {{ total }} invoice {{ number replaces total }} }}"
        f" {REFUSED} }}",
    )
    assert made["invoice"]["replaces"] == number
    left = Decimal(made["invoice"]["total"]) + Decimal(made["creditNote"]["total"])
    assert abs(left) <= Decimal("0.5")  # the new one is rounded to the krona anew
    listed = await gql(house, "operator", "{ invoices(kind: CREDIT_NOTE) { edges { node { number kind } } } }")
    assert {edge["node"]["kind"] for edge in listed["invoices"]["edges"]} == {"CREDIT_NOTE"}
    assert len(listed["invoices"]["edges"]) == 3
    nobody = await gql(house, "operator", '{ invoices(issuedUntil: "2020-01-01") { edges { node { number } } } }')
    assert nobody["invoices"]["edges"] == []


@pytest.mark.parametrize("client", ["reseller", "sibling", "other"])
async def test_strangers_credit_hold_and_fetch_nothing_of_others(house: House, month: Month, client: str) -> None:
    key = month.owned["operator"].invoices[0]["id"]
    for text in (
        f'creditInvoice(input: {{invoice: "{key}"}})',
        f'reissueInvoice(input: {{invoice: "{key}"}})',
        f'disputeInvoice(input: {{invoice: "{key}", reason: "x"}})',
        f'decideDispute(input: {{dispute: "{global_id("InvoiceDispute", 1)}", version: 1}})',
        f'acknowledgeInvoices(marker: "{global_id("InvoiceBatch", 1)}")',
    ):
        done = await _do(house, client, f"{text} {{ __typename {REFUSED} }}")
        assert done["code"] in {"NOT_FOUND", "NOT_ALLOWED"}, (text, done)
    fetch = 'fetchInvoices(input: {consumer: "erp"}) { __typename ... on InvoicesFetched { invoices { id } } }'
    done = await _do(house, client, fetch)
    assert key not in [one["id"] for one in done.get("invoices", [])]


async def test_a_dispute_is_seen_with_its_invoice_and_decided_once(house: House, month: Month) -> None:
    key = month.owned["operator"].invoices[0]["id"]
    shown = "__typename ... on InvoiceDispute { id amount state version invoice { id } }"
    held = await _do(
        house, "operator", f'disputeInvoice(input: {{invoice: "{key}", reason: "Not mine"}}) {{ {shown} {REFUSED} }}'
    )
    assert (held["state"], held["invoice"]["id"]) == ("OPEN", key)
    found = await gql(
        house,
        "operator",
        "{ disputes(state: OPEN) { edges { node { id reason } } }"
        f' invoice(id: "{key}") {{ disputes {{ id }} }} }}',
    )
    assert found["disputes"]["edges"] == [{"node": {"id": held["id"], "reason": "Not mine"}}]
    assert found["invoice"]["disputes"] == [{"id": held["id"]}]
    customer = month.owned["operator"].customer["id"]
    open_ = await gql(house, "operator", f'{{ openItems(customer: "{customer}") {{ open disputed }} }}')
    assert [one["disputed"] for one in open_["openItems"]] == [one["open"] for one in open_["openItems"]]
    decide = f'decideDispute(input: {{dispute: "{held["id"]}", version: 1, decision: "The log says so"}})'
    done = await _do(house, "operator", f"{decide} {{ {shown} {REFUSED} }}")
    assert done["state"] == "REJECTED"
    assert (await _do(house, "operator", f"{decide} {{ {shown} {REFUSED} }}"))["code"] == "STALE"
    seen = await gql(house, "operator", "{ events(first: 100) { edges { node { kind } } } }")
    kinds = {edge["node"]["kind"] for edge in seen["events"]["edges"]}
    assert {"invoice.disputed", "invoice.dispute_decided"} <= kinds


async def test_anothers_dispute_and_marker_are_nobodys(house: House, month: Month) -> None:
    key, mine = month.owned["operator"].invoices[0]["id"], month.owned["other"].invoices[0]["id"]
    held = await _do(
        house,
        "operator",
        f'disputeInvoice(input: {{invoice: "{key}", reason: "x"}}) {{ ... on InvoiceDispute {{ id }} }}',
    )
    fetch = 'fetchInvoices(input: {consumer: "erp"}) { ... on InvoicesFetched { marker } }'
    marker = (await _do(house, "operator", fetch))["marker"]
    for dispute in (held["id"], global_id("InvoiceDispute", 999_999)):
        asked = f'creditInvoice(input: {{invoice: "{mine}", dispute: "{dispute}"}}) {{ __typename {REFUSED} }}'
        assert (await _do(house, "other", asked))["code"] == "NOT_FOUND"
    for one in (marker, global_id("InvoiceBatch", 999_999)):
        asked = f'fetchInvoices(input: {{consumer: "erp", marker: "{one}"}}) {{ __typename {REFUSED} }}'
        assert (await _do(house, "other", asked))["code"] == "BAD_VALUE"


async def test_vat_rules_are_set_and_a_vat_id_is_checked(house: House, month: Month) -> None:
    rules = 'setTaxRules(input: {version: 0, ossSince: "2027-01-01", goodsGroups: ["phones"]})'
    done = await _do(house, "operator", f"{rules} {{ __typename ... on TaxRules {{ version ossSince }} {REFUSED} }}")
    assert (done["version"], done["ossSince"]) == (1, "2027-01-01")
    assert (await _do(house, "operator", f"{rules} {{ __typename {REFUSED} }}"))["code"] == "STALE"
    assert (await _do(house, "reseller", f"{rules} {{ __typename {REFUSED} }}"))["code"] == "NOT_ALLOWED"
    customer = month.owned["operator"].customer["id"]
    none = await _do(house, "operator", f'checkVatId(customer: "{customer}") {{ __typename {REFUSED} }}')
    assert none["code"] == "WRONG_STATE"
    for client in ("sibling", "other"):
        asked = f'checkVatId(customer: "{customer}") {{ __typename {REFUSED} }}'
        assert (await _do(house, client, asked))["code"] == "NOT_FOUND"
    report = '{ vatReport(start: "2026-01-01", end: "2027-01-01") { oss { country } sales { vatId } } }'
    assert (await gql(house, "operator", report))["vatReport"] == {"oss": [], "sales": []}
    declared = '{ ossReturn(start: "2026-10-01", end: "2027-01-01") }'
    told = (await gql(house, "operator", declared))["ossReturn"].split("\r\n")
    assert told[0] == "OSS_001;"
    assert told[1].endswith(";4;2026;")


async def test_rules_of_accounts_and_the_journal_are_the_operators_own(house: House, month: Month) -> None:
    put = 'putAccountRule(input: {account: "3044", validFrom: "2026-01-01", vatCategory: "S"'
    shown = f"{{ __typename ... on AccountRule {{ id version account }} {REFUSED} }}"
    made = await _do(house, "operator", f"{put}}}) {shown}")
    assert (made["account"], made["version"]) == ("3044", 1)
    changed = await _do(house, "operator", f'{put}, rule: "{made["id"]}", version: 1, country: "SE"}}) {shown}')
    assert changed["version"] == 2
    for client, code in (("reseller", "NOT_ALLOWED"), ("other", "NOT_FOUND"), ("operator", "STALE")):
        asked = f'{put}, rule: "{made["id"]}", version: 1}}) {shown}'
        assert (await _do(house, client, asked))["code"] == code
        gone = f'removeAccountRule(rule: "{made["id"]}", version: 1) {{ __typename {REFUSED} }}'
        assert (await _do(house, client, gone))["code"] == code
    for key in (month.service, global_id("Service", 999_999)):
        answer = await _do(house, "other", f'{put}, service: "{key}"}}) {shown}')
        assert (answer["code"], answer["field"]) == ("NOT_FOUND", "service")
    listed = "{ accountRules { id country } }"
    assert (await gql(house, "operator", listed))["accountRules"] == [{"id": made["id"], "country": "SE"}]
    assert (await gql(house, "other", listed))["accountRules"] == []
    journal = "{ currency invoices vouchers { series rows { account amount } } left }"
    whole = await gql(house, "operator", f'{{ journal(start: "2026-01-01", end: "2026-12-31") {journal} }}')
    assert whole["journal"]["invoices"] > 0
    for voucher in whole["journal"]["vouchers"]:
        assert sum(Decimal(row["amount"]) for row in voucher["rows"]) == 0
    run = global_id("BillRun", 1)
    of_run = await gql(house, "operator", f'{{ journal(billRun: "{run}") {journal} }}')
    assert of_run["journal"]["vouchers"][0]["series"] == "F"
    for client in ("other", "reseller"):
        for key in (run, global_id("BillRun", 999_999)):
            answer = await house.call(
                client, "POST", "/graphql", json={"query": f'{{ journal(billRun: "{key}") {journal} }}'}
            )
            code = answer.json()["errors"][0]["extensions"]["code"]
            assert code == ("NOT_FOUND" if client == "other" else "NOT_ALLOWED")


async def test_documents_come_whole_in_part_or_not_again(house: House, month: Month) -> None:
    key = read_id(month.owned["operator"].invoices[0]["id"])[1]
    for suffix, media in (("json", "application/json"), ("csv", "text/csv"), ("pdf", "application/pdf")):
        path = f"/rest/v1/invoices/{key}.{suffix}"
        whole = await house.call("operator", "GET", path)
        assert (whole.status_code, whole.headers["content-type"].partition(";")[0]) == (200, media)
        tag = whole.headers["etag"]
        known = await house.call("operator", "GET", path, headers={"If-None-Match": tag})
        assert (known.status_code, known.content) == (304, b"")
        part = await house.call("operator", "GET", path, headers={"Range": "bytes=2-5", "If-Range": tag})
        assert (part.status_code, part.content) == (206, whole.content[2:6])
        assert part.headers["content-range"] == f"bytes 2-5/{len(whole.content)}"
        beyond = await house.call("operator", "GET", path, headers={"Range": f"bytes={len(whole.content)}-"})
        assert beyond.status_code == 416
        assert (await house.call("reseller", "GET", path)).status_code == 404


@pytest.mark.parametrize("port", PORTS)
async def test_an_erp_fetches_credits_and_holds_over_soap(live: House, port: str) -> None:
    month = await make_month(live)
    number = month.owned["operator"].invoices[0]["number"]

    def call(service: Any) -> None:
        first = service.FetchInvoices(consumer="erp")
        again = service.FetchInvoices(consumer="erp")
        assert (first.marker, [one.invoice.number for one in first.document]) == (
            again.marker,
            [one.invoice.number for one in again.document],
        )
        assert number in [one.invoice.number for one in first.document]
        other = service.FetchInvoices(consumer="archive", most=1)
        assert (other.count, len(other.document)) == (1, 1)
        assert service.AcknowledgeInvoices(marker=first.marker).consumer == "erp"
        assert service.FetchInvoices(consumer="erp").marker is None
        whole = service.GetInvoice(invoiceNumber=number)
        assert sum(line.net for line in whole.line) == whole.invoice.net
        assert whole.vat[0].category == "S"
        held = service.DisputeInvoice(invoiceNumber=number, reason="Too much", amount=Decimal("0.40"))
        listed = service.ListDisputes(state="open")
        assert [one.id for one in listed.dispute] == [held.id]
        credited = [{"position": 1, "amount": Decimal("0.20")}]
        note = service.CreditInvoice(invoiceNumber=number, line=credited, dispute=held.id, idempotencyKey="n1")
        assert (note.invoice.kind, note.original, note.line[0].net) == ("credit_note", number, Decimal("-0.20"))
        same = service.CreditInvoice(invoiceNumber=number, line=credited, dispute=held.id, idempotencyKey="n1")
        assert same.invoice.number == note.invoice.number
        assert service.ListDisputes().dispute[0].creditNote == note.invoice.number
        (fresh,) = service.FetchInvoices(consumer="erp").document
        assert fresh.invoice.number == note.invoice.number
        anew = service.ReissueInvoice(invoiceNumber=number, text="Fel adress")
        assert anew.invoice.replaces == number
        assert service.ReadInvoiceBatch(marker=first.marker).count == first.count

    await _soap(live, "operator", port, call)
