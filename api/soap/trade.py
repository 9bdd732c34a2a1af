"""The operations of the WSDL about the operator's series and meter, resellers, commissions and other systems' basis."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from spyne import Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import sentence
from api.soap.models import Address as AddressModel
from api.soap.models import KindOfCustomer, KindOfSubscription, Model, _enum, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.basis.batch import BasisBatch
from domain.commissions.commission import CommissionOn, Rule, Salesperson, Statement
from domain.contracts.subscription import NumberAssignment, SubscriptionKind
from domain.customers.customer import CustomerKind
from domain.ids import ResellerId
from domain.invoicing.series import NumberSeries, SeriesKind
from domain.operators import Address
from domain.period import Period
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.resellers.reseller import Reseller, Seller
from domain.usecases.change_reseller import ChangeReseller, change_reseller
from domain.usecases.change_reseller_terms import ChangeResellerTerms, change_reseller_terms
from domain.usecases.commissions import (
    PutRule,
    PutSalesperson,
    list_rules,
    list_salespersons,
    list_statements,
    make_statement,
    put_rule,
    put_salesperson,
)
from domain.usecases.create_reseller import CreateReseller, create_reseller
from domain.usecases.get_customer import get_customer
from domain.usecases.list_resellers import list_resellers
from domain.usecases.load_versions import terms_versions
from domain.usecases.number_series import ChangeSeries, change_series, list_series
from domain.usecases.read_meter import read_meter
from domain.usecases.sync_customers import (
    ExternalCustomer,
    ExternalLine,
    SyncCustomers,
    SyncOutcome,
    sync_customers,
)
from domain.usecases.take_basis import LINES_MAX, acknowledge_basis, read_basis, take_basis

PAGE: Final = 200
KindOfSeries = _enum(SeriesKind, "SeriesKind")
BasisOfCommission = _enum(CommissionOn, "CommissionOn")
OutcomeOfSync = _enum(SyncOutcome, "SyncOutcome")


class SeriesModel(Model):
    """The numbers of a kind; ``reseller`` is the seller's code, absent for the operator's own."""

    __type_name__ = "DocumentSeries"

    kind = needed(KindOfSeries)
    reseller = Unicode
    prefix = needed(Unicode)
    next = needed(Integer)


class DocumentSeriesPage(Model):
    """Every series."""

    series = many(SeriesModel)


class MeterDayModel(Model):
    """What was counted on one of the operator's days."""

    __type_name__ = "MeterDay"

    day = needed(Date)
    subscriptions = needed(Integer)
    events = needed(Integer)
    invoices = needed(Integer)
    graphqlCalls = needed(Integer)  # noqa: N815  (an element's name)
    soapCalls = needed(Integer)  # noqa: N815
    restCalls = needed(Integer)  # noqa: N815


class MeterPage(Model):
    """Days in their order."""

    day = many(MeterDayModel)


class SellerModel(Model):
    """Who sells on documents."""

    __type_name__ = "Seller"

    name = needed(Unicode)
    organisationNumber = needed(Unicode)  # noqa: N815
    vatId = needed(Unicode)  # noqa: N815
    address = needed(AddressModel)
    bankgiro = Unicode
    iban = Unicode
    email = Unicode
    phone = Unicode
    endpoint = Unicode
    ocrLevel = Unicode  # noqa: N815
    paymentTermsDays = Integer  # noqa: N815
    accent = Unicode
    logo = Unicode
    note = Unicode


class ResellerModel(Model):
    """A reseller; ``parent`` is the code of the one he buys from, absent for the operator."""

    __type_name__ = "Reseller"

    code = needed(Unicode)
    name = needed(Unicode)
    parent = Unicode
    priceList = Unicode  # noqa: N815
    seller = SellerModel
    version = needed(Integer)
    termsVersion = Integer  # noqa: N815


class ResellerPage(Model):
    """Every reseller that may be seen."""

    reseller = many(ResellerModel)


class ResellerTermModel(Model):
    """What holds from an instant on."""

    __type_name__ = "ResellerTerm"

    validFrom = needed(DateTime)  # noqa: N815
    parent = Unicode
    priceList = Unicode  # noqa: N815
    customerNumber = Unicode  # noqa: N815


