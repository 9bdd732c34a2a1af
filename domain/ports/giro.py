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
    def claims(self) -> Shelf[Claim]: ...
    @property
    def settlements(self) -> Shelf[Settlement]: ...
    @property
    def mandates(self) -> Shelf[Mandate]: ...
    @property
    def files(self) -> Shelf[OrderFile]: ...
    @property
    def debits(self) -> Shelf[DebitOrder]: ...
    @property
    def refunds(self) -> Shelf[Refund]: ...
    @property
    def plans(self) -> Shelf[InstalmentPlan]: ...
    @property
    def rules(self) -> Shelf[KeptRules]: ...
    @property
    def targets(self) -> Shelf[Target]: ...
    @property
    def schedules(self) -> Shelf[DebitSchedule]: ...
    @property
    def hand_ons(self) -> Shelf[HandOn]: ...
