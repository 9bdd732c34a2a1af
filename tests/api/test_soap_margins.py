"""Margins, exchange rates and alarms over SOAP, and who meets them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from zeep.exceptions import Fault

from domain.access.actor import system
from domain.alarms.alarm import Raised
from domain.ids import OperatorId
from domain.usecases.raise_alarm import raise_alarm
from tests.api.conftest import House
from tests.api.test_margins import month_with_wholesale
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_month import SINCE, UNTIL

RATES = b"Date,USD,SEK,\n2026-03-02,1.0842,11.2345,\n"


def code(operation: Any, **arguments: Any) -> str:
    with pytest.raises(Fault) as caught:
        operation(**arguments)
    return str(caught.value.subcodes[0].localname if caught.value.subcodes else caught.value.code.rpartition(".")[2])


@pytest.mark.parametrize("port", PORTS)
async def test_margins_rates_and_alarms(live: House, port: str) -> None:
    month = await month_with_wholesale(live)
    actor = system(OperatorId(1))
    found = Raised(kind="silent_source", subject="pbx", text="nothing came", data={"hours": 3})
    await raise_alarm(found, actor=actor, begin=live.wiring.begin, clock=live.clock)
    numbers = {name: one.customer["number"] for name, one in month.owned.items()}

    def operator(service: Any) -> None:
        page = service.ListMargins(since=SINCE, until=UNTIL, by="customer", order="margin", first=2)
        assert (page.count, page.currency) == (2, "SEK")
        assert (page.margin[0].name, page.margin[0].margin) == (numbers["reseller"], Decimal("0.300000"))
        rest = service.ListMargins(since=SINCE, until=UNTIL, by="customer", order="margin", first=2, after=page.next)
        assert (rest.count, rest.next) == (1, None)
        buyers = service.ListMargins(since=SINCE, until=UNTIL, by="reseller")
        assert [one.name or "" for one in buyers.margin] == ["", "east", "west"]
        assert code(service.ListMargins, since=SINCE, until=UNTIL, by="day", after="x") == "bad_value"
        other = {"since": SINCE, "until": UNTIL, "by": "all", "customerNumber": numbers["other"]}
        assert code(service.ListMargins, **other) == "not_found"
        done = service.ImportExchangeRates(content=RATES)
        assert (done.new, done.same) == (2, 0)
        assert service.ImportExchangeRates(content=RATES, replace=True).same == 2
        assert code(service.ImportExchangeRates, content=b"nothing") == "unreadable"
        rates = service.ListExchangeRates(first=1)
        assert (rates.rate[0].quote, rates.rate[0].rate) == ("SEK", Decimal("11.2345"))
        assert service.ListExchangeRates(after=rates.next).rate[0].quote == "USD"
        (alarm,) = service.ListAlarms(state="open").alarm
        assert (alarm.subject, alarm.times, alarm.data) == ("pbx", 1, '{"hours": 3}')
        assert service.AcknowledgeAlarm(id=alarm.id).state == "acknowledged"
        assert service.CloseAlarm(id=alarm.id).closedBy == "operator"
        assert service.ListAlarms(state="open").count == 0
        assert code(service.CloseAlarm, id=10**18) == "not_found"

    def reseller(service: Any) -> None:
        (row,) = service.ListMargins(since=SINCE, until=UNTIL, by="all").margin
        assert (row.earned, row.paid, row.margin) == (Decimal("0.6"), Decimal("0.4"), Decimal("0.2"))
        for name in ("operator", "sibling"):
            asked = {"since": SINCE, "until": UNTIL, "by": "all", "customerNumber": numbers[name]}
            assert code(service.ListMargins, **asked) == "not_found"
        assert code(service.ImportExchangeRates, content=RATES) == "not_allowed"
        assert code(service.ListAlarms) == "not_allowed"
        assert code(service.AcknowledgeAlarm, id=1) == "not_allowed"
        assert code(service.CloseAlarm, id=1) == "not_allowed"

    def other(service: Any) -> None:
        assert service.ListExchangeRates().count == 0
        assert service.ListAlarms().count == 0
        assert code(service.CloseAlarm, id=1) == "not_found"
        (row,) = service.ListMargins(since=SINCE, until=UNTIL, by="all").margin
        assert row.events == 1

    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)
    await _soap(live, "other", port, other)
