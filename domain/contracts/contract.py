"""A contract, its services and its states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.contracts.service import check_fee
from domain.contracts.terms import Discount, Ending, PastTerms, Terms, check_discounts, check_terms
from domain.fields.definition import Fields
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, ServiceId, SubscriptionId
from domain.refusal import BadValue, WrongState

SERVICES_MAX = 500
ANY_DAY = date(2000, 1, 1)  # of a line that a change brings in: the change's own day takes its place


class ContractState(StrEnum):
    """Draft → active ⇄ suspended → ended."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


NEXT_STATES: dict[ContractState, frozenset[ContractState]] = {
    ContractState.DRAFT: frozenset({ContractState.ACTIVE, ContractState.ENDED}),
    ContractState.ACTIVE: frozenset({ContractState.SUSPENDED, ContractState.ENDED}),
    ContractState.SUSPENDED: frozenset({ContractState.ACTIVE, ContractState.ENDED}),
    ContractState.ENDED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractService:
    """A service on a contract, ``[start, end)``. A fee of None is the service's own.

    With a ``subscription`` its fees run only while that is active. ``bundle``: the bundle that brought it.
    """

    service: ServiceId
    start: date
    end: date | None = None
    quantity: int = 1
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    subscription: SubscriptionId | None = None
    bundle: ServiceId | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether it is held that day."""
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A state that begins on a day and lasts until the next begins."""

    start: date
    state: ContractState


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract, ``[start, end)``. ``price_list`` names the retail list of its usage; None: the customer's default.

    ``phases`` are its states by day, none where it has had only one. ``past`` are earlier terms, by day.
    ``ending`` says how it was ended, where notice was given. ``predecessor`` and ``successor``: the contract it was
    taken over from or by.
    """

    id: ContractId
    operator: OperatorId
    customer: CustomerId
    number: str
    start: date
    end: date | None = None
    state: ContractState = ContractState.DRAFT
    price_list: str | None = None
    reseller: ResellerId | None = None
    services: tuple[ContractService, ...] = ()
    terms: Terms = Terms()  # noqa: RUF009  (frozen)
    past: tuple[PastTerms, ...] = ()
    phases: tuple[Phase, ...] = ()
    discounts: tuple[Discount, ...] = ()
    ending: Ending | None = None
    predecessor: ContractId | None = None
    successor: ContractId | None = None
    version: int = 1
    fields: Fields = ()

    @property
    def binds_from(self) -> date:
        """The day from which its binding is counted."""
        return self.terms.binding_from or self.start

    @property
    def anchor(self) -> date:
        """The day from which anniversaries are counted."""
        return self.terms.anchor or self.start

    def state_on(self, day: date) -> ContractState:
        """Return the state it was in on a day, as it is known now; a draft before its first phase."""
        if self.end is not None and day >= self.end:
            return ContractState.ENDED
        if not self.phases:
            held = ContractState.ACTIVE if self.state is ContractState.ENDED else self.state
            return held if day >= self.start else ContractState.DRAFT
        found = ContractState.DRAFT
        for phase in self.phases:
            if phase.start <= day:
                found = phase.state
        return found

    def free_stretches(self) -> Iterator[tuple[date | None, date | None]]:
        """Yield the days ``[start, end)`` on which nothing is paid: as a draft, or suspended where that is free."""
        if not self.phases:
            return
        yield None, self.phases[0].start
        for index, phase in enumerate(self.phases):
            until = self.phases[index + 1].start if index + 1 < len(self.phases) else None
            if phase.state is ContractState.DRAFT:
                yield phase.start, until
            elif phase.state is ContractState.SUSPENDED:
                yield from self._free_suspended(phase.start, until)

    def _free_suspended(self, start: date, end: date | None) -> Iterator[tuple[date, date | None]]:
        """Yield the days of a suspension that are free, each by the terms that held on it."""
        cuts = [one.until for one in self.past if start < one.until and (end is None or one.until < end)]
        for first, last in zip([start, *cuts], [*cuts, end], strict=True):
            if not self.terms_on(first).pays_suspended:
                yield first, last

    def stepped(self, state: ContractState, on: date) -> Contract:
        """Return it in another state from a day on; the phases after that day are no more.

        Refuses with: WrongState, BadValue (before the latest phase began).
        """
        check_step(self.state, state)
        if state is self.state:
            return self
        phases = self.phases or (Phase(start=min(self.start, on), state=self.state),)
        if on < phases[-1].start:
            raise BadValue("it became {state} on {day}", state=phases[-1].state, day=phases[-1].start, field="on")
        kept = tuple(phase for phase in phases if phase.start < on)
        if not kept or kept[-1].state is not state:
            kept = (*kept, Phase(start=on, state=state))
        return replace(self, state=state, phases=kept)

    def closed(self) -> Contract:
        """Return it as ended by its own end; one that never was more than a draft stays free."""
        draft = self.state is ContractState.DRAFT and not self.phases
        phases = (Phase(start=self.start, state=self.state),) if draft else self.phases
        return replace(self, state=ContractState.ENDED, phases=phases)

    def agreed(self, terms: Terms, price_list: str | None, on: date) -> Contract:
        """Return it with other terms from a day on. Refuses with: BadValue (before the latest change of terms)."""
        if (terms, price_list) == (self.terms, self.price_list):
            return self
        changed = replace(self, terms=terms, price_list=price_list)
        if on <= self.start or self.state is ContractState.DRAFT:
            return changed
        if self.past and on < self.past[-1].until:
            raise BadValue("the terms were changed on {day} already", day=self.past[-1].until, field="on")
        if self.past and on == self.past[-1].until:
            return changed
        return replace(changed, past=(*self.past, PastTerms(until=on, terms=self.terms, price_list=self.price_list)))

    def terms_on(self, day: date) -> Terms:
        """Return the terms of a day, as they are known now."""
        return next((one.terms for one in self.past if day < one.until), self.terms)

    def as_of(self, day: date) -> Contract:
        """Return how it looked on a day: its state, terms, discounts and services of that day, as known now."""
        held = next((one for one in self.past if day < one.until), None)
        return replace(
            self,
            state=self.state_on(day),
            terms=held.terms if held else self.terms,
            price_list=held.price_list if held else self.price_list,
            services=tuple(
                line for line in self.services if line.holds_on(day) and (self.end is None or day < self.end)
            ),
            discounts=tuple(one for one in self.discounts if one.start <= day and (one.end is None or day < one.end)),
            past=tuple(one for one in self.past if one.until <= day),
            phases=tuple(phase for phase in self.phases if phase.start <= day),
            ending=self.ending if self.ending and self.ending.noticed_on <= day else None,
            end=None if self.ending and day < self.ending.noticed_on else self.end,
        )


def check(contract: Contract) -> Contract:
    """Return the contract. Refuses with: BadValue, naming the field."""
    if not contract.number.strip() or len(contract.number) > 40:
        raise BadValue("a contract number has 1 to {most} characters", most=40, field="number")
    if contract.end is not None and contract.end <= contract.start:
        raise BadValue("a contract must end after it starts", field="end")
    if len(contract.services) > SERVICES_MAX:
        raise BadValue("a contract holds at most {most} services", most=SERVICES_MAX, field="services")
    seen: set[tuple[object, ...]] = set()
    for index, line in enumerate(contract.services):
        at = f"services.{index}"
        if line.quantity < 1 or line.quantity > 1_000_000:
            raise BadValue("a quantity is 1 to {most}", most=1_000_000, field=f"{at}.quantity")
        if line.end is not None and line.end <= line.start:
            raise BadValue("a service must end after it starts", field=f"{at}.end")
        for field, fee in (("oneTimeFee", line.one_time_fee), ("periodicFee", line.periodic_fee)):
            if fee is not None:
                check_fee(fee, field=f"{at}.{field}")
        if (line.service, line.start, line.subscription) in seen:
            raise BadValue("the same service stands twice from the same day; give a quantity", field=f"{at}.service")
        seen.add((line.service, line.start, line.subscription))
    check_terms(contract.terms)
    check_discounts(contract.discounts)
    return contract


def check_step(before: ContractState, after: ContractState) -> None:
    """Check a change of state. Refuses with: WrongState, naming what is possible."""
    if before is not after and after not in NEXT_STATES[before]:
        possible = ", ".join(sorted(NEXT_STATES[before])) or "nothing more"
        raise WrongState(
            "a contract that is {before} cannot become {after}; possible: {possible}",
            before=before,
            after=after,
            possible=possible,
            field="state",
        )
