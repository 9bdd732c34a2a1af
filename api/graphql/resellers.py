"""Resellers: their terms over time, who sells in their own name, and how their documents look."""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import AddressInput, given
from api.graphql.once import kept_key
from api.graphql.particulars import OwnFieldInput
from api.graphql.parties import CustomerType, ResellerType
from api.graphql.refusals import outcome
from domain.ids import ResellerId
from domain.operators import Address
from domain.refusal import Unreadable
from domain.resellers.reseller import Seller, Term
from domain.usecases.change_reseller import LOGO_BYTES_MAX, ChangeReseller, change_reseller, put_logo
from domain.usecases.change_reseller_terms import ChangeResellerTerms, change_reseller_terms, list_reseller_terms
from domain.usecases.create_reseller import CreateReseller, create_reseller
from integrations.printing.pictures import as_png

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


async def _parent(root: strawberry.Parent[Term], info: Info) -> Any:
    return await info.context.load.resellers.load(root.parent) if root.parent is not None else None


async def _customer(root: strawberry.Parent[Term], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer) if root.customer is not None else None


@strawberry.type(name="ResellerTerm", description="Of whom a reseller buys and at which list, from validFrom on.")
class ResellerTermType:
    """``domain.resellers.reseller.Term``."""

    valid_from: datetime
    parent: ResellerType | None = strawberry.field(resolver=_parent, description="null: of the operator.")
    price_list: str | None
    customer: CustomerType | None = strawberry.field(
        resolver=_customer, description="As whom he is invoiced for what he buys; null: he is not."
    )


@strawberry.type(name="ResellerTerms", description="All terms of a reseller, in the order of time.")
class ResellerTermsType:
    """Terms."""

    terms: list[ResellerTermType]


@strawberry.type(name="Logo", description="A picture for documents, named by the SHA-256 of its content.")
class LogoType:
    """A picture that was put."""

    sha256: str


@strawberry.input(description="Who sells on documents; bankgiro with or without hyphen, accent such as #0A5566.")
class SellerInput:
    """``domain.resellers.reseller.Seller``."""

    name: str
    organisation_number: str
    vat_id: str
    address: AddressInput
    bankgiro: str | None = None
    iban: str | None = None
    email: str | None = None
    phone: str | None = None
    endpoint: str | None = None
    ocr_level: str | None = None
    payment_terms_days: int | None = None
    accent: str | None = None
    logo: str | None = None
    note: str | None = None


@strawberry.input
class CreateResellerInput:
    """``CreateReseller``."""

    code: str
    name: str
    parent: ID | None = None
    price_list: str | None = None
    seller: SellerInput | None = None
    fields: list[OwnFieldInput] | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input(description="seller replaces the whole; null: he no longer sells in his own name.")
class ChangeResellerInput:
    """``ChangeReseller``."""

    reseller: ID
    version: int
    code: strawberry.Maybe[str]
    name: strawberry.Maybe[str]
    seller: strawberry.Maybe[SellerInput | None]
    fields: strawberry.Maybe[list[OwnFieldInput]]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What holds from validFrom on, null: now; what is left out stays as it is then.")
class ChangeResellerTermsInput:
    """``ChangeResellerTerms``."""

    reseller: ID
    valid_from: datetime | None = None
    parent: strawberry.Maybe[ID | None]
    price_list: strawberry.Maybe[str | None]
    customer: strawberry.Maybe[ID | None]
    version: int | None = strawberry.field(
        default=None, description="That of the reseller's terms that were read, termsVersion; left out: whatever it is."
    )
    idempotency_key: str | None = kept_key()


def seller_of(asked: SellerInput) -> Seller:
    """Return the seller that an input says."""
    fields = {part.name: getattr(asked, part.name) for part in dataclasses.fields(asked)}
    place = fields.pop("address")
    address = Address(**{part.name: getattr(place, part.name) for part in dataclasses.fields(place)})
    return Seller(address=address, **{name: value for name, value in fields.items() if value is not None})


async def _create(info: Info, asked: Annotated[CreateResellerInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"parent": "Reseller"})
    if "seller" in fields:
        fields["seller"] = seller_of(fields["seller"])
    return await info.context.ask(create_reseller, CreateReseller(**fields))


async def _change(info: Info, asked: Annotated[ChangeResellerInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"reseller": "Reseller"})
    if fields.get("seller") is not None:
        fields["seller"] = seller_of(fields["seller"])
    return await info.context.ask(change_reseller, ChangeReseller(**fields))


async def _change_terms(info: Info, asked: Annotated[ChangeResellerTermsInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"reseller": "Reseller", "parent": "Reseller", "customer": "Customer"})
    cmd = ChangeResellerTerms(**fields)
    terms = await info.context.ask(change_reseller_terms, cmd, clock=info.context.wiring.clock)
    return ResellerTermsType(terms=list(terms))


async def _terms(info: Info, reseller: ID) -> Any:
    return await info.context.ask(list_reseller_terms, ResellerId(key_of(reseller, "Reseller", "reseller")))


async def _put_logo(info: Info, content: str) -> Any:
    if len(content) > LOGO_BYTES_MAX * 2:
        raise Unreadable("a picture has at most {most} bytes", most=LOGO_BYTES_MAX, field="content")
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("this is not base64 (RFC 4648)", field="content") from None
    if len(data) > LOGO_BYTES_MAX:
        raise Unreadable("a picture has at most {most} bytes", most=LOGO_BYTES_MAX, field="content")
    picture = await asyncio.to_thread(as_png, data, bytes_max=LOGO_BYTES_MAX)
    return LogoType(sha256=await info.context.ask(put_logo, picture))


@strawberry.type
class ResellerQuery:
    """Terms of resellers."""

    reseller_terms: list[ResellerTermType] = strawberry.field(
        resolver=_terms, description="What a reseller's terms were, are and will be."
    )


@strawberry.type
class ResellerMutation:
    """Resellers."""

    create_reseller = strawberry.mutation(resolver=_create, graphql_type=outcome("CreateResellerResult", ResellerType))
    change_reseller = strawberry.mutation(resolver=_change, graphql_type=outcome("ChangeResellerResult", ResellerType))
    change_reseller_terms = strawberry.mutation(
        resolver=_change_terms, graphql_type=outcome("ChangeResellerTermsResult", ResellerTermsType)
    )
    put_logo = strawberry.mutation(
        resolver=_put_logo,
        graphql_type=outcome("PutLogoResult", LogoType),
        description="A PNG, JPEG or SVG in base64; name it in a reseller's seller, or a brand.",
    )