class ResellerTermPage(Model):
    """All terms, in the order of time."""

    term = many(ResellerTermModel)


class CommissionLineModel(Model):
    """What one rule pays one salesperson, or one reseller."""

    __type_name__ = "CommissionLine"

    reseller = Unicode
    salesperson = needed(Unicode)
    team = needed(Unicode)
    rule = needed(Unicode)
    basis = needed(BasisOfCommission)
    count = needed(Integer)
    base = needed(XsDecimal)
    rate = needed(XsDecimal)
    commission = needed(XsDecimal)


class CommissionStatementModel(Model):
    """What a period came to."""

    __type_name__ = "CommissionStatement"

    id = needed(Integer)
    since = needed(Date)
    until = needed(Date)
    currency = needed(Unicode)
    total = needed(XsDecimal)
    line = many(CommissionLineModel)


class CommissionStatementPage(Model):
    """A page of statements."""

    count = needed(Integer)
    statement = many(CommissionStatementModel)
    next = Unicode


class SalespersonModel(Model):
    """Who sells."""

    __type_name__ = "Salesperson"

    code = needed(Unicode)
    name = needed(Unicode)
    team = Unicode
    version = needed(Integer)
    reseller = Unicode


class CommissionRuleModel(Model):
    """What is paid; per cent, or an amount for each new contract."""

    __type_name__ = "CommissionRule"

    name = needed(Unicode)
    basis = needed(BasisOfCommission)
    percent = XsDecimal
    amount = XsDecimal
    salesperson = Unicode
    team = Unicode
    reseller = Unicode
    validFrom = needed(Date)  # noqa: N815
    validTo = Date  # noqa: N815
    version = Integer


class SalespersonPage(Model):
    """Every salesperson that may be seen, by code."""

    salesperson = many(SalespersonModel)


class CommissionRulePage(Model):
    """Every rule, by name."""

    rule = many(CommissionRuleModel)


class ExternalNumber(Model):
    """A number from validFrom until validTo."""

    number = needed(Unicode)
    validFrom = needed(DateTime)  # noqa: N815
    validTo = DateTime  # noqa: N815


class ExternalLineModel(Model):
    """A line as the other system knows it; its numbers are all that it has."""

    __type_name__ = "ExternalLine"

    key = needed(Unicode)
    kind = KindOfSubscription
    label = Unicode
    priceList = Unicode  # noqa: N815
    number = many(ExternalNumber)


class ExternalCustomerModel(Model):
    """A customer as the other system knows it; lines that are not named stay."""

    __type_name__ = "ExternalCustomer"

    key = needed(Unicode)
    name = needed(Unicode)
    kind = KindOfCustomer
    priceList = Unicode  # noqa: N815
    line = many(ExternalLineModel)


class ExternalCustomers(Model):
    """Customers to be made or changed."""

    customer = many(ExternalCustomerModel)


class SyncedModel(Model):
    """What became of a customer, and the refusal where there was one."""

    __type_name__ = "SyncedCustomer"

    key = needed(Unicode)
    outcome = needed(OutcomeOfSync)
    code = Unicode
    message = Unicode
    field = Unicode


class SyncedPage(Model):
    """What became of each, in their order."""

    customer = many(SyncedModel)


class BasisBatchModel(Model):
    """What was priced since the batch before."""

    __type_name__ = "BasisBatch"

    id = needed(Integer)
    madeAt = needed(DateTime)  # noqa: N815
    acknowledgedAt = DateTime  # noqa: N815
    lines = needed(Integer)


class BasisLineModel(Model):
    """The exact sum of one line's events of a kind in a month."""

    __type_name__ = "BasisLine"

    position = needed(Integer)
    customerKey = needed(Unicode)  # noqa: N815
    subscriptionKey = needed(Unicode)  # noqa: N815
    periodStart = needed(Date)  # noqa: N815
    mode = needed(Unicode)
    direction = needed(Unicode)
    group = needed(Unicode)
    currency = needed(Unicode)
    events = needed(Integer)
    used = needed(Integer)
    amount = needed(XsDecimal)


