"""What grants cost, as one-time fees of the contracts that they are charged to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from domain.buckets.grant import Grant
from domain.ids import ServiceId
from domain.invoicing.bill_run import FeeKey
from domain.invoicing.fees import DueFee, FeePart, Window
from domain.money import round_to
from domain.period import Period


def grant_fees(grants: Sequence[Grant], window: Window) -> Iterator[DueFee]:
    """Yield the fees of one contract's grants: those of one service, line and day together, each a part of it.

    No service on a contract is held from the day after a fee of its own, so that the key is never one of theirs.
    """
    found: defaultdict[tuple[ServiceId, date, int], list[Grant]] = defaultdict(list)
    for one in grants:
        if one.day is not None and one.service is not None and one.price and one.day >= window.earliest:
            kind, _, key = one.owner.partition(":")
            found[one.service, one.day, int(key) if kind == "subscription" else 0].append(one)
    for (service, day, line), bought in sorted(found.items(), key=lambda item: item[0]):
        contract = bought[0].contract
        assert contract is not None
        after = day + timedelta(days=1)
        parts = tuple(FeePart(Period(day, after), one.price, round_to(one.price, window.decimals)) for one in bought)
        key_of = FeeKey(contract, service, after, day, one_time=True, subscription=line)
        yield DueFee(key_of, 1, parts, due=day < window.period.end)
