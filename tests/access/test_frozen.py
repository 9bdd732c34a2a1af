"""A command that waits comes back as it was."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.access.frozen import freeze, thaw
from domain.access.limits import Ceiling, Limits
from domain.catalogue.tariff import Adjustment, Rate, RoundingRule, Step
from domain.commands import UNCHANGED
from domain.ids import ContractId, CustomerId, GrantId, InvoiceId, ResellerId, SubscriptionId
from domain.money import Rounding
from domain.period import Period
from domain.usecases.change_contract import ChangeContract
from domain.usecases.change_prices import ChangePrices
from domain.usecases.create_price_list import CreatePriceList
from domain.usecases.credit_invoice import CreditInvoice
from domain.usecases.four_eyes import content_of
from domain.usecases.grant_units import GrantUnits, WithdrawGrant
from domain.usecases.import_tariff import ImportTariff
from domain.usecases.price_contract import PriceContract
from domain.usecases.publish_draft import PublishDraft
from domain.usecases.run_bills import RunBills

MAY = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
RATE = Rate(to="SE", mode="voice", steps=(Step(price=690_000_000, next=60, per=60),), band="peak", max_charge=10**12)
ROUNDED = RoundingRule(decimals=2, mode=Rounding.HALF_UP)
COMMANDS = [
    PublishDraft(name="vår", valid_from=MAY, accept_warnings=True, version=3),
    ImportTariff(document={"price_lists": {"a": {"rates": [{"to": "*", "steps": []}]}}}),
    ChangePrices(
        price_list="master", rates=(RATE, Rate(to="NO", mode="sms", adjust=Adjustment(percent=-10))), valid_from=MAY
    ),
    CreatePriceList(name="gold", parent="master", rounding=ROUNDED, rates=(RATE,), reseller=ResellerId(2)),
    PriceContract(contract=ContractId(7), version=2, rates=(RATE,), valid_from=MAY, idempotency_key="k"),
    CreditInvoice(invoice=InvoiceId(9), issued_on=date(2026, 5, 2)),
    RunBills(period=Period.month("2026-04"), customers=(CustomerId(1), CustomerId(2)), issued_on=None),
    GrantUnits(subscription=SubscriptionId(4), bucket="data", amount=Decimal("1.50"), valid_to=MAY),
    WithdrawGrant(grant=GrantId(5), reason="fel"),
    Period.month("2026-04"),
    Limits(
        amounts=(Ceiling(currency="SEK", each=Decimal("1000.00")),),
        groups=frozenset({"a", "b"}),
        reseller=ResellerId(1),
    ),
    ChangeContract(contract=ContractId(1), version=1, price_list=None),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: type(one).__name__)
def test_a_command_comes_back_as_it_was(command: object) -> None:
    kept = json.loads(json.dumps(freeze(command)))
    back = thaw(type(command), kept)
    assert back == command
    assert content_of(back) == content_of(command)


def test_what_is_left_as_it_is_and_what_is_emptied_are_told_apart() -> None:
    back = thaw(ChangeContract, freeze(ChangeContract(contract=ContractId(1), version=1, price_list=None)))
    assert back.price_list is None
    assert back.end is UNCHANGED


def test_two_commands_have_two_contents() -> None:
    assert len({content_of(one) for one in COMMANDS}) == len(COMMANDS)
