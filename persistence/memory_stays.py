"""Who pays for whom in a bill run, where that has changed, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.customers.place import own_place
from domain.customers.staying import Days, Stay, split, stays
from domain.ids import CustomerId
from domain.invoicing.bill_run import BillRun
from persistence.memory import Draft


def keep_stays(draft: Draft, run: BillRun) -> None:
    """Write down who pays for whom in a run, of those whose payer has changed before it ends."""
    dated = draft.table("customer_place")
    places = {one.id: dated.get(one.id) or [own_place(one)] for one in draft.seen("customer")}
    until = max(run.fees_until, run.period.end)
    found = [one for key in places for one in stays(key, places, (None, until))]
    draft.table("bill_run_stay")[run.id] = split(found)


def kept_stays(draft: Draft, run: BillRun) -> Sequence[Stay]:
    """Return who pays for whom in a run, of those for whom several pay."""
    found: Sequence[Stay] = draft.table("bill_run_stay").get(run.id, ())
    return found


def days_paid(
    draft: Draft, run: BillRun, payers: Sequence[CustomerId]
) -> Mapping[CustomerId, Mapping[CustomerId, Sequence[Days]]]:
    """Return the days that payers pay for, of the customers for whom others pay in a run, too."""
    found: dict[CustomerId, dict[CustomerId, list[Days]]] = defaultdict(lambda: defaultdict(list))
    for stay in kept_stays(draft, run):
        if stay.payer in payers:
            found[stay.payer][stay.customer].append((stay.since, stay.until))
    return found


def payer_at(draft: Draft, run: BillRun, customer: CustomerId, at: datetime) -> CustomerId | None:
    """Return who pays for a customer at an instant in a run; None where nobody else ever has."""
    zone = draft.table("operator")[run.operator].zone
    for stay in kept_stays(draft, run):
        begun = stay.since is None or midnight(stay.since, zone) <= at
        if stay.customer == customer and begun and (stay.until is None or at < midnight(stay.until, zone)):
            return stay.payer
    return None


def midnight(day: date, zone: str) -> datetime:
    """Return the instant at which a day begins in a zone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
