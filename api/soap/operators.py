"""The operations of the WSDL about the operator's own settings."""

from __future__ import annotations

from typing import Any

from spyne import Boolean, Integer, ServiceBase, Unicode

from api.soap.models import Address as AddressModel
from api.soap.models import Model, _enum, many, needed
from api.soap.service import filled, given, operation
from domain.access.editions import Edition
from domain.operators import NumberPlan, Operator
from domain.usecases.change_operator import ChangeOperator, change_operator
from domain.usecases.get_operator import get_operator

KindOfEdition = _enum(Edition, "Edition")


class VatIdModel(Model):
    """A VAT id in another country."""

    __type_name__ = "VatId"

    country = needed(Unicode)
    vatId = needed(Unicode)


class VatIds(Model):
    """All VAT ids in other countries."""

    vatId = many(VatIdModel)


class Languages(Model):
    """The languages an operator writes in; none: all that there are."""

    language = many(Unicode)


class NumberPlanModel(Model):
    """How numbers are dialled; what is absent is as the country has it."""

    __type_name__ = "NumberPlan"

    nationalPrefix = Unicode
    internationalPrefix = Unicode
    short = many(Unicode)


class OperatorModel(Model):
    """The operator and what his documents start from."""

    __type_name__ = "Operator"

    code = needed(Unicode)
    name = needed(Unicode)
    organisationNumber = needed(Unicode)
    vatId = needed(Unicode)
    vatIds = needed(VatIds)
    address = needed(AddressModel)
    zone = needed(Unicode)
    currency = needed(Unicode)
    country = needed(Unicode)
    language = needed(Unicode)
    languages = needed(Languages)
    bankgiro = Unicode
    iban = Unicode
    email = Unicode
    phone = Unicode
    endpoint = Unicode
    paymentTermsDays = needed(Integer)
    roundsToKrona = needed(Boolean)
    ocrLevel = needed(Unicode)
    numberPlan = needed(NumberPlanModel)
    edition = needed(KindOfEdition)
    version = needed(Integer)


class OperatorChange(Model):
    """What changes; an element that is left out stays, one that is nil is emptied."""

    name = Unicode
    organisationNumber = Unicode
    vatId = Unicode
    vatIds = VatIds
    address = AddressModel
    language = Unicode
    languages = Languages
    bankgiro = Unicode
    iban = Unicode
    email = Unicode
    phone = Unicode
    endpoint = Unicode
    paymentTermsDays = Integer
    roundsToKrona = Boolean
    ocrLevel = Unicode
    numberPlan = NumberPlanModel


class Operators(ServiceBase):
    """The caller's operator."""

    __service_name__ = "Billing"

    @operation("GetOperator", returns=OperatorModel, result="operator")
    async def get_operator(ctx: Any) -> Any:
        """Return the caller's operator with its settings."""
        return _operator(await ctx.udc.ask(get_operator))

    @operation("ChangeOperator", needed(Integer), needed(OperatorChange), returns=OperatorModel, result="operator")
    async def change_operator(ctx: Any, version: int, change: Any) -> Any:
        """Change the operator's settings, at the version that was read. Documents issued stay as they are."""
        fields = filled(given(ctx.in_body_doc, "change", change), ChangeOperator)
        if "vat_ids" in fields:
            fields["vat_ids"] = {one.country: one.vatId for one in fields["vat_ids"].vatId or ()}
        if "languages" in fields:
            fields["languages"] = tuple(fields["languages"].language or ())
        if "number_plan" in fields:
            fields["number_plan"] = _plan(fields["number_plan"])
        return _operator(await ctx.udc.ask(change_operator, ChangeOperator(version=version, **fields)))


def _plan(told: Any) -> NumberPlan:
    short = tuple(told.short) if told.short else None
    return NumberPlan(national_prefix=told.nationalPrefix, international_prefix=told.internationalPrefix, short=short)


def _operator(one: Operator) -> OperatorModel:
    place, plan = one.address, one.number_plan
    same = ("code", "name", "zone", "currency", "country", "language", "bankgiro", "iban", "email", "phone", "endpoint")
    return OperatorModel(
        **{name: getattr(one, name) for name in same},
        organisationNumber=one.organisation_number,
        vatId=one.vat_id,
        vatIds=VatIds(vatId=[VatIdModel(country=key, vatId=value) for key, value in sorted(one.vat_ids.items())]),
        address=AddressModel(
            street=place.street, street2=place.street2, postcode=place.postcode, city=place.city, country=place.country
        ),
        languages=Languages(language=list(one.languages)),
        paymentTermsDays=one.payment_terms_days,
        roundsToKrona=one.rounds_to_krona,
        ocrLevel=one.ocr_level,
        numberPlan=NumberPlanModel(
            nationalPrefix=plan.national_prefix,
            internationalPrefix=plan.international_prefix,
            short=list(plan.short or ()),
        ),
        edition=one.edition.value,
        version=one.version,
    )
