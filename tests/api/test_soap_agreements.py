"""Services, contracts by the day and quotes over SOAP, and who meets them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import House
from tests.api.month import TARIFF
from tests.api.test_graphql_parties import gql, new_contract, new_customer
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

IMPORT = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename } }"
NOON = datetime(2026, 4, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("port", PORTS)
async def test_services_contracts_and_quotes(live: House, port: str) -> None:
    owner = (await new_customer(live, "operator", "Åsa Öberg"))["number"]
    heir = (await new_customer(live, "operator", "Bo Ek"))["number"]
    his = await new_customer(live, "reseller", "Cia By")
    theirs = await new_contract(live, "reseller", his["id"])
    foreign = await new_customer(live, "other", "Dag Ek")
    numbers: dict[str, Any] = {}

    def operator(service: Any) -> None:
        small = service.CreateService(
            service={
                "code": "small",
                "name": "Small",
                "periodicFee": Decimal(99),
                "country": [{"country": "FI", "vatCategory": "S", "vatPercent": Decimal("25.5")}],
            },
            idempotencyKey="s",
        )
        assert (small.version, small.country[0].vatPercent, small.inAdvance) == (1, Decimal("25.5"), True)
        service.CreateService(service={"code": "large", "name": "Large", "periodicFee": Decimal(199)})
        bundle = service.CreateService(
            service={"code": "both", "name": "Both", "part": [{"serviceCode": "small", "oneTimeFee": Decimal(0)}],
                     "excludes": ["large"]}
        )  # fmt: skip
        assert (bundle.part[0].serviceCode, bundle.part[0].periodicFee, bundle.excludes) == ("small", None, ["large"])
        changed = service.ChangeService(
            code="small", version=1, change={"periodicFee": Decimal(109), "feesFrom": date(2099, 1, 1)}
        )
        assert (changed.version, changed.periodicFee, changed.price[0].periodicFee) == (2, 99, 109)
        assert code(service.ChangeService, code="small", version=1, change={"name": "x"}) == "stale"
        assert code(service.GetService, code="none") == "not_found"
        assert service.GetService(code="both").name == "Both"
        page = service.ListServices(first=2)
        assert [one.code for one in page.service] == ["small", "large"]
        assert [one.code for one in service.ListServices(after=page.next).service] == ["both"]

        made = service.CreateContract(
            contract={
                "customerNumber": owner,
                "start": date(2025, 1, 1),
                "state": "active",
                "service": [{"serviceCode": "small", "start": date(2025, 1, 1), "quantity": 2}],
                "terms": {"bindingMonths": 24, "noticeMonths": 3, "seller": "anna"},
                "discount": [{"start": date(2025, 1, 1), "percent": Decimal(10), "serviceCode": "small"}],
            },
            idempotencyKey="c",
        )
        number = numbers["contract"] = made.number
        assert (made.state, made.terms.bindingMonths, made.discount[0].serviceCode) == ("active", 24, "small")
        exchanged = service.ExchangeContractService(
            contractNumber=number, version=1, on=date(2025, 6, 1), gone={"serviceCode": "small"},
            new={"serviceCode": "large"},
        )  # fmt: skip
        assert (exchanged.kind, exchanged.state, exchanged.version) == ("upgrade", "done", 2)
        seen = service.GetContractAsOf(contractNumber=number, asOf=date(2025, 5, 31))
        assert [(line.serviceCode, line.quantity) for line in seen.service] == [("small", 2)]
        planned = service.StepContract(
            contractNumber=number, version=2, state="suspended", on=date(2099, 1, 1), reason="moving"
        )
        numbers["change"] = planned.id
        assert (planned.kind, planned.state, planned.reason) == ("suspend", "planned", "moving")
        assert service.CancelContractChange(id=planned.id).state == "cancelled"
        assert code(service.CancelContractChange, id=planned.id) == "wrong_state"
        moved = service.MoveContract(
            contractNumber=number, version=4,
            site={"street": "Hamngatan 2", "postcode": "411 06", "city": "Göteborg", "country": "SE"},
        )  # fmt: skip
        assert (moved.kind, moved.state) == ("move", "done")
        again = service.AgreeTerms(
            contractNumber=number, version=5, terms={"bindingMonths": 12, "noticeMonths": 1, "renewal": "open"},
            discount=[],
        )  # fmt: skip
        assert (again.terms.bindingMonths, again.discount[0].percent) == (12, 10)
        rates = [{"to": "*", "mode": "voice", "price": Decimal("0.20"), "per": 60}]
        priced = {"contractNumber": number, "version": 6, "validFrom": datetime(2026, 4, 10, tzinfo=UTC)}
        assert code(service.PriceContract, **priced, rate=rates) == "bad_value"  # no list that it could deviate from
        told = service.PreviewContractEnding(contractNumber=number, noticedOn=date(2025, 3, 1), end=date(2025, 10, 1))
        # Three months at 199.
        assert (told.earliest, told.boundUntil, told.total) == (date(2025, 4, 1), date(2026, 1, 1), Decimal(597))
        soon = {"contractNumber": number, "version": 6, "noticedOn": date(2025, 3, 1)}
        assert code(service.EndContract, **soon, end=date(2025, 3, 2)) == "bad_value"
        taken = service.TakeOverContract(
            contractNumber=number, version=6, customerNumber=heir, on=date(2025, 9, 1), number="H-1"
        )
        assert (taken.kind, taken.successorNumber) == ("takeover", "H-1")
        assert service.GetContract(contractNumber="H-1").customerNumber == heir
        ended = service.EndContract(contractNumber="H-1", version=2, noticedOn=date(2025, 9, 1), end=date(2025, 10, 1))
        assert (ended.kind, ended.state, ended.effective) == ("end", "done", date(2025, 10, 1))
        page = service.ListContractChanges(contractNumber=number, first=2)
        rest = service.ListContractChanges(contractNumber=number, after=page.next)
        assert [each.kind for each in [*page.change, *rest.change]] == [
            "create", "upgrade", "suspend", "move", "change", "takeover",
        ]  # fmt: skip

        quote = service.CreateQuote(
            quote={"customerNumber": owner, "line": [{"serviceCode": "large", "quantity": 3}], "text": "As we said"}
        )
        numbers["quote"] = quote.number
        changed = service.ChangeQuote(quoteNumber=quote.number, version=1, change={"line": [{"serviceCode": "small"}]})
        assert (changed.line[0].serviceCode, changed.text) == ("small", "As we said")
        sent = service.SendQuote(quoteNumber=quote.number, version=2)
        assert (sent.state, sent.line[0].periodicFee) == ("sent", 99)
        accepted = service.AnswerQuote(quoteNumber=quote.number, version=3, accepted=True, signatory="Åsa Öberg")
        assert accepted.state == "accepted"
        contract = service.GetContract(contractNumber=accepted.contractNumber)
        assert (contract.state, contract.terms.signatory) == ("active", "Åsa Öberg")
        assert service.GetQuote(quoteNumber=quote.number).contractNumber == contract.number
        assert service.ListQuotes(customerNumber=owner).count == 1
        assert service.ListQuotes(customerNumber=heir).count == 0

    def reseller(service: Any) -> None:
        assert code(service.CreateService, service={"code": "x", "name": "X"}) == "not_allowed"
        assert code(service.ChangeService, code="small", version=2, change={"name": "x"}) == "not_allowed"
        mine = service.StepContract(contractNumber=theirs["number"], version=1, state="suspended")
        assert (mine.kind, mine.state) == ("suspend", "done")
        made = service.CreateQuote(quote={"customerNumber": his["number"], "line": [{"serviceCode": "small"}]})
        assert service.GetQuote(quoteNumber=made.number).customerNumber == his["number"]
        nobodys(service)

    def nobodys(service: Any) -> None:
        """Ask for what is the operator's own, and get what one gets for what is not there."""
        number = numbers["contract"]
        for operation, more in (
            (service.GetContractAsOf, {}),
            (service.StepContract, {"version": 1, "state": "suspended"}),
            (service.ExchangeContractService, {"version": 1, "gone": {"serviceCode": "small"}}),
            (service.MoveContract, {"version": 1, "customerNumber": owner}),
            (service.TakeOverContract, {"version": 1, "customerNumber": owner}),
            (service.EndContract, {"version": 1}),
            (service.PreviewContractEnding, {}),
            (service.AgreeTerms, {"version": 1}),
            (service.PriceContract, {"version": 1, "validFrom": NOON, "rate": [{"to": "*", "mode": "voice"}]}),
            (service.ListContractChanges, {}),
        ):
            assert code(operation, contractNumber=number, **more) == "not_found"
        assert code(service.CancelContractChange, id=numbers["change"]) == "not_found"
        assert code(service.GetQuote, quoteNumber=numbers["quote"]) == "not_found"
        assert code(service.SendQuote, quoteNumber=numbers["quote"], version=1) == "not_found"
        assert code(service.ChangeQuote, quoteNumber=numbers["quote"], version=1, change={}) == "not_found"
        assert code(service.AnswerQuote, quoteNumber=numbers["quote"], version=1, accepted=True) == "not_found"
        assert code(service.ListQuotes, customerNumber=owner) == "not_found"
        quote = {"customerNumber": owner, "line": [{"serviceCode": "small"}]}
        assert code(service.CreateQuote, quote=quote) == "not_found"
        contract = {"customerNumber": owner, "start": date(2026, 1, 1)}
        assert code(service.CreateContract, contract=contract) == "not_found"

    def other(service: Any) -> None:
        assert service.ListServices().count == 0
        assert code(service.GetService, code="small") == "not_found"
        line = {"customerNumber": foreign["number"], "line": [{"serviceCode": "small"}]}
        assert code(service.CreateQuote, quote=line) == "not_found"
        nobodys(service)

    listed = await new_contract(live, "operator", (await new_customer(live, "operator", "Eva"))["id"])

    def pricing(service: Any) -> None:
        """Price a contract that has a list."""
        number = listed["number"]
        rates = [{"to": "*", "mode": "voice", "percent": Decimal(-10)}]
        asked = {"contractNumber": number, "version": 2, "validFrom": NOON, "rate": rates}
        service.ChangeContract(contractNumber=number, version=1, change={"priceList": "Retail"})
        priced = service.PriceContract(**asked)
        assert (priced.version, priced.priceList) == (3, f"contract {number}")
        assert code(service.PriceContract, **asked) == "stale"

    await gql(live, "operator", IMPORT, d=json.dumps(TARIFF))
    await _soap(live, "operator", port, pricing)
    await _soap(live, "operator", port, operator)
    await _soap(live, "reseller", port, reseller)
    await _soap(live, "other", port, other)
