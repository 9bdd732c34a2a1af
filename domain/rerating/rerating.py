"""A re-rating: which events it looks at, how far it has come, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import ContractId, CustomerId, OperatorId, ReratingId, SubscriptionId


class Reason(StrEnum):
    """Why events are rated again."""

    LATE_PRICE = "late_price"
    WRONG_PRICE = "wrong_price"
    CHANGED_CONTRACT = "changed_contract"
    SETTLEMENT = "settlement"  # nobody asks for it: draws came out of order


class ReratingState(StrEnum):
    """Running (a crash leaves it there; the same command continues it) → done."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Events with ``since <= start < until``, as they are rated now; None: any.

    ``price_list`` priced the event on some level. ``unrated``: only events in suspense for this reason.
    What is in suspense is chosen by what it would become, since it has neither customer nor price before.
    """

    since: datetime
    until: datetime
    customer: CustomerId | None = None
    contract: ContractId | None = None
    subscription: SubscriptionId | None = None
    destination: str | None = None
    price_list: str | None = None
    source: str | None = None
    unrated: str | None = None

    def told(self) -> dict[str, object]:
        """Return it as JSON data without what is None."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        return found | {"since": self.since.isoformat(), "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was looked at and what came of it: ``examined = same + changed + unpriced``, ``held = released + still``.

    ``unpriced``: rated events that would have no price now, by reason; they stay as they are. ``moved``: of the
    changed, those that are another customer's now. ``still``: by reason. ``passed``: in suspense, and would become
    what was not asked for. ``amounts``: of what changed or was released, per level and currency (``retail SEK``) the
    micro-units before and after.
    """

    examined: int = 0
    same: int = 0
    changed: int = 0
    moved: int = 0
    unpriced: Mapping[str, int] = field(default_factory=dict)
    held: int = 0
    released: int = 0
    passed: int = 0
    still: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        """Add up two parts of one run."""
        return Tally(
            examined=self.examined + other.examined,
            same=self.same + other.same,
            changed=self.changed + other.changed,
            moved=self.moved + other.moved,
            unpriced=_counts(self.unpriced, other.unpriced),
            held=self.held + other.held,
            released=self.released + other.released,
            passed=self.passed + other.passed,
            still=_counts(self.still, other.still),
            amounts={
                name: (
                    self.amounts.get(name, (0, 0))[0] + other.amounts.get(name, (0, 0))[0],
                    self.amounts.get(name, (0, 0))[1] + other.amounts.get(name, (0, 0))[1],
                )
                for name in sorted({**self.amounts, **other.amounts})
            },
        )

    def balances(self) -> bool:
        """Tell whether everything that was looked at ended in one place."""
        rated = self.same + self.changed + sum(self.unpriced.values())
        return self.examined == rated and self.held == self.released + self.passed + sum(self.still.values())


Position = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerating:
    """A run. ``position``: start in µs, source and key of the last event looked at; ``held``: the last in suspense."""

    id: ReratingId
    operator: OperatorId
    reason: Reason
    selection: Selection
    client: str
    state: ReratingState
    created_at: datetime
    finished_at: datetime | None = None
    position: Position | None = None
    held: int = 0
    tally: Tally = field(default_factory=Tally)


def _counts(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: before.get(name, 0) + more.get(name, 0) for name in sorted({**before, **more})}
