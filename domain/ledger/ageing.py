"""How old what is owed is: by the days since it was due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from domain.ids import CustomerId

K = TypeVar("K", bound=Hashable)
BUCKETS: Final = ("not_due", "days_30", "days_60", "days_90", "older")
_BOUNDS: Final = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAmount:
    """What is open of an invoice (with the credit notes that name it) or of a claim, or in credit, in minor units.

    ``kind`` is invoice, credit_note, the claim's kind, or credit: what a customer has paid and nothing has taken.
    ``due_on`` None: of credit.
    """

    kind: str
    name: str
    customer: CustomerId
    currency: str
    open_minor: int
    due_on: date | None = None
    invoice: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """What is owed in one currency, in minor units, by the days since it was due; ``credit`` is negative."""

    currency: str
    not_due: int = 0
    days_30: int = 0
    days_60: int = 0
    days_90: int = 0
    older: int = 0
    credit: int = 0

    @property
    def overdue(self) -> int:
        """Return what should have been paid."""
        return self.days_30 + self.days_60 + self.days_90 + self.older

    @property
    def total(self) -> int:
        """Return what is owed in all."""
        return self.not_due + self.overdue + self.credit


def bucket(due_on: date, on: date) -> str:
    """Return the bucket of what was due on a day, when another ends.

    >>> [bucket(date(2026, 10, 31), day) for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 1))]
    ['not_due', 'days_30', 'days_60']
    """
    late = (on - due_on).days
    return next((name for name, bound in zip(BUCKETS, _BOUNDS, strict=False) if late <= bound), BUCKETS[-1])


def age(items: Iterable[OpenAmount], on: date, of: Callable[[OpenAmount], K]) -> dict[tuple[K, str], Ageing]:
    """Return the ageing of each thing that an item is of, and currency, on a day.

    What is owed to a customer is credit, whatever it comes from.
    """
    sums: dict[tuple[K, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for item in items:
        name = "credit" if item.open_minor < 0 or item.due_on is None else bucket(item.due_on, on)
        sums[of(item), item.currency][name] += item.open_minor
    return {key: Ageing(currency=key[1], **found) for key, found in sums.items()}
