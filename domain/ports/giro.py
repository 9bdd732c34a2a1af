"""The desk of direct debits, refunds and agreements about paying: a shelf for each."""

from __future__ import annotations

from typing import Protocol

from domain.payments.claim import Claim
from domain.payments.debit import DebitOrder, OrderFile
from domain.payments.debit_schedule import DebitSchedule
from domain.payments.handing_on import HandOn, Target
from domain.payments.instalments import InstalmentPlan
from domain.payments.mandate import Mandate
from domain.payments.refund import Refund
from domain.payments.rules import KeptRules
from domain.payments.settlement import Settlement
from domain.ports.shelf import Shelf


class Giro(Protocol):
    """Shelves of the operator; a reseller's unit sees nothing on them."""

    @property
    def claims(self) -> Shelf[Claim]: ...  # noqa: D102  (each shelf's rows say what it is)
    @property
    def settlements(self) -> Shelf[Settlement]: ...  # noqa: D102
    @property
    def mandates(self) -> Shelf[Mandate]: ...  # noqa: D102
    @property
    def files(self) -> Shelf[OrderFile]: ...  # noqa: D102
    @property
    def debits(self) -> Shelf[DebitOrder]: ...  # noqa: D102
    @property
    def refunds(self) -> Shelf[Refund]: ...  # noqa: D102
    @property
    def plans(self) -> Shelf[InstalmentPlan]: ...  # noqa: D102
    @property
    def rules(self) -> Shelf[KeptRules]: ...  # noqa: D102
    @property
    def targets(self) -> Shelf[Target]: ...  # noqa: D102
    @property
    def schedules(self) -> Shelf[DebitSchedule]: ...  # noqa: D102
    @property
    def hand_ons(self) -> Shelf[HandOn]: ...  # noqa: D102
