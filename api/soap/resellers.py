"""The operations of the WSDL about resellers: who they are and on what terms they buy."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from spyne import DateTime, Integer, ServiceBase, Unicode

from api.soap.models import Address as AddressModel
from api.soap.models import Model, many, needed
from api.soap.service import operation
from domain.ids import ResellerId
from domain.operators import Address
from domain.refusal import NotFound
from domain.resellers.reseller import Reseller, Seller
from domain.usecases.change_reseller import ChangeReseller, change_reseller
from domain.usecases.change_reseller_terms import ChangeResellerTerms, change_reseller_terms
from domain.usecases.create_reseller import CreateReseller, create_reseller
from domain.usecases.get_customer import get_customer
from domain.usecases.list_resellers import list_resellers
from domain.usecases.load_versions import terms_versions

_SAME: Final = ("name", "bankgiro", "iban", "email", "phone", "endpoint", "accent", "logo", "note")
_OTHER: Final = {
    "organisationNumber": "organisation_number",
    "vatId": "vat_id",
    "ocrLevel": "ocr_level",
    "paymentTermsDays": "payment_terms_days",
}


class SellerModel(Model):
    """Who sells on documents."""

    __type_name__ = "Seller"

    name = needed(Unicode)
    organisationNumber = needed(Unicode)
    vatId = needed(Unicode)
    address = needed(AddressModel)
    bankgiro = Unicode
    iban = Unicode
    email = Unicode
    phone = Unicode
    endpoint = Unicode
    ocrLevel = Unicode
    paymentTermsDays = Integer
    accent = Unicode
    logo = Unicode
    note = Unicode


class ResellerModel(Model):
    """A reseller; ``parent`` is the code of the one he buys from, absent for the operator."""

    __type_name__ = "Reseller"

    code = needed(Unicode)
    name = needed(Unicode)
    parent = Unicode
    priceList = Unicode
    seller = SellerModel
    version = needed(Integer)
    termsVersion = Integer


class ResellerPage(Model):
    """Every reseller that may be seen."""

    reseller = many(ResellerModel)


class ResellerTermModel(Model):
    """What holds from an instant on."""

    __type_name__ = "ResellerTerm"

    validFrom = needed(DateTime)
    parent = Unicode
    priceList = Unicode
    customerNumber = Unicode


class ResellerTermPage(Model):
    """All terms, in the order of time."""

    term = many(ResellerTermModel)


class Resellers(ServiceBase):
    """Resellers and their terms."""

    __service_name__ = "Billing"

    @operation("ListResellers", returns=ResellerPage, result="page")
    async def list_resellers(ctx: Any) -> Any:
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
    async def create_reseller(
        ctx: Any,
        code: str,
        name: str,
        parent: str | None,
        priceList: str | None,
        seller: Any,
        idempotencyKey: str | None,
    ) -> Any:
        """Create a reseller below the caller. Sent again under the same key, the same answer comes again."""
        codes = await codes_of(ctx.udc)
        cmd = CreateReseller(
            code=code,
            name=name,
            parent=key_named(codes, parent, "parent"),
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
    async def change_reseller(ctx: Any, code: str, version: int, name: str | None, seller: Any) -> Any:
        """Change a reseller's name and who sells on his documents, at the version that was read."""
        codes = await codes_of(ctx.udc)
        changes: dict[str, Any] = {"name": name} if name is not None else {}
        if seller is not None:
            changes["seller"] = _seller_of(seller)
        key = key_named(codes, code, "code")
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
    async def change_reseller_terms(
        ctx: Any,
        code: str,
        validFrom: datetime | None,
        parent: str | None,
        priceList: str | None,
        customerNumber: str | None,
        version: int | None,
    ) -> Any:
        """Change of whom a reseller buys, at which list and as which customer, from an instant on; absent: as it is."""
        codes = await codes_of(ctx.udc)
        changes: dict[str, Any] = {}
        if parent is not None:
            changes["parent"] = key_named(codes, parent, "parent")
        if priceList is not None:
            changes["price_list"] = priceList
        if customerNumber is not None:
            changes["customer"] = (await ctx.udc.ask(get_customer, customerNumber)).id
        key = key_named(codes, code, "code")
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


async def codes_of(call: Any) -> dict[ResellerId, str]:
    """Return the codes of the resellers that the caller may see."""
    return {one.id: one.code for one in await call.ask(list_resellers)}


def key_named(codes: dict[ResellerId, str], code: str | None, field: str = "reseller") -> ResellerId | None:
    """Return the reseller of a code. Refuses with: NotFound."""
    if code is None:
        return None
    for key, known in codes.items():
        if known == code:
            return key
    raise NotFound("no reseller {code}", code=code, field=field)


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
