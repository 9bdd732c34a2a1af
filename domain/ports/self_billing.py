"""The store of whom the operator owes, and of the documents that he has written for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from domain.invoicing.invoice import DocumentKind
from domain.ports.page import Page, PageRequest
from domain.selfbilling.document import Answer, Commission, Owed, SelfBilled
from domain.selfbilling.supplier import Supplier


class SelfBilling(Protocol):
    """The operator's own; no reseller sees any of it."""

    async def suppliers(self) -> Sequence[Supplier]:
        """Return them by code."""
        ...

    async def hold(self) -> None:
        """Let whoever keeps suppliers follow one another until the unit ends, so that no two take the same trunk."""
        ...

    async def put(self, supplier: Supplier) -> Supplier:
        """Keep a new one (``id`` 0), or a changed one where the stored version is its own.

        Refuses with: Conflict (code), Stale, NotFound (reseller).
        """
        ...

    async def claim(self, code: str) -> Supplier:
        """Return one, held until the unit ends: one at a time writes his documents. Refuses with: NotFound."""
        ...

    async def horizon(self) -> int:
        """Return the last chunk of usage; every one up to it is there for good. The unit begins with ``bulk=True``."""
        ...

    async def owed(
        self, supplier: Supplier, *, since: datetime, start: datetime, until: datetime, horizon: int, zone: str
    ) -> Sequence[Owed]:
        """Add up what calls over his trunks cost in ``[since, until)`` and no document has; late: before ``start``."""
        ...

    async def commissions(self, supplier: Supplier, *, since: date, until: date) -> Sequence[Commission]:
        """Return the lines of his reseller of statements within days that no document has."""
        ...

    async def draw(self, supplier: Supplier, kind: DocumentKind) -> str:
        """Draw the next number of the supplier's series, which stays locked until the unit ends."""
        ...

    async def issue(self, document: SelfBilled) -> SelfBilled:
        """Keep a numbered document."""
        ...

    async def page(self, request: PageRequest, *, supplier: str | None = None) -> Page[SelfBilled]:
        """List documents by key."""
        ...

    async def issued(self, since: date, until: date) -> Sequence[SelfBilled]:
        """Return the documents dated in days, by key."""
        ...

    async def by_number(self, number: str, *, held: bool = True) -> SelfBilled:
        """Return one, held until the unit ends unless it is only looked at. Refuses with: NotFound."""
        ...

    async def correcting(self, document: SelfBilled) -> Sequence[SelfBilled]:
        """Return the documents with a line that corrects this one, by key: credit notes, and later ones."""
        ...

    async def release(self, document: SelfBilled) -> None:
        """Let what stands on a document be owed again. Refuses with: WrongState (a later one was made)."""
        ...

    async def answer(self, document: SelfBilled, answer: Answer, *, at: datetime, remark: str) -> None:
        """Keep what the supplier says of a document."""
        ...
