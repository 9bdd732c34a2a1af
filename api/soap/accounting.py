"""The operations of the WSDL about what sales are booked on, and the journal for the books of another system."""

from __future__ import annotations

from datetime import date
from typing import Any

from spyne import Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import AccountRuleId, BillRunId, OperatorId
from domain.ledger.accounts import AccountRule
from domain.period import Period
from domain.usecases.get_service import get_service
from domain.usecases.load_batches import services_by_ids
from domain.usecases.make_journal import make_journal
from domain.usecases.set_account_rules import list_account_rules, put_account_rule, remove_account_rule


class AccountRuleModel(Model):
    """What fits all that is said is booked on the account; what is absent stands for any."""

    __type_name__ = "AccountRule"

    id = Integer
    version = Integer
    account = needed(Unicode)
    validFrom = needed(Date)
    validTo = Date
    kind = Unicode
    productGroup = Unicode
    service = Unicode
    country = Unicode
    vatCategory = Unicode
    vatPercent = XsDecimal


class AccountRuleList(Model):
    """The operator's rules."""

    count = needed(Integer)
    rule = many(AccountRuleModel)


class JournalRow(Model):
    """An amount on an account; debit is positive."""

    account = needed(Unicode)
    amount = needed(XsDecimal)


class JournalVoucher(Model):
    """Rows of a day that come to zero; series F: sales, P: accruals."""

    series = needed(Unicode)
    datedOn = needed(Date)
    text = needed(Unicode)
    row = many(JournalRow)


class JournalModel(Model):
    """The vouchers of a run, or of all that was issued in days; ``left`` are documents whose worth is not known."""

    __type_name__ = "Journal"

    currency = needed(Unicode)
    invoices = needed(Integer)
    voucher = many(JournalVoucher)
    left = many(Unicode)


class Accounting(ServiceBase):
    """Accounting."""

    __service_name__ = "Billing"

    @operation("ListAccountRules", returns=AccountRuleList, result="rules")
    async def list_account_rules(ctx: Any) -> Any:
        """Return the rules of what sales are booked on."""
        found = await ctx.udc.ask(list_account_rules)
        named = await ctx.udc.ask(services_by_ids, sorted({one.service for one in found if one.service is not None}))
        codes = {key: one.code for key, one in named.items()}
        return AccountRuleList(count=len(found), rule=[_shown(one, codes.get(one.service)) for one in found])

    @operation("PutAccountRule", needed(AccountRuleModel), returns=AccountRuleModel, result="rule")
    async def put_account_rule(ctx: Any, rule: Any) -> Any:
        """Keep a new rule, or with id and version the whole of a changed one."""
        service = None if rule.service is None else (await ctx.udc.ask(get_service, rule.service)).id
        kept = await ctx.udc.ask(
            put_account_rule,
            AccountRule(
                id=AccountRuleId(rule.id or 0),
                operator=OperatorId(ctx.udc.actor.operator),
                version=rule.version or 1,
                account=rule.account,
                valid_from=rule.validFrom,
                valid_to=rule.validTo,
                kind=rule.kind or "",
                product_group=rule.productGroup or "",
                service=service,
                country=rule.country or "",
                vat_category=rule.vatCategory or "",
                vat_percent=rule.vatPercent,
            ),
        )
        return _shown(kept, rule.service)

    @operation("RemoveAccountRule", needed(Integer), needed(Integer), returns=Integer, result="rule")
    async def remove_account_rule(ctx: Any, rule: int, version: int) -> Any:
        """Let a rule hold no longer; what is booked stays."""
        await ctx.udc.ask(remove_account_rule, AccountRuleId(rule), version)
        return rule

    @operation("ReadJournal", Integer, Date, Date, returns=JournalModel, result="journal")
    async def read_journal(ctx: Any, run: int | None, start: date | None, end: date | None) -> Any:
        """Return the vouchers of a bill run, or of all that was issued from start until before end."""
        days = None if start is None or end is None else Period(start, end)
        found = await ctx.udc.ask(make_journal, run=None if run is None else BillRunId(run), period=days)
        return JournalModel(
            currency=found.currency,
            invoices=found.invoices,
            left=found.left,
            voucher=[
                JournalVoucher(
                    series=one.series,
                    datedOn=one.dated_on,
                    text=one.text,
                    row=[JournalRow(account=row.account, amount=plain(row.amount)) for row in one.rows],
                )
                for one in found.vouchers
            ],
        )


def _shown(one: AccountRule, service: str | None) -> AccountRuleModel:
    return AccountRuleModel(
        id=one.id,
        version=one.version,
        account=one.account,
        validFrom=one.valid_from,
        validTo=one.valid_to,
        kind=one.kind or None,
        productGroup=one.product_group or None,
        service=service,
        country=one.country or None,
        vatCategory=one.vat_category or None,
        vatPercent=plain(one.vat_percent),
    )
