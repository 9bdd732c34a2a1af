"""The desk of collection: a shelf for each kind of row."""

from __future__ import annotations

from typing import Protocol

from domain.collection.limits import LegalLimit, ReferenceRate
from domain.collection.progress import Agency, Case, DoneStep, Hold, Letter, Message
from domain.collection.rules import CollectionRule
from domain.ports.shelf import Shelf


class Collection(Protocol):
    """Shelves of the operator; a reseller's unit sees nothing on them."""

    @property
    def limits(self) -> Shelf[LegalLimit]: ...  # noqa: D102  (each shelf's rows say what it is)
    @property
    def rates(self) -> Shelf[ReferenceRate]: ...  # noqa: D102
    @property
    def rules(self) -> Shelf[CollectionRule]: ...  # noqa: D102
    @property
    def agencies(self) -> Shelf[Agency]: ...  # noqa: D102
    @property
    def steps(self) -> Shelf[DoneStep]: ...  # noqa: D102
    @property
    def letters(self) -> Shelf[Letter]: ...  # noqa: D102
    @property
    def holds(self) -> Shelf[Hold]: ...  # noqa: D102
    @property
    def cases(self) -> Shelf[Case]: ...  # noqa: D102
    @property
    def messages(self) -> Shelf[Message]: ...  # noqa: D102
