"""What turns the ledger and collection into documents that leave: made again at any time, and changing nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from domain.collection.progress import CaseFormat, Letter, Message
from domain.customers.customer import Customer
from domain.invoicing.invoice import Invoice
from domain.operators import Operator
from domain.usecases.ledger_reports import AccountStatement, AgedReceivables


class LedgerPapers(Protocol):
    """Makes documents. Pure and slow: a server calls them in a thread."""

    def statement_pdf(self, statement: AccountStatement) -> bytes:
        """Return a statement of account as PDF, in the customer's language."""
        ...

    def statement_csv(self, statement: AccountStatement, *, language: str) -> bytes:
        """Return a statement of account as CSV, its headers in a language."""
        ...

    def ageing_csv(self, aged: AgedReceivables, *, language: str) -> bytes:
        """Return an ageing report as CSV, its headers in a language."""
        ...

    def letter_pdf(self, letter: Letter, customer: Customer, operator: Operator) -> bytes:
        """Return a letter of collection as PDF, in the language it was written in."""
        ...

    def letter_ehf(self, letter: Letter, row: Mapping[str, Any], invoice: Invoice) -> bytes:
        """Return what a letter says of one of its invoices as EHF's reminder. Refuses with: BadValue."""
        ...

    def letter_text(self, letter: Letter, operator: Operator) -> tuple[str, str, str]:
        """Return a letter's subject, its text for a mail, and its text for a phone."""
        ...

    def case_file(self, message: Message, form: CaseFormat) -> tuple[str, bytes]:
        """Return a message of a case as a file: its name and content."""
        ...
