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
    def limits(self) -> Shelf[LegalLimit]: ...
    @property
    def rates(self) -> Shelf[ReferenceRate]: ...
    @property
    def rules(self) -> Shelf[CollectionRule]: ...
    @property
    def agencies(self) -> Shelf[Agency]: ...
    @property
    def steps(self) -> Shelf[DoneStep]: ...
    @property
    def letters(self) -> Shelf[Letter]: ...
    @property
    def holds(self) -> Shelf[Hold]: ...
    @property
    def cases(self) -> Shelf[Case]: ...
    @property
    def messages(self) -> Shelf[Message]: ...
