"""Who is to be looked at again, and the job that does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from domain.ids import CustomerId
from domain.jobs.job import NewJob
from domain.ledger.entry import OWN, Entry

CHECK: Final = "credit_check"
NOTICE: Final = "credit_notice"
CHECKED_MAX: Final = 10  # customers of one job: a tenth of a second, after which its place is free for who is urgent
PRIORITY: Final = 90
# Whoever is only begun to be watched comes behind all that waits, also behind the orders that bar who passed a limit.
BEHIND: Final = -10


def owing(entries: Iterable[Entry]) -> set[CustomerId]:
    """Return the customers who owe more or less by what is booked."""
    return {
        entry.customer
        for entry in entries
        if entry.customer is not None and any(posting.account in OWN for posting in entry.postings)
    }


def unrated(currency: str, day: date) -> NewJob:
    """Return the job that tells once a day of a currency whose usage counts for nothing, as it has no rate."""
    return NewJob(kind=CHECK, payload={"unrated": currency}, dedupe=f"unrated:{currency}:{day}", priority=PRIORITY - 10)


def check_all(after: int = 0) -> NewJob:
    """Return the job that looks at everybody who is watched, some at a time."""
    return NewJob(kind=CHECK, payload={"after": after}, priority=BEHIND)


def checks(customers: Sequence[CustomerId], *, urgent: bool = True) -> Iterator[NewJob]:
    """Yield the jobs that look at customers; what passed a threshold goes before what was only begun to be watched."""
    for first in range(0, len(customers), CHECKED_MAX):
        some = list(customers[first : first + CHECKED_MAX])
        yield NewJob(kind=CHECK, payload={"customers": some}, priority=PRIORITY if urgent else BEHIND)
