"""Say how a seller's documents look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor, allow
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import ResellerId
from domain.invoicing.branding import BLOCKS, Branding, check
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBrand:
    """A seller's brand as a whole; ``reseller`` None: the caller's own, a reseller's or the operator's.

    ``valid_from`` None: today. ``version`` is the one that was read, 0 where none was set.
    """

    reseller: ResellerId | None = None
    valid_from: date | None = None
    accent: str | None = None
    logo: str | None = None
    note: str | None = None
    blocks: tuple[str, ...] = BLOCKS
    text_percent: int = 100
    intro: Mapping[str, str] = field(default_factory=dict)
    closing: Mapping[str, str] = field(default_factory=dict)
    version: int = 0


@operation(Action.WRITE_CUSTOMERS)
async def set_brand(cmd: SetBrand, *, actor: Actor, begin: Begin, clock: Clock) -> Branding:
    """Keep a seller's brand, for documents issued that day and later.

    Refuses with: NotAllowed, NotFound (reseller, logo), BadValue (a day that is past), Stale.
    """
    check_texts(replace(cmd, note=_line(cmd.note or ""), intro=_lines(cmd.intro), closing=_lines(cmd.closing)))
    seller = cmd.reseller or actor.reseller
    if seller is None:
        allow(actor, Action.MANAGE_OPERATOR, "set_brand")
    async with begin(actor) as unit:
        await _check_seller(unit, seller)
        zone = (await unit.operators.own()).zone
        today = clock.now().astimezone(ZoneInfo(zone)).date()
        if cmd.valid_from is not None and cmd.valid_from < today:
            raise BadValue("what was issued looks as it did: a brand begins today or later", field="validFrom")
        known = await unit.brands.last(seller)
        if (known.version if known else 0) != cmd.version:
            raise Stale("the brand has changed since it was read", field="version")
        if cmd.logo is not None and await unit.resellers.logo(cmd.logo) is None:
            raise NotFound("no such picture was put", field="logo")
        kept = await unit.brands.put(
            check(
                Branding(
                    operator=actor.operator,
                    reseller=seller,
                    valid_from=cmd.valid_from or today,
                    accent=cmd.accent,
                    logo=cmd.logo,
                    note=cmd.note,
                    blocks=cmd.blocks,
                    text_percent=cmd.text_percent,
                    intro=cmd.intro,
                    closing=cmd.closing,
                    version=cmd.version + 1,
                )
            )
        )
        detail = {"reseller": seller, "validFrom": kept.valid_from.isoformat(), "version": kept.version}
        await unit.audit.write("set_brand", f"reseller:{seller}" if seller else f"operator:{actor.operator}", detail)
    return kept


def _lines(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: _line(text) for language, text in texts.items()}


def _line(text: str) -> str:
    """Return a text without the ends of its lines, which it may have."""
    return text.replace("\r\n", " ").replace("\n", " ")


async def _check_seller(unit: Unit, seller: ResellerId | None) -> None:
    if seller is not None and seller not in await unit.resellers.tree():
        raise NotFound("no reseller {key}", key=seller, field="reseller")


@operation(Action.READ_INVOICES)
async def get_brand(
    reseller: ResellerId | None = None, *, on: date | None = None, actor: Actor, begin: Begin, clock: Clock
) -> Branding | None:
    """Return a seller's brand on a day, today's where none is given. Refuses with: NotAllowed, NotFound (reseller)."""
    seller = reseller or actor.reseller
    async with begin(actor) as unit:
        await _check_seller(unit, seller)
        zone = (await unit.operators.own()).zone
        return await unit.brands.at(seller, on or clock.now().astimezone(ZoneInfo(zone)).date())
