"""Change the caller's own operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.access.actor import Action, Actor
from domain.access.editions import Edition
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.invoicing.series import OF_DOCUMENTS, next_number
from domain.operators import Address, NumberPlan, Operator, check
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Stale
from domain.usecases.issue_bills import reference_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOperator:
    """A change of the fields that are given. ``version`` is the one that the caller has read.

    Code, country and currency stay: numbers, VAT and books are in them.
    """

    version: int
    name: Change[str] = UNCHANGED
    organisation_number: Change[str] = UNCHANGED
    vat_id: Change[str] = UNCHANGED
    vat_ids: Change[Mapping[str, str]] = UNCHANGED
    address: Change[Address] = UNCHANGED
    zone: Change[str] = UNCHANGED
    language: Change[str] = UNCHANGED
    languages: Change[tuple[str, ...]] = UNCHANGED
    bankgiro: Change[str | None] = UNCHANGED
    iban: Change[str | None] = UNCHANGED
    email: Change[str | None] = UNCHANGED
    phone: Change[str | None] = UNCHANGED
    endpoint: Change[str | None] = UNCHANGED
    payment_terms_days: Change[int] = UNCHANGED
    rounds_to_krona: Change[bool] = UNCHANGED
    ocr_level: Change[str] = UNCHANGED
    number_plan: Change[NumberPlan] = UNCHANGED
    edition: Change[Edition] = UNCHANGED


_FIELDS: Final = tuple(name for name in ChangeOperator.__dataclass_fields__ if name != "version")


@operation(Action.MANAGE_OPERATOR)
async def change_operator(cmd: ChangeOperator, *, actor: Actor, begin: Begin, installation: bool = False) -> Operator:
    """Change what is given and leave the rest; nothing different changes nothing. Documents issued stay as they are.

    The edition and the time zone, on which days and months hang, are changed by the installation's own command line
    alone (``installation``). Refuses with: NotAllowed, BadValue, Stale.
    """
    check_texts(cmd)
    changes: dict[str, Any] = given(cmd, *_FIELDS)
    for name in ("edition", "zone"):
        if name in changes and not installation:
            raise BadValue(
                "this is changed by tollwright operator change, on the installation's own machine", field=name
            )
    async with begin(actor) as unit:
        operator = await unit.operators.claim()
        if operator.version != cmd.version:
            raise Stale(
                "the operator is at version {version}; read it again", version=operator.version, field="version"
            )
        changed = check(replace(operator, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(operator, name)]
        if not different:
            return operator
        if "ocr_level" in different:
            await _check_references(unit, changed)
        kept = await unit.operators.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different]}
        await unit.audit.write("change_operator", f"operator:{kept.id}", detail)
    return kept


async def _check_references(unit: Unit, operator: Operator) -> None:
    """Check that the next numbers of the operator's documents have references at his level. Refuses with: BadValue."""
    for kind in sorted(OF_DOCUMENTS):
        series = await unit.operators.series_of(kind, None)
        if series is not None:
            reference_of(operator, next_number(series), series)
