"""Payments, collection and credit over SOAP: what GraphQL does there too, by zeep, and nobody else's to see."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from api.graphql.ids import read_id
from tests.api.conftest import House
from tests.api.month import make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_payments import _file, _invoice
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

PORT: Final = PORTS[0]
CREDITOR: Final = {"name": "Exempel AB", "bankgiro": "9912346", "customerNo": "471117"}
IBAN: Final = "FI2112345600000785"
PLAN: Final = [{"dueOn": date(2027, 6, 1), "amount": 1}, {"dueOn": date(2027, 7, 1), "amount": 1}]


async def _number(house: House, invoice: dict[str, Any]) -> str:
    query = f'{{ invoice(id: "{invoice["id"]}") {{ customer {{ number }} }} }}'
    return str((await gql(house, "operator", query))["invoice"]["customer"]["number"])


async def test_rules_suggestions_plans_and_refunds(live: House) -> None:
    invoice = await _invoice(live, await make_month(live))
    number, total = await _number(live, invoice), Decimal(invoice["total"])
    paid = _file(int(total * 100) + 5000, invoice["number"])

    def operator(service: Any) -> dict[str, int]:
        rules = service.GetPaymentRules()
        assert (rules.version, rules.order) == (0, "costs_interest_principal")
        wanted = {"version": 0, "creditor": CREDITOR, "tolerance": [{"currency": "SEK", "amount": 1}], "retries": 2}
        rules = service.SetPaymentRules(rules=wanted)
        assert (rules.version, rules.retries, rules.tolerance[0].amount) == (1, 2, Decimal("1.00"))
        assert code(service.SetPaymentRules, rules=wanted) == "stale"
        half = (total / 2).quantize(Decimal("0.01"))
        parts = [{"dueOn": date(2027, 6, 1), "amount": half}, {"dueOn": date(2027, 7, 1), "amount": total - half}]
        plan = service.AgreeInstalments(customerNumber=number, invoice=[invoice["number"]], part=parts)
        assert (plan.state, [one.amount for one in plan.part]) == ("active", [half, total - half])
        assert [one.id for one in service.ListInstalmentPlans(customerNumber=number).plan] == [plan.id]
        assert service.EndInstalments(plan=plan.id, version=plan.version, state="cancelled").state == "cancelled"
        unknown = _file(int(total * 100), f"{invoice['number'][:2]}-{invoice['number'][2:]}")
        service.ImportPaymentFile(name="unknown.txt", content=unknown, format="bgmax")
        (lost,) = service.ListPayments(state="unallocated").payment
        (one,) = service.ListPaymentSuggestions(payment=lost.id)
        assert (one.invoice, one.customerNumber, one.because) == (invoice["number"], number, "invoice_number")
        service.ImportPaymentFile(name="bank.txt", content=paid, format="bgmax", lookedAt=True)
        over = next(each for each in service.ListPayments().payment if each.state == "credit")
        refund = service.RefundCredit(refund={"payment": over.id, "account": IBAN, "amount": 20})
        (shown,) = service.ListRefunds(customerNumber=number, state="requested").refund
        assert (shown.id, shown.amount) == (refund.id, Decimal("20.00"))
        assert code(service.EndRefund, refund=refund.id, version=9, state="cancelled") == "stale"
        assert service.EndRefund(refund=refund.id, version=refund.version, state="cancelled").state == "cancelled"
        assert service.ApplyCredit(customerNumber=number) == 0
        assert not service.ListClaims(customerNumber=number)
        assert service.ListSettlements(customerNumber=number).count == 0
        assert service.ListDebitOrders().count == 0
        balances = {(one.account, one.currency): one.balance for one in service.GetTrialBalance()}
        assert sum(balances.values()) == 0
        assert balances
        mandate = service.AddMandate(
            mandate={"customerNumber": number, "scheme": "autogiro", "payerNumber": "101", "notify": True}
        )
        assert code(service.UnblockMandate, mandate=mandate.id, version=mandate.version) == "wrong_state"
        return {"plan": plan.id, "payment": over.id, "refund": refund.id, "mandate": mandate.id}

    kept = await _soap(live, "operator", PORT, operator)

    def others(service: Any) -> list[str]:
        return [
            code(service.EndInstalments, plan=kept["plan"], version=2, state="kept"),
            code(service.ListPaymentSuggestions, payment=kept["payment"]),
            code(service.EndRefund, refund=kept["refund"], version=2, state="cancelled"),
            code(service.UnblockMandate, mandate=kept["mandate"], version=1),
            code(service.WriteOff, claim=[1]),
            code(service.ListClaims, customerNumber=number),
            code(service.ListSettlements, customerNumber=number),
            code(service.ListRefunds, customerNumber=number),
            code(service.ListInstalmentPlans, customerNumber=number),
            code(service.ListDebitOrders, invoice=invoice["number"]),
            code(service.ApplyCredit, customerNumber=number),
            code(service.AgreeInstalments, customerNumber=number, invoice=[invoice["number"]], part=PLAN),
        ]

    assert set(await _soap(live, "other", PORT, others)) == {"not_found"}
    for client in ("reseller", "sibling"):
        refused = await _soap(live, client, PORT, others)
        assert set(refused) <= {"not_allowed", "not_found"}, refused

    def reseller(service: Any) -> None:
        for ask in (service.GetTrialBalance, service.GetPaymentRules, service.ListPaymentTargets, service.ListRefunds):
            assert code(ask) == "not_allowed"

    await _soap(live, "reseller", PORT, reseller)


async def test_targets_and_agencies_take_references_to_the_operator_s_own_secrets_alone(live: House) -> None:
    await make_month(live)
    folder = live.wiring.settings.data_dir / "inbox" / "1" / "there"
    folder.mkdir(parents=True)

    def operator(service: Any) -> None:
        target = {"name": "erp", "address": f"folder://{folder}"}
        assert service.PutPaymentTarget(target=target).version == 1
        assert [one.name for one in service.ListPaymentTargets()] == ["erp"]
        agency = {"name": "inkasso", "format": "xml", "address": "sftp://in@files.example.com/x", "hostKey": ["k"]}
        for reference in ("env:HOME", "file:../../etc/passwd", "plain"):
            wrong = agency | {"credential": [{"name": "password", "reference": reference}]}
            assert code(service.PutCollectionAgency, agency=wrong) == "bad_value", reference
        wrong = agency | {"credential": [{"name": "token", "reference": "env:TOLLWRIGHT_SECRET_1_X"}]}
        assert code(service.PutCollectionAgency, agency=wrong) == "bad_value"
        twice = agency | {"credential": [{"name": "password", "reference": "env:TOLLWRIGHT_SECRET_1_X"}] * 2}
        assert code(service.PutCollectionAgency, agency=twice) == "bad_value"
        kept = service.PutCollectionAgency(agency=agency | {"address": f"folder://{folder}", "hostKey": []})
        assert (kept.version, kept.format) == (1, "xml")
        assert [one.name for one in service.ListCollectionAgencies()] == ["inkasso"]

    await _soap(live, "operator", PORT, operator)

    def other(service: Any) -> None:
        assert not service.ListPaymentTargets()
        assert not service.ListCollectionAgencies()

    await _soap(live, "other", PORT, other)


async def test_collection_is_set_up_run_and_looked_at(live: House) -> None:
    invoice = await _invoice(live, await make_month(live))
    number = await _number(live, invoice)

    def operator(service: Any) -> None:
        step = {"kind": "reminder", "days": 5, "fee": 60, "interest": True, "channel": "letter"}
        rule = {"name": "all", "currency": "SEK", "validFrom": date(2020, 1, 1), "feesAgreed": True, "step": [step]}
        kept = service.PutCollectionRule(rule=rule)
        assert (kept.version, kept.step[0].fee, kept.payDays) == (1, Decimal(60), 10)
        assert code(service.PutCollectionRule, rule=rule | {"step": [step | {"fee": 61}], "version": 1}) == "bad_value"
        assert [one.name for one in service.ListCollectionRules()] == ["all"]
        assert any(one.country == "SE" and one.most == 60 for one in service.ListLegalLimits())
        limit = {"country": "SE", "kind": "reminder_fee", "validFrom": date(2030, 1, 1), "most": 70, "currency": "SEK"}
        assert service.PutLegalLimit(limit=limit | {"law": "a law to come"}).version == 1
        rate = {"country": "SE", "validFrom": date(2026, 7, 1), "percent": 2, "version": 0}
        assert service.PutReferenceRate(rate=rate).version == 1
        assert any(one.validFrom == date(2026, 7, 1) for one in service.ListReferenceRates())
        done = service.RunCollection()
        assert not done.dryRun
        assert service.ListCollectionSteps(customerNumber=number).count == done.steps
        assert service.ListCollectionLetters().count == done.letters
        hold = service.HoldCollection(customerNumber=number, kind="promise", until=date(2026, 4, 20), amount=12)
        (shown,) = service.ListCollectionHolds(customerNumber=number)
        assert (shown.id, shown.kind, shown.amount) == (hold.id, "promise", Decimal(12))

    await _soap(live, "operator", PORT, operator)

    def other(service: Any) -> None:
        assert not service.ListCollectionRules()
        assert code(service.ListCollectionHolds, customerNumber=number) == "not_found"
        assert code(service.ListCollectionSteps, customerNumber=number) == "not_found"

    await _soap(live, "other", PORT, other)

    def reseller(service: Any) -> None:
        for ask in (service.ListCollectionRules, service.ListLegalLimits, service.ListCollectionLetters):
            assert code(ask) == "not_allowed"

    await _soap(live, "reseller", PORT, reseller)


async def test_reservations_and_suspicions_are_listed(live: House) -> None:
    month = await make_month(live)
    line = int(read_id(month.owned["reseller"].subscription)[1])
    customer = int(read_id(month.owned["reseller"].customer["id"])[1])

    def reseller(service: Any) -> int:
        kept = service.ReserveCall(use={"subscription": line, "number": "46850000000", "units": 60, "reference": "r"})
        assert service.GetReservation(id=kept.id).granted == 60
        assert [one.id for one in service.ListReservations(customer=customer).reservation] == [kept.id]
        service.ReleaseReservation(id=kept.id)
        assert service.ListReservations(customer=customer).count == 0
        assert service.ListReservations(customer=customer, all=True).count == 1
        assert service.ListFraudSuspicions(customer=customer).count == 0
        return int(kept.id)

    key = await _soap(live, "reseller", PORT, reseller)

    def stranger(service: Any) -> None:
        assert code(service.GetReservation, id=key) == "not_found"
        assert service.ListReservations(customer=customer, all=True).count == 0
        assert service.ListFraudSuspicions(customer=customer).count == 0

    for client in ("sibling", "other"):
        await _soap(live, client, PORT, stranger)
