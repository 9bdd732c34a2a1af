"""The operations of the WSDL about the series of documents and the meter."""

from __future__ import annotations

from datetime import date
from typing import Any

from spyne import Boolean, Date, Integer, ServiceBase, Unicode

from api.soap.models import Model, _enum, many, needed
from api.soap.resellers import codes_of, key_named
from api.soap.service import operation
from domain.ids import ResellerId
from domain.invoicing.series import NumberSeries, ReferenceForm, SeriesKind
from domain.period import Period
from domain.usecases.number_series import ChangeSeries, change_series, list_series
from domain.usecases.read_meter import read_meter

KindOfSeries = _enum(SeriesKind, "SeriesKind")
FormOfReference = _enum(ReferenceForm, "ReferenceForm")


class SeriesModel(Model):
    """The numbers of a kind; ``reseller`` is the seller's code, absent for the operator's own."""

    __type_name__ = "DocumentSeries"

    kind = needed(KindOfSeries)
    reseller = Unicode
    prefix = needed(Unicode)
    next = needed(Integer)
    yearly = needed(Boolean)
    reference = needed(FormOfReference)
    referenceLength = Integer


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
    graphqlCalls = needed(Integer)
    soapCalls = needed(Integer)
    restCalls = needed(Integer)


class MeterPage(Model):
    """Days in their order."""

    day = many(MeterDayModel)


class Series(ServiceBase):
    """Series of documents, and what was metered."""

    __service_name__ = "Billing"

    @operation("ListDocumentSeries", returns=DocumentSeriesPage, result="page")
    async def list_document_series(ctx: Any) -> Any:
        """Return the number series that the caller may see."""
        codes = await codes_of(ctx.udc)
        return DocumentSeriesPage(series=[_series(one, codes) for one in await ctx.udc.ask(list_series)])

    @operation(
        "ChangeDocumentSeries",
        needed(KindOfSeries),
        needed(Integer),
        Unicode,
        Unicode,
        Integer,
        Boolean,
        FormOfReference,
        Integer,
        returns=SeriesModel,
        result="series",
    )
    async def change_series(
        ctx: Any,
        kind: str,
        expected: int,
        reseller: str | None,
        prefix: str | None,
        next: int | None,
        yearly: bool | None,
        reference: str | None,
        referenceLength: int | None,
    ) -> Any:
        """Change a series from its next number on, which is expected as it was read."""
        codes = await codes_of(ctx.udc)
        cmd = ChangeSeries(
            kind=SeriesKind(str(kind)),
            expected=expected,
            reseller=key_named(codes, reseller),
            prefix=prefix,
            next=next,
            yearly=yearly,
            reference=None if reference is None else ReferenceForm(str(reference)),
            reference_length=referenceLength,
        )
        return _series(await ctx.udc.ask(change_series, cmd), codes)

    @operation("ReadMeter", needed(Date), needed(Date), returns=MeterPage, result="meter")
    async def read_meter(ctx: Any, since: date, until: date) -> Any:
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


def _series(one: NumberSeries, codes: dict[ResellerId, str]) -> SeriesModel:
    seller = codes.get(one.reseller) if one.reseller is not None else None
    return SeriesModel(
        kind=one.kind.value,
        reseller=seller,
        prefix=one.prefix,
        next=one.next,
        yearly=one.yearly,
        reference=one.reference.value,
        referenceLength=one.reference_length,
    )
