"""``tollwright operator change``: settings of an operator, among them those that are the installation's to change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import DONE
from domain.access.editions import Edition
from domain.refusal import BadValue

if TYPE_CHECKING:
    from api.wiring import Wiring
    from domain.access.actor import Actor


def change(  # noqa: PLR0917  (typer makes options of them)
    operator: Annotated[str | None, typer.Argument(help="The operator's code, where there are several.")] = None,
    name: Annotated[str | None, typer.Option(help="The name on invoices.")] = None,
    edition: Annotated[str | None, typer.Option(help="retail, wholesale or rating_only.")] = None,
    zone: Annotated[str | None, typer.Option(help="The IANA time zone its days and months are in.")] = None,
    language: Annotated[str | None, typer.Option(help="Of its documents.")] = None,
    languages: Annotated[str | None, typer.Option(help="All that it writes in, commas between.")] = None,
    vat_id: Annotated[
        list[str] | None, typer.Option(help="In another country, such as FI=FI20774740; again for each.")
    ] = None,
    bankgiro: Annotated[str | None, typer.Option(help="Where invoices are paid, such as 5050-1055.")] = None,
    email: Annotated[str | None, typer.Option(help="Of its customer service.")] = None,
    phone: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    payment_terms_days: Annotated[int | None, typer.Option(help="Days from invoice to due date.")] = None,
    national_prefix: Annotated[str | None, typer.Option(help="Before national numbers, such as 0.")] = None,
    international_prefix: Annotated[str | None, typer.Option(help="Before foreign numbers, such as 00.")] = None,
    short: Annotated[str | None, typer.Option(help="Short numbers, commas between.")] = None,
) -> int:
    """Change what is given of an operator and print it.

    Vat ids and short numbers replace those there were.
    """
    from api.cli.reach import run_with

    asked: dict[str, Any] = {
        "name": name,
        "edition": edition,
        "zone": zone,
        "language": language,
        "languages": None if languages is None else tuple(languages.replace(" ", "").split(",")),
        "vat_ids": None if vat_id is None else dict(map(_pair, vat_id)),
        "bankgiro": None if bankgiro is None else bankgiro.replace("-", "").replace(" ", ""),
        "email": email,
        "phone": phone,
        "payment_terms_days": payment_terms_days,
    }
    plan = {"national_prefix": national_prefix, "international_prefix": international_prefix, "short": short}
    return run_with(operator, lambda wiring, actor: _change(wiring, actor, asked, plan))


async def _change(wiring: Wiring, actor: Actor, asked: dict[str, Any], plan: dict[str, str | None]) -> int:
    from dataclasses import replace

    from api.cli.operator import told
    from domain.usecases.change_operator import ChangeOperator, change_operator
    from domain.usecases.get_operator import get_operator

    fields = {name: value for name, value in asked.items() if value is not None}
    if "edition" in fields:
        fields["edition"] = read_edition(fields["edition"])
    own = await get_operator(actor=actor, begin=wiring.begin)
    given: dict[str, Any] = {name: value for name, value in plan.items() if value is not None}
    if "short" in given:
        given["short"] = tuple(filter(None, given["short"].replace(" ", "").split(",")))
    if given:
        fields["number_plan"] = replace(own.number_plan, **given)
    cmd = ChangeOperator(version=own.version, **fields)
    changed = await change_operator(cmd, actor=actor, begin=wiring.begin, installation=True)
    print(json.dumps(told(changed), ensure_ascii=False))
    return DONE


def read_edition(text: str) -> Edition:
    """Return the edition of a word. Refuses with: BadValue."""
    if text not in set(Edition):
        raise BadValue("an edition is one of {names}", names=", ".join(Edition), field="--edition")
    return Edition(text)


def _pair(text: str) -> tuple[str, str]:
    country, equals, vat_id = text.partition("=")
    if not equals:
        raise BadValue("a VAT id in another country is written as FI=FI20774740", field="--vat-id")
    return country.strip().upper(), vat_id.strip()
