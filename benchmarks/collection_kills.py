"""Kill runs of collection at seeded moments, go on, and compare what was done with a run that nothing disturbed.

    python -m benchmarks.collection_kills [--seeds N] [--first SEED]

As ``benchmarks.bill_kills``, whose storms these are: one or two workers take the steps that are due of the same day,
and get SIGKILL or lose their connections. Steps, letters, claims, orders and ledger must then be those of an
undisturbed run: nobody is reminded twice, nothing is claimed twice, and the ledger ties.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from api.settings import Settings
from api.wiring import on_database
from benchmarks import bill_kills as storms
from domain.access.actor import Actor, system
from domain.collection.limits import ReferenceRate
from domain.collection.rules import Channel, CollectionRule, CollectionStep, StepKind
from domain.ids import CollectionRuleId, OperatorId
from domain.provisioning.order import Bar
from domain.usecases.ledger_reports import check_ledger
from domain.usecases.manage_collection import put_collection_rule, put_reference_rate
from domain.usecases.run_collection import RunCollection, run_collection
from persistence.engine import Database

BILLED: Final = storms.template
BILL: Final = storms.bill
# Days in their order: on each the next step of everybody is due.
DAYS: Final = (date(2026, 12, 10), date(2026, 12, 20), date(2026, 12, 30))
BOOKS: Final = {
    "runs": "select 1",
    "invoices": "select number, total::text from invoice order by number",
    "steps": "select c.number, i.number, s.position, s.kind, s.done_on::text, s.open_minor, s.fee_minor,"
    " s.interest_minor, cardinality(s.orders) from collection_step s join customer c on c.id = s.customer"
    " join invoice i on i.id = s.invoice order by 1, 2, 3",
    "letters": "select c.number, l.kind, l.channel, l.made_on::text, l.content - 'rows' from collection_letter l"
    " join customer c on c.id = l.customer order by 1, 4, 2",
    "claims": "select c.number, k.kind, k.amount_minor, k.claimed_on::text from claim k"
    " join customer c on c.id = k.customer order by 1, 4, 2",
    "orders": "select subscription, kind, reason, count(*) from network_order group by 1, 2, 3 order by 1, 2",
    "ledger": "select e.key, e.booked_on::text, e.customer, p.position, p.account, p.amount_minor from ledger_entry e"
    " join ledger_posting p using (operator) where p.entry = e.id order by e.key, p.position",
    "jobs": "select kind, count(*) from job where kind = 'collection_letter' group by 1",
}


@dataclass(frozen=True, slots=True)
class Still:
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        """Return the instant it stands at."""
        return self.at


def noon(day: date) -> Still:
    """Return the clock of a day."""
    return Still(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


async def template(url: str, folder: Path) -> int:
    """Make an operator who has billed a month, with rules and rates."""
    operator = await BILLED(url, folder)
    await BILL(url, operator, folder)
    async with await Database.open(url) as database:
        wiring = on_database(database, Settings(data_dir=folder))
        actor: Actor = system(OperatorId(operator), "kills")
        steps = (
            CollectionStep(kind=StepKind.REMINDER, days=5, fee=Decimal(60), interest=True, channel=Channel.EMAIL),
            CollectionStep(kind=StepKind.BAR, days=10, bars=(Bar.OUTGOING,), channel=Channel.NONE),
            CollectionStep(kind=StepKind.DEMAND, days=15, fee=Decimal(180), interest=True),
        )
        rule = CollectionRule(
            id=CollectionRuleId(0),
            operator=OperatorId(operator),
            name="all",
            currency="SEK",
            steps=steps,
            valid_from=date(2026, 1, 1),
            fees_agreed=True,
            version=0,
        )
        await put_collection_rule(rule, actor=actor, begin=wiring.begin, clock=noon(DAYS[0]))
        rate = ReferenceRate(country="SE", valid_from=date(2026, 7, 1), percent=Decimal(2), version=0)
        await put_reference_rate(rate, actor=actor, begin=wiring.begin)
    return operator


async def collect(url: str, operator: int, folder: Path) -> None:
    """Take the steps of all days that are not taken yet: what a worker does."""
    async with await Database.open(url, connections_max=4) as database:
        wiring = on_database(database, Settings(data_dir=folder))
        actor = system(OperatorId(operator), "kills")
        for day in DAYS:
            await run_collection(RunCollection(), actor=actor, begin=wiring.begin, clock=noon(day))
        assert await check_ledger(actor=actor, begin=wiring.begin) == []


def main() -> int:
    """Run the seeds; exit 1 when any differs."""
    parser = argparse.ArgumentParser(description="Kill runs of collection at random moments and compare what was done.")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    chosen = parser.parse_args()
    # The storm is the same; what is done, and what must be the same afterwards, are these.
    for name, one in (("template", template), ("bill", collect), ("BOOKS", BOOKS)):
        setattr(storms, name, one)
    began = time.monotonic()
    differing = storms.storm(chosen.first, chosen.seeds)
    seconds = round(time.monotonic() - began)
    print(json.dumps({"seeds": chosen.seeds, "seconds": seconds, "differing": differing}))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
