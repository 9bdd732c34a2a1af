"""The shelves of collection, in PostgreSQL and in memory."""

from __future__ import annotations

from typing import Final

from domain.access.actor import Actor
from domain.collection.limits import LegalLimit, ReferenceRate
from domain.collection.progress import Agency, Case, DoneStep, Hold, Letter, Message
from domain.collection.rules import CollectionRule
from persistence.engine import Transaction
from persistence.memory import Draft
from persistence.shelf import Kept, MemoryShelf, ShelfStore

LIMITS: Final = Kept(
    LegalLimit, "legal_limit", "legal limit", one=(("country", "kind", "customer_kind", "valid_from"),)
)
RATES: Final = Kept(ReferenceRate, "reference_rate", "reference rate", one=(("country", "valid_from"),))
RULES: Final = Kept(CollectionRule, "collection_rule", "collection rule", one=(("name", "valid_from"),))
AGENCIES: Final = Kept(Agency, "collection_agency", "collection agency", one=(("name",),))
STEPS: Final = Kept(
    DoneStep, "collection_step", "step of collection", one=(("invoice", "position", "ended_at"), ("invoice", "done_on"))
)
LETTERS: Final = Kept(
    Letter, "collection_letter", "letter of collection", one=(("customer", "made_on", "kind", "currency"),)
)
HOLDS: Final = Kept(Hold, "collection_hold", "hold of collection")
CASES: Final = Kept(Case, "collection_case", "collection case")
MESSAGES: Final = Kept(Message, "collection_message", "message of a case", one=(("of_case", "number"),))


class CollectionStore:
    """Keeps ``domain.ports.collection.Collection``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self.limits = ShelfStore(transaction, actor, LIMITS)
        self.rates = ShelfStore(transaction, actor, RATES)
        self.rules = ShelfStore(transaction, actor, RULES)
        self.agencies = ShelfStore(transaction, actor, AGENCIES)
        self.steps = ShelfStore(transaction, actor, STEPS)
        self.letters = ShelfStore(transaction, actor, LETTERS)
        self.holds = ShelfStore(transaction, actor, HOLDS)
        self.cases = ShelfStore(transaction, actor, CASES)
        self.messages = ShelfStore(transaction, actor, MESSAGES)


class MemoryCollection:
    """Keeps ``domain.ports.collection.Collection`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self.limits = MemoryShelf(draft, LIMITS)
        self.rates = MemoryShelf(draft, RATES)
        self.rules = MemoryShelf(draft, RULES)
        self.agencies = MemoryShelf(draft, AGENCIES)
        self.steps = MemoryShelf(draft, STEPS)
        self.letters = MemoryShelf(draft, LETTERS)
        self.holds = MemoryShelf(draft, HOLDS)
        self.cases = MemoryShelf(draft, CASES)
        self.messages = MemoryShelf(draft, MESSAGES)
