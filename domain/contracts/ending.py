"""When a contract can end at the earliest, how long it binds, and what leaving early costs.

A notice given on day N ends the contract ``notice_months`` later at the earliest, on the same day of the month or that
month's last. Until then its fees run on. Whoever leaves before the binding is over pays what was left of it as a
one-time fee (a supply of its own kind is not made, but VAT is due: CJEU C-295/17, MEO).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from domain.contracts.contract import Contract
from domain.contracts.terms import Ending, Renewal
from domain.period import later
from domain.refusal import BadValue

RENEWALS_MAX: Final = 2400


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notice leads to: the days it is possible from and free from, and until when the customer is bound."""

    noticed_on: date
    earliest: date
    free_from: date
    bound_until: date | None


def notice(contract: Contract, noticed_on: date) -> Notice:
    """Return what a notice on a day leads to.

    A renewal binds anew unless notice was given its months before the binding is over.
    """
    terms = contract.terms
    earliest = max(later(noticed_on, terms.notice_months), date.fromordinal(contract.start.toordinal() + 1))
    if not terms.binding_months:
        return Notice(noticed_on=noticed_on, earliest=earliest, free_from=earliest, bound_until=None)
    bound = later(contract.binds_from, terms.binding_months)
    if terms.renewal is Renewal.RENEW:
        for count in range(1, RENEWALS_MAX):
            if earliest <= bound:
                break
            bound = later(contract.binds_from, terms.binding_months + count * terms.renewal_months)
    return Notice(noticed_on=noticed_on, earliest=earliest, free_from=max(earliest, bound), bound_until=bound)


def ended(contract: Contract, noticed_on: date, end: date | None, *, free: bool = False) -> Contract:
    """Return the contract as it ends: on ``end``, or (None) as soon as it costs nothing; ``free`` waives what is left.

    Its state is left as it is. Refuses with: BadValue (before the notice is over).
    """
    told = notice(contract, noticed_on)
    day = told.free_from if end is None else end
    if day < told.earliest:
        raise BadValue("with notice on {noticed} it ends on {day} at the earliest", noticed=noticed_on,
                       day=told.earliest, field="end")  # fmt: skip
    share = contract.terms.binding_share
    left = told.bound_until if told.bound_until and day < told.bound_until and share and not free else None
    return replace(contract, end=day, ending=Ending(noticed_on=noticed_on, end=day, bound_until=left, share=share))
