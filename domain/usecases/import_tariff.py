"""Import a tariff document."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind
from domain.access.operations import operation
from domain.catalogue.document import read_tariff
from domain.commands import check_texts
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.ports.versions import Versioned
from domain.refusal import Conflict
from domain.usecases.four_eyes import agreed, four_eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTariff:
    """A tariff document: what ``domain.catalogue.document.parse_json`` made of its text."""

    document: object


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffImported:
    """What the catalogue holds now, and how many of its rows began and ended. ``parties_left`` are not part of it."""

    revision: int
    destinations: int
    prefixes: int
    price_lists: int
    rates: int
    began: int
    ended: int
    parties_left: int


@operation(Action.WRITE_PRICES)
@four_eyes(ApprovalKind.PRICES)
async def import_tariff(cmd: ImportTariff, *, actor: Actor, begin: Begin, clock: Clock) -> TariffImported:
    """Make the operator's catalogue that of the document, as a whole or not at all.

    What is the same keeps its key; the same document again changes nothing. Parties are not taken: who is rated by
    which list stands on customers, contracts and resellers.
    Refuses with: NotAllowed, BadTariff (every fault with its JSON path), BadValue (a text that cannot be kept),
    Conflict (a list that is in use is not in it).
    """
    tariff = read_tariff(cmd.document)
    check_texts(tariff)
    async with begin(actor) as unit:
        await unit.catalogue.hold()
        await agreed(unit, actor, ApprovalKind.PRICES, cmd, now=clock.now())
        missing = sorted(await unit.catalogue.lists_in_use() - set(tariff.price_lists))
        if missing:
            raise Conflict(
                "the document leaves out lists that are in use: {listed}", listed=", ".join(missing), field="priceLists"
            )
        changed = await unit.catalogue.publish(tariff, recorded_at=clock.now())
        answer = TariffImported(
            revision=await unit.catalogue.revision(),
            destinations=len(tariff.destinations),
            prefixes=sum(len(one.prefixes) for one in tariff.destinations.values()),
            price_lists=len(tariff.price_lists),
            rates=sum(len(one.rates) for one in tariff.price_lists.values()),
            began=changed.began,
            ended=changed.ended,
            parties_left=len(tariff.parties),
        )
        if changed.began or changed.ended:
            await unit.versions.advance_all(Versioned.PRICES, list(tariff.price_lists))
            detail = {"revision": answer.revision, "began": changed.began, "ended": changed.ended}
            await unit.audit.write("import_tariff", "catalogue", detail)
    return answer
