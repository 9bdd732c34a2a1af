"""What sales are booked on by rules, and the journal of what was issued in another currency."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.ids import AccountRuleId, OperatorId
from domain.invoicing.vat import HomeRate
from domain.ledger.accounts import AccountRule, accounted, check
from domain.ledger.at_home import at_home
from domain.ledger.journal import Journal
from domain.period import Period
from domain.refusal import BadValue, NotAllowed, NotFound, Stale
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.make_journal import make_journal
from domain.usecases.reconcile_run import reconcile_period
from domain.usecases.set_account_rules import list_account_rules, put_account_rule, remove_account_rule
from integrations.accounting.plain import as_csv, as_json
from tests.invoicing.conftest import Office, office  # noqa: F401  (the fixture)
from tests.invoicing.made import MOBILE, issued

FIRST = date(2026, 1, 1)
ON = date(2026, 10, 31)


def rule(account: str, **fields: Any) -> AccountRule:
    more = {"id": AccountRuleId(0), "operator": OperatorId(1), "valid_from": FIRST} | fields
    return AccountRule(account=account, **more)


def test_the_rule_that_says_most_holds_and_the_latest_of_several() -> None:
    service = replace(MOBILE, product_group="mobile")
    (line, *_) = [one for one in issued().lines if one.service == service.id]
    rules = [
        rule("4000"),
        rule("4001", kind="periodic", country="SE", vat_category="S", vat_percent=Decimal(25)),
        rule("4002", product_group="mobile"),
        rule("4003", service=service.id, valid_from=date(2026, 11, 1)),
        rule("4004", product_group="mobile", country="FI"),
        rule("4005", product_group="mobile", valid_from=date(2026, 10, 1)),
        rule("4006", product_group="mobile", valid_to=date(2026, 10, 1)),
    ]

    def booked(chosen: list[AccountRule], country: str = "SE", on: date = ON) -> str:
        return accounted([line], chosen, {service.id: service}, country=country, on=on)[0].account

    assert booked([]) == line.account
    assert booked(rules[:1]) == "4000"
    assert booked(rules[:2]) == "4001"
    assert booked(rules) == "4005"
    assert booked(rules, "FI") == "4004"
    assert booked(rules, on=date(2026, 9, 30)) in {"4002", "4006"}
    assert booked(rules, on=date(2026, 11, 1)) == "4003"
    assert booked([rule("4007", kind="usage")]) == line.account


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"account": "30"}, "account"),
        ({"kind": "x"}, "kind"),
        ({"vat_category": "Q"}, "vatCategory"),
        ({"country": "ZZ"}, "country"),
        ({"vat_percent": Decimal(101)}, "vatPercent"),
        ({"valid_to": FIRST}, "validTo"),
    ],
)
def test_a_rule_that_is_none_is_refused_with_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadValue) as no:
        check(rule(fields.pop("account", "3041"), **fields))
    assert no.value.field == field


async def test_documents_follow_the_rules_and_the_books_agree(office: Office) -> None:  # noqa: F811
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin}
    kept = await put_account_rule(rule("3044", operator=office.actor.operator, kind="periodic"), **who)
    assert await list_account_rules(**who) == [kept]
    _, _, line = await office.customer()
    await office.use(line, 10_000_000)
    run = await office.bill()
    (invoice,) = office.invoices
    assert {one.kind.value: one.account for one in invoice.lines} == {"periodic": "3044", "usage": "3041"}
    with pytest.raises(Stale):
        await remove_account_rule(kept.id, 9, **who)
    with pytest.raises(NotFound):
        await put_account_rule(replace(kept, service=99_999), **who)
    with pytest.raises(NotAllowed):
        await put_account_rule(kept, actor=office.world.north, begin=office.world.begin)
    await remove_account_rule(kept.id, 1, **who)
    assert await list_account_rules(**who) == []
    cmd = CreditInvoice(invoice=invoice.id, amount=Decimal("50.00"), issued_on=invoice.issued_on)
    note = await credit_invoice(cmd, **who, clock=office.world.clock)
    assert {one.account for one in note.lines} == {"3044", "3041"}
    november = Period.month("2026-11")
    (found,) = await reconcile_period(november, **who)
    assert (found.holds, found.invoices, found.total) == (True, 2, invoice.total + note.total)
    journal = await make_journal(run=run.id, **who)
    whole = await make_journal(period=november, **who)
    assert (journal.invoices, whole.invoices, whole.left) == (1, 2, [])
    text = as_csv(whole.vouchers, whole.currency)
    assert text.splitlines()[0] == "series,voucher,date,text,account,debit,credit,currency"
    assert ",3044,," in text
    for told in as_json(whole.vouchers, whole.currency):
        assert sum(Decimal(row["amount"]) for row in json.loads(told)["rows"]) == 0
    for more in ({}, {"run": run.id, "period": november}, {"period": Period(FIRST, date(2028, 1, 1))}):
        with pytest.raises(BadValue):
            await make_journal(**who, **more)


def test_another_currency_is_booked_at_the_rate_of_issue_and_sums_to_zero() -> None:
    home = HomeRate("SEK", Decimal("11.2345"), ON, "Riksbanken")
    invoice = replace(issued(), currency="EUR", home=home)
    told = at_home(invoice)
    assert (told.currency, told.total) == ("SEK", (invoice.total * home.factor).quantize(Decimal("0.01")))
    journal = Journal("SEK")
    journal.add(told)
    for voucher in journal.vouchers("x"):
        assert sum(row.amount for row in voucher.rows) == 0
    assert journal.booked()["1510"] == told.total
