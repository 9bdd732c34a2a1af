"""How sellers' documents look."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.inputs import given
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import ResellerId
from domain.invoicing.branding import BLOCKS, Branding
from domain.usecases.set_brand import SetBrand, get_brand, set_brand

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


@strawberry.type(name="BrandText")
class TextType:
    """A text in one language."""

    language: str
    text: str


def _reseller(root: strawberry.Parent[Branding]) -> ID | None:
    return None if root.reseller is None else ID(global_id("Reseller", root.reseller))


def _intro(root: strawberry.Parent[Branding]) -> list[TextType]:
    return [TextType(language=language, text=text) for language, text in sorted(root.intro.items())]


def _closing(root: strawberry.Parent[Branding]) -> list[TextType]:
    return [TextType(language=language, text=text) for language, text in sorted(root.closing.items())]


@strawberry.type(name="Brand", description="How a seller's documents look that are issued from a day on.")
class BrandType:
    """``domain.invoicing.branding.Branding``."""

    reseller: ID | None = strawberry.field(resolver=_reseller, description="null: the operator's own.")
    valid_from: date
    accent: str | None = strawberry.field(description="A colour such as #0A5566.")
    logo: str | None = strawberry.field(description="The SHA-256 of a picture that was put.")
    note: str | None = strawberry.field(description="At the foot of every page.")
    blocks: list[str] = strawberry.field(description="What is drawn, in its order.")
    text_percent: int
    intro: list[TextType] = strawberry.field(resolver=_intro)
    closing: list[TextType] = strawberry.field(resolver=_closing)
    version: int

    is_type_of = shows(Branding)


@strawberry.input(description="In a language; {number}, {amount}, {due} and others stand for the document's.")
class BrandTextInput:
    """A text in one language."""

    language: str
    text: str


@strawberry.input(description="The brand as a whole.")
class SetBrandInput:
    """``SetBrand``."""

    reseller: ID | None = None
    valid_from: date | None = strawberry.field(default=None, description="null: today.")
    accent: str | None = None
    logo: str | None = None
    note: str | None = None
    blocks: list[str] = strawberry.field(default_factory=lambda: list(BLOCKS))
    text_percent: int = 100
    intro: list[BrandTextInput] | None = None
    closing: list[BrandTextInput] | None = None
    version: int = 0
    idempotency_key: str | None = kept_key()


async def _set(info: Info, asked: Annotated[SetBrandInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"reseller": "Reseller"})
    for name in ("intro", "closing"):
        fields[name] = {one.language: one.text for one in fields.get(name, ())}
    return await info.context.ask(set_brand, SetBrand(**fields), clock=info.context.wiring.clock)


async def _brand(info: Info, reseller: ID | None = None, on: date | None = None) -> Any:
    key = None if reseller is None else ResellerId(key_of(reseller, "Reseller", "reseller"))
    return await info.context.ask(get_brand, key, on=on, clock=info.context.wiring.clock)


@strawberry.type
class BrandQuery:
    """How documents look."""

    brand: BrandType | None = strawberry.field(resolver=_brand, description="On a day; null: today's.")


@strawberry.type
class BrandMutation:
    """Saying how documents look."""

    set_brand = strawberry.mutation(
        resolver=_set,
        graphql_type=outcome("SetBrandResult", BrandType),
        description="For documents that are issued that day and later; what was issued looks as it did.",
    )
