"""``tollwright operator``: the operators (tenants) of this installation."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE, complain
from api.cli.operator_change import change, read_edition

if TYPE_CHECKING:
    from domain.operators import Operator

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Create, change and list operators."""


@app.command()
def create(  # noqa: PLR0917  (typer makes options of them)
    code: Annotated[str, typer.Argument(help="A short code: letters, digits, hyphens, underscores.")],
    name: Annotated[str, typer.Option(help="The name on invoices.")],
    organisation_number: Annotated[str, typer.Option(help="The organisation number.")],
    vat_id: Annotated[str, typer.Option(help="The VAT id, country first.")],
    street: Annotated[str, typer.Option(help="Street and house number.")],
    postcode: Annotated[str, typer.Option()],
    city: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="ISO 3166-1, such as SE.")] = "SE",
    zone: Annotated[str, typer.Option(help="The IANA time zone its days and months are in.")] = "Europe/Stockholm",
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "SEK",
    language: Annotated[str, typer.Option(help="Of its documents.")] = "sv",
    bankgiro: Annotated[str | None, typer.Option(help="Where invoices are paid, such as 5050-1055.")] = None,
    iban: Annotated[str | None, typer.Option(help="The account, where there is no bankgiro.")] = None,
    email: Annotated[str | None, typer.Option(help="Of its customer service, at the foot of invoices.")] = None,
    phone: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="The Peppol participant, such as 0007:5567037485.")] = None,
    payment_terms_days: Annotated[int, typer.Option(help="Days from invoice to due date.")] = 30,
    ocr_level: Annotated[str, typer.Option(help="soft, check, length or fixed, as agreed with the bank.")] = "length",
    edition: Annotated[str, typer.Option(help="retail, wholesale or rating_only.")] = "retail",
) -> int:
    """Create an operator and print it.

    It has number series and an empty catalogue.
    """
    from domain.ids import OperatorId
    from domain.operators import Address, Operator

    return asyncio.run(
        _create(
            Operator(
                id=OperatorId(0),
                code=code,
                name=name,
                organisation_number=organisation_number,
                vat_id=vat_id,
                address=Address(street, postcode, city, country),
                zone=zone,
                currency=currency,
                country=country,
                language=language,
                bankgiro=None if bankgiro is None else bankgiro.replace("-", "").replace(" ", ""),
                iban=iban,
                email=email,
                phone=phone,
                endpoint=endpoint,
                payment_terms_days=payment_terms_days,
                ocr_level=ocr_level,
                edition=read_edition(edition),
            )
        )
    )


app.command()(change)


@app.command(name="list")
def list_all() -> int:
    """Print the operators as JSON Lines."""
    return asyncio.run(_list())


async def _create(operator: Operator) -> int:
    from api.cli.reach import CLIENT
    from api.wiring import opened
    from domain.usecases.create_operator import create_operator

    async with opened() as wiring:
        made = await create_operator(operator, begin=wiring.begin, client=CLIENT)
    print(json.dumps(told(made), ensure_ascii=False))
    if made.bankgiro is None and made.iban is None:
        complain("no --bankgiro and no --iban: its invoices do not say where they are paid")
    return DONE


async def _list() -> int:
    from api.wiring import opened

    async with opened() as wiring:
        for one in await wiring.directory.operators():
            print(json.dumps(told(one), ensure_ascii=False))
    return DONE


def told(operator: Operator) -> dict[str, Any]:
    """Return what is printed of an operator."""
    return {
        "id": operator.id,
        "code": operator.code,
        "name": operator.name,
        "organisation_number": operator.organisation_number,
        "vat_id": operator.vat_id,
        "zone": operator.zone,
        "currency": operator.currency,
        "country": operator.country,
        "edition": operator.edition.value,
        "languages": list(operator.languages),
        "vat_ids": dict(operator.vat_ids),
        "version": operator.version,
    }