class BasisPageModel(Model):
    """Lines of a batch; ``next`` asks for those behind."""

    __type_name__ = "BasisPage"

    batch = needed(BasisBatchModel)
    line = many(BasisLineModel)
    next = Integer


class Trade(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Series, the meter, resellers, commissions, and rating for another system."""

    __service_name__ = "Billing"

    @operation("ListDocumentSeries", returns=DocumentSeriesPage, result="page")
    async def list_document_series(ctx: Any) -> Any:  # noqa: N805  (spyne's context)
        """Return the number series that the caller may see."""
        codes = await _codes(ctx.udc)
        return DocumentSeriesPage(series=[_series(one, codes) for one in await ctx.udc.ask(list_series)])

    @operation(
        "ChangeDocumentSeries",
        needed(KindOfSeries),
        needed(Integer),
        Unicode,
        Unicode,
        Integer,
        returns=SeriesModel,
        result="series",
    )
    async def change_series(
        ctx: Any,  # noqa: N805
        kind: str,
        expected: int,
        reseller: str | None,
        prefix: str | None,
        next: int | None,  # noqa: A002
    ) -> Any:
        """Change a series from its next number on, which is expected as it was read."""
        codes = await _codes(ctx.udc)
        cmd = ChangeSeries(
            kind=SeriesKind(str(kind)), expected=expected, reseller=_key(codes, reseller), prefix=prefix, next=next
        )
        return _series(await ctx.udc.ask(change_series, cmd), codes)

    @operation("ReadMeter", needed(Date), needed(Date), returns=MeterPage, result="meter")
    async def read_meter(ctx: Any, since: date, until: date) -> Any:  # noqa: N805
        """Return what was counted on the days with since <= day < until."""
        days = await ctx.udc.ask(read_meter, Period(since, until))
        return MeterPage(
            day=[
                MeterDayModel(
                    day=one.day,
                    subscriptions=one.subscriptions,
                    events=one.events,
                    invoices=one.invoices,
                    **{f"{name}Calls": one.calls.get(name, 0) for name in ("graphql", "soap", "rest")},
                )
                for one in days
            ]
        )

    @operation("ListResellers", returns=ResellerPage, result="page")
    async def list_resellers(ctx: Any) -> Any:  # noqa: N805
        """Return the resellers that the caller may see."""
        found = await ctx.udc.ask(list_resellers)
        codes = {one.id: one.code for one in found}
        versions = await ctx.udc.ask(terms_versions, list(codes))
        return ResellerPage(reseller=[_reseller(one, codes, versions.get(one.id)) for one in found])

    @operation(
        "CreateReseller",
        needed(Unicode),
        needed(Unicode),
        Unicode,
        Unicode,
        SellerModel,
        Unicode,
        returns=ResellerModel,
        result="reseller",
    )
    async def create_reseller(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        code: str,
        name: str,
        parent: str | None,
        priceList: str | None,  # noqa: N803
        seller: Any,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Create a reseller below the caller. Sent again under the same key, the same answer comes again."""
        codes = await _codes(ctx.udc)
        cmd = CreateReseller(
            code=code,
            name=name,
            parent=_key(codes, parent, "parent"),
            price_list=priceList,
            seller=_seller_of(seller),
            idempotency_key=idempotencyKey,
        )
        made = await ctx.udc.ask(create_reseller, cmd)
        return _reseller(made, codes)

    @operation(
        "ChangeReseller",
        needed(Unicode),
        needed(Integer),
        Unicode,
        SellerModel,
        returns=ResellerModel,
        result="reseller",
    )
    async def change_reseller(ctx: Any, code: str, version: int, name: str | None, seller: Any) -> Any:  # noqa: N805
        """Change a reseller's name and who sells on his documents, at the version that was read."""
        codes = await _codes(ctx.udc)
        changes: dict[str, Any] = {"name": name} if name is not None else {}
        if seller is not None:
            changes["seller"] = _seller_of(seller)
        key = _key(codes, code, "code")
        assert key is not None
        changed = await ctx.udc.ask(change_reseller, ChangeReseller(reseller=key, version=version, **changes))
        return _reseller(changed, codes)

    @operation(
        "ChangeResellerTerms",
        needed(Unicode),
        DateTime,
        Unicode,
        Unicode,
        Unicode,
        Integer,
        returns=ResellerTermPage,
        result="page",
    )
    async def change_reseller_terms(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        code: str,
        validFrom: datetime | None,  # noqa: N803
        parent: str | None,
        priceList: str | None,  # noqa: N803
        customerNumber: str | None,  # noqa: N803
        version: int | None,
    ) -> Any:
        """Change of whom a reseller buys, at which list and as which customer, from an instant on; absent: as it is."""
        codes = await _codes(ctx.udc)
        changes: dict[str, Any] = {}
        if parent is not None:
            changes["parent"] = _key(codes, parent, "parent")
        if priceList is not None:
            changes["price_list"] = priceList
        if customerNumber is not None:
            changes["customer"] = (await ctx.udc.ask(get_customer, customerNumber)).id
        key = _key(codes, code, "code")
        assert key is not None
        cmd = ChangeResellerTerms(reseller=key, valid_from=validFrom, version=version, **changes)
        terms = await ctx.udc.ask(change_reseller_terms, cmd, clock=ctx.udc.wiring.clock)
        numbers = {
            one.customer: (await ctx.udc.ask(get_customer, one.customer)).number
            for one in terms
            if one.customer is not None
        }
        return ResellerTermPage(
            term=[
                ResellerTermModel(
                    validFrom=one.valid_from,
                    parent=codes.get(one.parent) if one.parent is not None else None,
                    priceList=one.price_list,
                    customerNumber=numbers.get(one.customer),
                )
                for one in terms
            ]
        )

    @operation(
        "PutSalesperson",
        needed(Unicode),
        needed(Unicode),
        Unicode,
        Unicode,
        Integer,
        returns=SalespersonModel,
        result="salesperson",
    )
    async def put_salesperson(
        ctx: Any,  # noqa: N805
        code: str,
        name: str,
        team: str | None,
        reseller: str | None,
        version: int | None,
    ) -> Any:
        """Keep a new salesperson, or with a version a changed one."""
        codes = await _codes(ctx.udc)
        cmd = PutSalesperson(code=code, name=name, team=team, reseller=_key(codes, reseller), version=version)
        return _salesperson(await ctx.udc.ask(put_salesperson, cmd), codes)

    @operation("ListSalespersons", returns=SalespersonPage, result="page")
    async def list_salespersons(ctx: Any) -> Any:  # noqa: N805
        """Return the salespersons that the caller may see."""
        codes = await _codes(ctx.udc)
        return SalespersonPage(salesperson=[_salesperson(one, codes) for one in await ctx.udc.ask(list_salespersons)])

    @operation("ListCommissionRules", returns=CommissionRulePage, result="page")
    async def list_commission_rules(ctx: Any) -> Any:  # noqa: N805
        """Return the commission rules; of the operator's own clients alone."""
        rules = await ctx.udc.ask(list_rules)
        codes = await _codes(ctx.udc)
        return CommissionRulePage(rule=[_rule(one, codes) for one in rules])

    @operation("PutCommissionRule", needed(CommissionRuleModel), returns=CommissionRuleModel, result="rule")
    async def put_commission_rule(ctx: Any, rule: Any) -> Any:  # noqa: N805
        """Keep a new commission rule, or with a version a changed one."""
        codes = await _codes(ctx.udc)
        cmd = PutRule(
            name=rule.name,
            basis=CommissionOn(str(rule.basis)),
            percent=rule.percent,
            amount=rule.amount,
            salesperson=rule.salesperson,
            team=rule.team,
            reseller=_key(codes, rule.reseller),
            valid_from=rule.validFrom,
            valid_to=rule.validTo,
            version=rule.version,
        )
        kept = await ctx.udc.ask(put_rule, cmd)
        rule.version = kept.version
        return rule

    @operation(
        "MakeCommissionStatement",
        needed(Date),
        needed(Date),
        returns=CommissionStatementModel,
        result="statement",
    )
    async def make_commission_statement(ctx: Any, since: date, until: date) -> Any:  # noqa: N805
        """Make the statement of a period that has ended; made before, the same again."""
        made = await ctx.udc.ask(make_statement, Period(since, until), clock=ctx.udc.wiring.clock)
        return _statement(made, await _codes(ctx.udc))

    @operation(
        "ListCommissionStatements",
        Integer(ge=1, le=PAGE_MAX),
        Integer(ge=0),
        returns=CommissionStatementPage,
        result="page",
    )
    async def list_commission_statements(ctx: Any, first: int | None, after: int | None) -> Any:  # noqa: N805
        """Return statements with the lines that the caller may see."""
        page = await ctx.udc.ask(list_statements, PageRequest(first or PAGE, after or None))
        codes = await _codes(ctx.udc)
        following = str(page.items[-1].id) if page.more else None
        return CommissionStatementPage(
            count=len(page.items), statement=[_statement(one, codes) for one in page.items], next=following
        )

    @operation("SyncCustomers", needed(ExternalCustomers), returns=SyncedPage, result="page")
    async def sync_customers(ctx: Any, customers: Any) -> Any:  # noqa: N805
        """Make or change customers by another system's keys, each by itself; the same again changes nothing."""
        cmd = SyncCustomers(customers=tuple(_external(one) for one in customers.customer or ()))
        done = await ctx.udc.ask(sync_customers, cmd, clock=ctx.udc.wiring.clock)
        return SyncedPage(
            customer=[
                SyncedModel(
                    key=one.key,
                    outcome=one.outcome.value,
                    code=one.refusal.code.upper() if one.refusal else None,
                    message=sentence(one.refusal) if one.refusal else None,
                    field=one.refusal.field if one.refusal else None,
                )
                for one in done
            ]
        )

    @operation("TakeBasis", returns=BasisBatchModel, result="batch")
    async def take_basis(ctx: Any) -> Any:  # noqa: N805
        """Return what was rated since the last batch; until that is acknowledged, the same again."""
        return _batch(await ctx.udc.ask(take_basis, clock=ctx.udc.wiring.clock))

    @operation(
        "ReadBasis",
        needed(Integer(ge=1)),
        Integer(ge=1, le=LINES_MAX),
        Integer(ge=0),
        returns=BasisPageModel,
        result="page",
    )
    async def read_basis(ctx: Any, batch: int, first: int | None, after: int | None) -> Any:  # noqa: N805
        """Return lines of a batch behind a position."""
        page = await ctx.udc.ask(read_basis, batch, first=first or PAGE, after=after or 0)
        lines = [
            BasisLineModel(
                position=one.position,
                customerKey=one.customer_key,
                subscriptionKey=one.subscription_key,
                periodStart=one.period_start,
                mode=one.mode,
                direction=one.direction,
                group=one.group,
                currency=one.currency,
                events=one.events,
                used=one.used,
                amount=plain(one.amount),
            )
            for one in page.lines
        ]
        following = page.lines[-1].position if page.more else None
        return BasisPageModel(batch=_batch(page.batch), line=lines, next=following)

    @operation("AcknowledgeBasis", needed(Integer(ge=1)), returns=BasisBatchModel, result="batch")
    async def acknowledge_basis(ctx: Any, batch: int) -> Any:  # noqa: N805
        """Say that a batch is there for good."""
        return _batch(await ctx.udc.ask(acknowledge_basis, batch, clock=ctx.udc.wiring.clock))


async def _codes(call: Any) -> dict[ResellerId, str]:
    return {one.id: one.code for one in await call.ask(list_resellers)}


def _key(codes: dict[ResellerId, str], code: str | None, field: str = "reseller") -> ResellerId | None:
    """Return the reseller of a code. Refuses with: NotFound."""
    if code is None:
        return None
    for key, known in codes.items():
        if known == code:
            return key
    raise NotFound("no reseller {code}", code=code, field=field)


def _series(one: NumberSeries, codes: dict[ResellerId, str]) -> SeriesModel:
    seller = codes.get(one.reseller) if one.reseller is not None else None
    return SeriesModel(kind=one.kind.value, reseller=seller, prefix=one.prefix, next=one.next)


def _reseller(one: Reseller, codes: dict[ResellerId, str], terms_version: int | None = None) -> ResellerModel:
    return ResellerModel(
        code=one.code,
        name=one.name,
        parent=codes.get(one.parent) if one.parent is not None else None,
        priceList=one.price_list,
        seller=None if one.seller is None else _seller(one.seller),
        version=one.version,
        termsVersion=terms_version,
    )


_SAME: Final = ("name", "bankgiro", "iban", "email", "phone", "endpoint", "accent", "logo", "note")
_OTHER: Final = {
    "organisationNumber": "organisation_number",
    "vatId": "vat_id",
    "ocrLevel": "ocr_level",
    "paymentTermsDays": "payment_terms_days",
}


def _seller(one: Seller) -> SellerModel:
    place = one.address
    return SellerModel(
        address=AddressModel(
            street=place.street, street2=place.street2, postcode=place.postcode, city=place.city, country=place.country
        ),
        **{name: getattr(one, name) for name in _SAME},
        **{element: getattr(one, name) for element, name in _OTHER.items()},
    )


def _seller_of(told: Any) -> Seller | None:
    if told is None:
        return None
    fields = {name: getattr(told, name) for name in _SAME}
    fields |= {name: getattr(told, element) for element, name in _OTHER.items()}
    place = told.address
    address = Address(place.street, place.postcode, place.city, place.country, place.street2)
    return Seller(address=address, **{name: value for name, value in fields.items() if value is not None})


def _statement(one: Statement, codes: dict[ResellerId, str]) -> CommissionStatementModel:
    return CommissionStatementModel(
        id=one.id,
        since=one.period.start,
        until=one.period.end,
        currency=one.currency,
        total=plain(one.total),
        line=[
            CommissionLineModel(
                reseller=codes.get(line.reseller) if line.reseller is not None else None,
                salesperson=line.salesperson,
                team=line.team,
                rule=line.rule,
                basis=line.basis.value,
                count=line.count,
                base=plain(line.base),
                rate=plain(line.rate),
                commission=plain(line.commission),
            )
            for line in one.lines
        ],
    )


def _salesperson(one: Salesperson, codes: dict[ResellerId, str]) -> SalespersonModel:
    reseller = codes.get(one.reseller) if one.reseller is not None else None
    return SalespersonModel(code=one.code, name=one.name, team=one.team, version=one.version, reseller=reseller)


def _rule(one: Rule, codes: dict[ResellerId, str]) -> CommissionRuleModel:
    return CommissionRuleModel(
        name=one.name,
        basis=one.basis.value,
        percent=None if one.percent is None else plain(one.percent),
        amount=None if one.amount is None else plain(one.amount),
        salesperson=one.salesperson,
        team=one.team,
        reseller=codes.get(one.reseller) if one.reseller is not None else None,
        validFrom=one.valid_from,
        validTo=one.valid_to,
        version=one.version,
    )


def _external(told: Any) -> ExternalCustomer:
    return ExternalCustomer(
        key=told.key,
        name=told.name,
        kind=CustomerKind(str(told.kind)) if told.kind is not None else CustomerKind.ORGANISATION,
        price_list=told.priceList,
        lines=tuple(_line(line) for line in told.line or ()),
    )


def _line(told: Any) -> ExternalLine:
    return ExternalLine(
        key=told.key,
        kind=SubscriptionKind(str(told.kind)) if told.kind is not None else SubscriptionKind.FIXED,
        label=told.label or "",
        price_list=told.priceList,
        numbers=tuple(
            NumberAssignment(number=one.number, valid_from=one.validFrom, valid_to=one.validTo)
            for one in told.number or ()
        ),
    )


def _batch(one: BasisBatch) -> BasisBatchModel:
    return BasisBatchModel(id=one.id, madeAt=one.made_at, acknowledgedAt=one.acknowledged_at, lines=one.lines)
