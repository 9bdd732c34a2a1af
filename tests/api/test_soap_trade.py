"""Series, the meter, resellers, commissions and the basis over SOAP."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from zeep import xsd

from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.month import call
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code
from tests.api.test_trade import edition, known

PLACE = {"street": "Gatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}
SELLER = {
    "name": "East AB",
    "organisationNumber": "5560360793",
    "vatId": "SE556036079301",
    "address": PLACE,
    "bankgiro": "5050-1055",
}
DAYS = {"since": dt.date(2026, 3, 1), "until": dt.date(2026, 3, 3)}


@pytest.mark.parametrize("port", PORTS[:1])
async def test_resellers_series_commissions_and_the_meter(live: House, port: str) -> None:
    await known(live)
    async with live.database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "insert into meter_calls (operator, day, channel, calls) values (1, '2026-03-02', 'soap', 7)"
        )

    def operator(service: Any) -> None:
        changed = service.ChangeReseller(code="east", version=1, seller=SELLER)
        assert (changed.version, changed.seller.bankgiro) == (2, "50501055")
        assert code(service.ChangeReseller, code="east", version=1, name="x") == "stale"
        made = service.CreateReseller(code="far", name="Far", parent="west", priceList="Wholesale", idempotencyKey="k")
        assert (
            service.CreateReseller(code="far", name="Far", parent="west", priceList="Wholesale", idempotencyKey="k")
            == made
        )
        assert (made.parent, made.priceList) == ("west", "Wholesale")
        term = service.ChangeResellerTerms(code="far", validFrom=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), parent="east")
        assert [one.parent for one in term] == ["east"]
        assert {one.code: one.parent for one in service.ListResellers()} == {
            "east": None, "west": None, "below": "east", "far": "east",
        }  # fmt: skip
        series = service.ChangeDocumentSeries(kind="invoice", expected=1000, prefix="SE-", next=5000)
        assert (series.prefix, series.next) == ("SE-", 5000)
        assert "SE-" in {one.prefix for one in service.ListDocumentSeries()}
        days = service.ReadMeter(**DAYS)
        assert [(one.day.isoformat(), one.soapCalls) for one in days] == [("2026-03-01", 0), ("2026-03-02", 7)]
        person = service.PutSalesperson(code="anna", name="Anna", team="North", reseller="east")
        assert (person.version, person.team) == (1, "North")
        rule = {"name": "r", "basis": "usage", "percent": Decimal(5), "validFrom": dt.date(2026, 1, 1)}
        assert service.PutCommissionRule(rule).version == 1
        assert [(one.code, one.team, one.reseller) for one in service.ListSalespersons()] == [("anna", "North", "east")]
        (kept,) = service.ListCommissionRules()
        assert (kept.name, kept.basis, kept.percent, kept.amount, kept.version) == ("r", "usage", Decimal(5), None, 1)
        statement = service.MakeCommissionStatement(**DAYS)
        assert (statement.total, statement.currency) == (Decimal(0), "SEK")
        assert service.MakeCommissionStatement(**DAYS).id == statement.id

    def reseller(service: Any) -> None:
        assert {one.code for one in service.ListResellers()} == {"east", "below", "far"}
        assert code(service.ChangeReseller, code="west", version=1, name="x") == "not_found"
        assert code(service.ReadMeter, **DAYS) == "not_allowed"
        assert code(service.TakeBasis) == "not_allowed"
        assert service.ListCommissionStatements(first=10).count == 0
        assert [one.code for one in service.ListSalespersons()] == ["anna"]
        assert code(service.ListCommissionRules) == "not_allowed"
        assert service.ListReceivedInvoices(first=10).count == 0

    def sibling(service: Any) -> None:
        assert service.ListSalespersons() is None

    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)
    await _soap(live, "sibling", port, sibling)


async def test_the_operators_settings(live: House) -> None:
    def operator(service: Any) -> None:
        own = service.GetOperator()
        assert (own.code, own.vatIds, own.numberPlan, own.edition) == ("north", None, None, "retail")
        plan = {"nationalPrefix": "0", "short": ["112", "90222"]}
        change = {
            "phone": "+46 8 1",
            "vatIds": {"vatId": [{"country": "FI", "vatId": "FI 20774740"}]},
            "languages": {"language": ["sv", "fi"]},
            "numberPlan": plan,
            "roundsToKrona": False,
        }
        made = service.ChangeOperator(version=own.version, change=change)
        assert (made.version, made.phone, made.languages.language, made.roundsToKrona) == (
            own.version + 1, "+46 8 1", ["sv", "fi"], False,
        )  # fmt: skip
        assert [(one.country, one.vatId) for one in made.vatIds.vatId] == [("FI", "FI20774740")]
        assert (made.numberPlan.nationalPrefix, made.numberPlan.short) == ("0", ["112", "90222"])
        assert code(service.ChangeOperator, version=own.version, change={"name": "x"}) == "stale"
        emptied = service.ChangeOperator(version=made.version, change={"phone": xsd.Nil})
        assert (emptied.phone, emptied.name, emptied.languages.language) == (None, own.name, ["sv", "fi"])
        assert code(service.ChangeOperator, version=emptied.version, change={"name": xsd.Nil}) == "bad_value"

    def reseller(service: Any) -> None:
        own = service.GetOperator()
        assert code(service.ChangeOperator, version=own.version, change={"name": "x"}) == "not_allowed"

    await _soap(live, "operator", PORTS[0], operator)
    await _soap(live, "reseller", PORTS[0], reseller)


async def test_another_systems_customers_in_and_priced_lines_out(live: House) -> None:
    await edition(live, "rating_only")
    await known(live)
    number = {"number": "+46 8 500 000 01", "validFrom": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
    line = {"key": "A1-1", "kind": "fixed", "number": [number]}
    told = {"customer": [{"key": "A1", "name": "First AB", "priceList": "Retail", "line": [line]}]}

    def sync(service: Any) -> None:
        for outcome in ("created", "unchanged"):
            assert [(one.key, one.outcome) for one in service.SyncCustomers(told)] == [("A1", outcome)]
        bad = {"customer": [{"key": "B", "name": "B", "priceList": "None such"}]}
        (refused,) = service.SyncCustomers(bad)
        assert (refused.outcome, refused.code, refused.field) == ("refused", "NOT_FOUND", "customers.0.priceList")

    def take(service: Any) -> None:
        batch = service.TakeBasis()
        assert batch.lines == 1
        page = service.ReadBasis(batch=batch.id)
        (one,) = page.line
        assert (one.customerKey, one.subscriptionKey, one.events, one.amount) == ("A1", "A1-1", 1, Decimal("6.000000"))
        assert page.next is None
        assert service.TakeBasis().id == batch.id
        assert service.AcknowledgeBasis(batch=batch.id).acknowledgedAt is not None
        assert service.TakeBasis().lines == 0

    await _soap(live, "operator", PORTS[0], sync)
    content = call("46850000001", "46701740605", "1772442000.1")
    assert (await live.call("operator", "PUT", "/rest/v1/cdr/asterisk/a.csv?wait", content=content)).status_code == 201
    await _soap(live, "operator", PORTS[0], take)
