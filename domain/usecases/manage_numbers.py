"""What the operator does with numbers of his stock: give, block, free, class, take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from domain.access.actor import Action, Actor, allow
from domain.access.operations import operation
from domain.commands import check_texts
from domain.contracts.dialled import as_kept, dialling
from domain.ids import ResellerId
from domain.numbers.stock import NUMBERS_MAX, NumberStatus, StockNumber, block, check_class, let_go
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound, WrongState
from domain.usecases.reserve_numbers import claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveNumbers:
    """Free numbers from the first to the last become those of a reseller's subtree; None: the operator's own again."""

    first_number: str
    last_number: str
    reseller: ResellerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockNumbers:
    """Numbers that are given to nobody, with the reason."""

    numbers: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyNumbers:
    """The class of numbers, as golden, and what having one costs; None: nothing of its own."""

    numbers: tuple[str, ...]
    number_class: str
    price: Decimal | None = None


@operation(any_of=(Action.MANAGE_NUMBERS, Action.WRITE_CONTRACTS))
async def give_numbers(cmd: GiveNumbers, *, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Give numbers to a reseller's subtree, or on within one's own, and return how many.

    Refuses with: NotAllowed, BadValue, NotFound (no such numbers or reseller, or not the caller's), Conflict (one of
    them is not free).
    """
    allow(actor, Action.MANAGE_NUMBERS if actor.reseller is None else Action.WRITE_CONTRACTS, "give_numbers")
    check_texts(cmd)
    async with begin(actor) as unit:
        first, last = as_kept([cmd.first_number, cmd.last_number], dialling(await unit.operators.own()))
        if len(first) != len(last) or first > last:
            raise BadValue("the last number follows the first and is as long", field="lastNumber")
        if (cmd.reseller is None and actor.reseller is not None) or (
            cmd.reseller is not None and cmd.reseller not in await unit.resellers.tree()
        ):
            raise NotFound("no such reseller, or not yours", field="reseller")
        given, others = await unit.numbers.give(first, last, cmd.reseller, clock.now())
        if others:
            raise Conflict("{count} of these numbers are not free", count=others, field="firstNumber")
        if not given:
            raise NotFound("there are no such numbers in the stock", field="firstNumber")
        detail = {"first": first, "last": last, "reseller": cmd.reseller, "count": given, "changed": ["reseller"]}
        await unit.audit.write("give_numbers", f"numbers:{first}-{last}", detail)
    return given


@operation(Action.MANAGE_NUMBERS)
async def block_numbers(cmd: BlockNumbers, *, actor: Actor, begin: Begin, clock: Clock) -> Sequence[StockNumber]:
    """Keep numbers that nobody has from being given. Refuses with: NotAllowed, BadValue, NotFound, Conflict."""
    check_texts(cmd)
    async with begin(actor) as unit:
        chosen = await _claimed(unit, cmd.numbers)
        kept = await unit.numbers.keep([block(one, cmd.reason, now=clock.now()) for one in chosen])
        await _tell(unit, "block_numbers", kept, {"reason": cmd.reason, "changed": ["status"]})
    return kept


@operation(Action.MANAGE_NUMBERS)
async def free_numbers(numbers: tuple[str, ...], *, actor: Actor, begin: Begin, clock: Clock) -> Sequence[StockNumber]:
    """Free numbers that are blocked, reserved or rest. Refuses with: NotAllowed, NotFound, WrongState."""
    now = clock.now()
    async with begin(actor) as unit:
        chosen = await _claimed(unit, numbers)
        loose = {NumberStatus.BLOCKED, NumberStatus.RESERVED, NumberStatus.QUARANTINE, NumberStatus.FREE}
        for index, one in enumerate(chosen):
            if (status := one.status_at(now)) not in loose:
                raise WrongState(
                    "the number {number} is {status}, and cannot be freed",
                    number=one.number,
                    status=status.value,
                    field=f"numbers.{index}",
                )
        kept = await unit.numbers.keep([let_go(one) for one in chosen])
        await _tell(unit, "free_numbers", kept, {"changed": ["status"]})
    return kept


@operation(Action.MANAGE_NUMBERS)
async def classify_numbers(cmd: ClassifyNumbers, *, actor: Actor, begin: Begin) -> Sequence[StockNumber]:
    """Give numbers a class and a price. Refuses with: NotAllowed, BadValue, NotFound."""
    check_texts(cmd)
    check_class(cmd.number_class, cmd.price)
    async with begin(actor) as unit:
        chosen = await _claimed(unit, cmd.numbers)
        made = [replace(one, number_class=cmd.number_class, price=cmd.price) for one in chosen]
        kept = await unit.numbers.keep(made)
        price = None if cmd.price is None else format(cmd.price, "f")
        await _tell(unit, "classify_numbers", kept, {"class": cmd.number_class, "price": price, "changed": ["class"]})
    return kept


@operation(Action.MANAGE_NUMBERS)
async def take_back_number(number: str, *, actor: Actor, begin: Begin, clock: Clock) -> StockNumber:
    """Take back a number that had been ported out and has been returned to us, its holder: it rests, then is free.

    Refuses with: NotAllowed, NotFound, WrongState (it is not ported out).
    """
    now = clock.now()
    async with begin(actor) as unit:
        (one,) = await _claimed(unit, (number,))
        if one.status_at(now) is not NumberStatus.PORTED_OUT:
            raise WrongState("the number {number} is not ported out", number=one.number, field="number")
        free_from = now + timedelta(days=one.quarantine_days)
        rests = replace(
            one, status=NumberStatus.QUARANTINE, since=now, until=free_from, free_from=free_from, other=None
        )
        (kept,) = await unit.numbers.keep([rests])
        await _tell(unit, "take_back_number", [kept], {"changed": ["status"]})
    return kept


async def _claimed(unit: Unit, numbers: Sequence[str]) -> Sequence[StockNumber]:
    if len(numbers) > NUMBERS_MAX:
        raise LimitExceeded("at most {most} numbers can be named at a time", most=NUMBERS_MAX, field="numbers")
    return await claimed(unit, list(dict.fromkeys(as_kept(numbers, dialling(await unit.operators.own())))))


async def _tell(unit: Unit, action: str, numbers: Sequence[StockNumber], detail: dict[str, object]) -> None:
    for one in numbers:
        await unit.audit.write(action, f"number:{one.number}", {"version": one.version, **detail})
