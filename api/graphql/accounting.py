"""What sales are booked on, and the journal for the books of another system."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import command
from api.graphql.invoices import period_of
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import ServiceType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import AccountRuleId, BillRunId, OperatorId
from domain.ledger.accounts import AccountRule
from domain.ledger.journal import Voucher
from domain.usecases.make_journal import Booked, make_journal
from domain.usecases.set_account_rules import list_account_rules, put_account_rule, remove_account_rule

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


async def _service(root: strawberry.Parent[AccountRule], info: Info) -> Any:
    return await info.context.load.services.load(root.service) if root.service is not None else None


@strawberry.type(name="AccountRule", description="What fits all that is said is booked on the account; empty: any.")
class AccountRuleType:
    """``domain.ledger.accounts.AccountRule``."""

    id: ID = identified()
    account: str
    valid_from: date
    valid_to: date | None
    kind: str = strawberry.field(description="Of line: usage, periodic, one_time, manual, ...")
    product_group: str
    service: ServiceType | None = strawberry.field(resolver=_service)
    country: str = strawberry.field(description="The payer's.")
    vat_category: str
    vat_percent: Decimal | None
    version: int

    is_type_of = shows(AccountRule)


@strawberry.type(name="JournalRow", description="Debit is positive.")
class RowType:
    """``domain.ledger.journal.Row``."""

    account: str
    amount: Decimal


@strawberry.type(name="JournalVoucher", description="Rows of a day that come to zero; series F: sales, P: accruals.")
class VoucherType:
    """``domain.ledger.journal.Voucher``."""

    series: str
    dated_on: date
    text: str
    rows: list[RowType]

    is_type_of = shows(Voucher)


@strawberry.type(name="Journal", description="The vouchers of a run, or of all that was issued in days.")
class JournalType:
    """``domain.usecases.make_journal.Booked``."""

    currency: str
    invoices: int
    vouchers: list[VoucherType]
    left: list[str] = strawberry.field(description="Numbers of documents in a currency whose worth is not known.")

    is_type_of = shows(Booked)


@strawberry.type(name="AccountRuleRemoved", description="It holds no longer; what is booked stays.")
class AccountRuleRemoved:
    """A rule that is gone."""

    rule: ID


@strawberry.input(description="A new rule, or with rule and version the whole of a changed one.")
class AccountRuleInput:
    """``AccountRule``."""

    rule: ID | None = None
    version: int | None = None
    account: str
    valid_from: date
    valid_to: date | None = None
    kind: str | None = None
    product_group: str | None = None
    service: ID | None = None
    country: str | None = None
    vat_category: str | None = None
    vat_percent: Decimal | None = None
    idempotency_key: str | None = kept_key()


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_account_rules)


async def _put(info: Info, asked: Annotated[AccountRuleInput, _AS_INPUT]) -> Any:
    key, asked.rule = asked.rule, None
    more = {
        "id": AccountRuleId(0 if key is None else key_of(key, "AccountRule", "rule")),
        "operator": OperatorId(info.context.actor.operator),
    }
    rule = command(AccountRule, asked, {"service": "Service"}, **more)
    return await info.context.ask(put_account_rule, rule)


async def _remove(info: Info, rule: ID, version: int) -> Any:
    await info.context.ask(remove_account_rule, AccountRuleId(key_of(rule, "AccountRule", "rule")), version)
    return AccountRuleRemoved(rule=rule)


async def _journal(
    info: Info,
    bill_run: ID | None = None,
    month: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Any:
    run = None if bill_run is None else BillRunId(key_of(bill_run, "BillRun", "billRun"))
    days = month is not None or start is not None or end is not None
    return await info.context.ask(make_journal, run=run, period=period_of(month, start, end) if days else None)


@strawberry.type
class AccountingQuery:
    """The books of another system."""

    account_rules: list[AccountRuleType] = strawberry.field(resolver=_rules, description="By key.")
    journal: JournalType = strawberry.field(
        resolver=_journal, description="Of a bill run, a month, or the days from start until end."
    )


@strawberry.type
class AccountingMutation:
    """What sales are booked on."""

    put_account_rule = strawberry.mutation(resolver=_put, graphql_type=outcome("PutAccountRuleResult", AccountRuleType))
    remove_account_rule = strawberry.mutation(
        resolver=_remove, graphql_type=outcome("RemoveAccountRuleResult", AccountRuleRemoved)
    )
