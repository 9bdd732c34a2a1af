"""The shelves of direct debits, refunds and agreements about paying."""

from __future__ import annotations

from typing import Final

from domain.access.actor import Actor
from domain.payments.claim import Claim
from domain.payments.debit import DebitOrder, DebitState, OrderFile
from domain.payments.debit_schedule import DebitSchedule
from domain.payments.handing_on import HandOn, Target
from domain.payments.instalments import InstalmentPlan
from domain.payments.mandate import LIVE, Mandate
from domain.payments.refund import Refund
from domain.payments.rules import KeptRules
from domain.payments.settlement import Settlement
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.shelf import Kept, MemoryShelf, ShelfStore

CLAIMS: Final = Kept(Claim, "claim", "claim")
SETTLEMENTS: Final = Kept(Settlement, "settlement", "settlement")
MANDATES: Final = Kept(
    Mandate, "mandate", "mandate", one=(("scheme", "payer_number"),), live={"state": frozenset(LIVE)}
)
FILES: Final = Kept(OrderFile, "order_file", "file of orders", one=(("format", "number"),))
DEBITS: Final = Kept(
    DebitOrder, "debit_order", "direct debit", one=(("invoice",),), live={"state": frozenset({DebitState.SENT})}
)
REFUNDS: Final = Kept(Refund, "refund", "refund")
PLANS: Final = Kept(InstalmentPlan, "instalment_plan", "instalment plan")
RULES: Final = Kept(KeptRules, "payment_rules", "set of rules", one=(("operator",),))
TARGETS: Final = Kept(Target, "payment_target", "target", one=(("name",),))
SCHEDULES: Final = Kept(DebitSchedule, "debit_schedule", "schedule of direct debits", one=(("scheme",),))
HAND_ONS: Final = Kept(HandOn, "payment_hand_on", "file that is handed on", one=(("target", "file"),))


class GiroStore:
    """Keeps ``domain.ports.giro.Giro``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self.claims = ShelfStore(transaction, actor, CLAIMS)
        self.settlements = ShelfStore(transaction, actor, SETTLEMENTS)
        self.mandates = ShelfStore(transaction, actor, MANDATES)
        self.files = ShelfStore(transaction, actor, FILES)
        self.debits = ShelfStore(transaction, actor, DEBITS)
        self.refunds = ShelfStore(transaction, actor, REFUNDS)
        self.plans = ShelfStore(transaction, actor, PLANS)
        self.rules = ShelfStore(transaction, actor, RULES)
        self.targets = ShelfStore(transaction, actor, TARGETS)
        self.schedules = ShelfStore(transaction, actor, SCHEDULES)
        self.hand_ons = ShelfStore(transaction, actor, HAND_ONS)


class MemoryGiro:
    """Keeps ``domain.ports.giro.Giro`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self.claims = MemoryShelf(draft, CLAIMS)
        self.settlements = MemoryShelf(draft, SETTLEMENTS)
        self.mandates = MemoryShelf(draft, MANDATES)
        self.files = MemoryShelf(draft, FILES)
        self.debits = MemoryShelf(draft, DEBITS)
        self.refunds = MemoryShelf(draft, REFUNDS)
        self.plans = MemoryShelf(draft, PLANS)
        self.rules = MemoryShelf(draft, RULES)
        self.targets = MemoryShelf(draft, TARGETS)
        self.schedules = MemoryShelf(draft, SCHEDULES)
        self.hand_ons = MemoryShelf(draft, HAND_ONS)
