"""The operations of the WSDL about how payments apply themselves, who the creditor is, and where files go on to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from spyne import Boolean, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, _enum, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.commands import camel
from domain.payments.amounts import major_of, minor_of
from domain.payments.handing_on import Target
from domain.payments.orders import Creditor
from domain.payments.rules import KeptRules, Order, Rules
from domain.refusal import BadValue
from domain.usecases.agree_instalments import get_payment_rules, put_payment_rules
from domain.usecases.hand_on_payments import PutTarget, list_targets, put_target

OrderOfPaying = _enum(Order, "PaymentOrder")
# What is said as it is.
PLAIN: Final = (
    *("oldest_first", "use_credit", "retries", "retry_days", "block_after", "lead_days", "vat_relief"),
    *("exchange", "exchange_tolerance"),
)
CREDITOR: Final = tuple(one.name for one in dataclasses.fields(Creditor))


class CurrencyAmountModel(Model):
    """An amount in a currency's own unit."""

    __type_name__ = "CurrencyAmount"

    currency = needed(Unicode)
    amount = needed(XsDecimal)


class CreditorModel(Model):
    """Who the operator is to banks and clearing houses."""

    __type_name__ = "Creditor"

    name = needed(Unicode)
    bankgiro = Unicode
    customerNo = Unicode
    netsSender = Unicode
    netsAccount = Unicode
    cvr = Unicode
    pbsNumber = Unicode
    debtorGroup = Unicode
    creditorId = Unicode
    iban = Unicode
    bic = Unicode


class PaymentRulesModel(Model):
    """How far payments apply themselves; what is left out of a change has its default. version 0: there were none."""

    __type_name__ = "PaymentRules"

    tolerance = many(CurrencyAmountModel)
    oldestFirst = Boolean
    useCredit = Boolean
    order = OrderOfPaying
    retries = Integer
    retryDays = Integer
    returnFee = many(CurrencyAmountModel)
    blockAfter = Integer
    leadDays = Integer
    vatRelief = Boolean
    exchange = Boolean
    exchangeTolerance = Integer
    creditor = needed(CreditorModel)
    version = needed(Integer)


class TargetCredential(Model):
    """A secret by its name: a reference, env:NAME or file:NAME."""

    name = needed(Unicode)
    reference = needed(Unicode)


class PaymentTargetModel(Model):
    """A place that each payment file is handed on to, once; a change says it as a whole, a new one has no version."""

    __type_name__ = "PaymentTarget"

    name = needed(Unicode)
    address = needed(Unicode)
    hostKey = many(Unicode)
    ca = Unicode
    credential = many(TargetCredential)
    active = Boolean
    version = Integer


class PaymentTargetList(Model):
    """The targets."""

    target = many(PaymentTargetModel)


class RulesOfPayments(ServiceBase):
    """The rules for payments, and targets."""

    __service_name__ = "Billing"

    @operation("GetPaymentRules", returns=PaymentRulesModel, result="rules")
    async def get_rules(ctx: Any) -> Any:
        """Return the rules; at version 0 they are the defaults."""
        return _rules(await ctx.udc.ask(get_payment_rules))

    @operation("SetPaymentRules", needed(PaymentRulesModel), returns=PaymentRulesModel, result="rules")
    async def set_rules(ctx: Any, rules: Any) -> Any:
        """Set the rules as a whole, at the version that was read."""
        said: dict[str, Any] = {name: value for name in PLAIN if (value := getattr(rules, camel(name))) is not None}
        if rules.order is not None:
            said["order"] = Order(str(rules.order))
        creditor = {name: value for name in CREDITOR if (value := getattr(rules.creditor, camel(name))) is not None}
        made = Rules(
            tolerance=_minor(rules.tolerance, "tolerance"),
            return_fee=_minor(rules.returnFee, "returnFee"),
            creditor=Creditor(**creditor),
            **said,
        )
        return _rules(await ctx.udc.ask(put_payment_rules, made, rules.version))

    @operation("ListPaymentTargets", returns=PaymentTargetList, result="targets")
    async def list_targets(ctx: Any) -> Any:
        """Return the targets."""
        return PaymentTargetList(target=[_target(one) for one in await ctx.udc.ask(list_targets)])

    @operation("PutPaymentTarget", needed(PaymentTargetModel), returns=PaymentTargetModel, result="target")
    async def put_target(ctx: Any, target: Any) -> Any:
        """Keep a target as a whole."""
        given = target.credential or []
        if len({one.name for one in given}) != len(given):
            raise BadValue("a credential stands there twice", field="credential")
        cmd = PutTarget(
            name=target.name,
            address=target.address,
            host_keys=tuple(target.hostKey or ()),
            ca=target.ca,
            credentials={one.name: one.reference for one in given},
            active=target.active is not False,
            version=target.version or 0,
        )
        wiring = ctx.udc.wiring
        return _target(await ctx.udc.ask(put_target, cmd, transports=wiring.transports, vault=wiring.vault))


def _minor(amounts: Any, field: str) -> dict[str, int]:
    return {one.currency: minor_of(one.amount, one.currency, field) for one in amounts or ()}


def _major(amounts: Mapping[str, int]) -> list[CurrencyAmountModel]:
    return [
        CurrencyAmountModel(currency=code, amount=plain(major_of(amount, code)))
        for code, amount in sorted(amounts.items())
    ]


def _rules(kept: KeptRules) -> PaymentRulesModel:
    rules = kept.rules
    return PaymentRulesModel(
        tolerance=_major(rules.tolerance),
        order=rules.order.value,
        returnFee=_major(rules.return_fee),
        creditor=CreditorModel(**{camel(name): getattr(rules.creditor, name) for name in CREDITOR}),
        version=kept.version,
        **{camel(name): getattr(rules, name) for name in PLAIN},
    )


def _target(one: Target) -> PaymentTargetModel:
    return PaymentTargetModel(
        name=one.name,
        address=one.address,
        hostKey=list(one.host_keys),
        ca=one.ca,
        credential=[TargetCredential(name=name, reference=ref) for name, ref in sorted(one.credentials.items())],
        active=one.active,
        version=one.version,
    )
