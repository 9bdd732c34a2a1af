"""Keeps ``domain.ports.ledger_papers.LedgerPapers``: PDF by ReportLab, tables as CSV, cases as JSON, XML and CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.collection.progress import CaseFormat, Letter, Message
from domain.customers.customer import Customer
from domain.invoicing.invoice import Invoice
from domain.operators import Operator
from domain.usecases.ledger_reports import AccountStatement, AgedReceivables
from integrations.ledger.case_files import case_file
from integrations.ledger.letter_ehf import letter_ehf
from integrations.ledger.letter_pdf import draw_letter, letter_text
from integrations.ledger.statement_pdf import draw_statement
from integrations.ledger.tables import ageing_csv, statement_csv


class PrintedPapers:
    """Papers in the plain brand."""

    def statement_pdf(self, statement: AccountStatement) -> bytes:
        """Return a statement of account as PDF."""
        return draw_statement(statement)

    def statement_csv(self, statement: AccountStatement, *, language: str) -> bytes:
        """Return a statement of account as CSV."""
        return statement_csv(statement, language)

    def ageing_csv(self, aged: AgedReceivables, *, language: str) -> bytes:
        """Return an ageing report as CSV."""
        return ageing_csv(aged, language)

    def letter_pdf(self, letter: Letter, customer: Customer, operator: Operator) -> bytes:
        """Return a letter of collection as PDF."""
        return draw_letter(letter, customer, operator)

    def letter_ehf(self, letter: Letter, row: Mapping[str, Any], invoice: Invoice) -> bytes:
        """Return what a letter says of one of its invoices as EHF's reminder."""
        return letter_ehf(letter, row, invoice)

    def letter_text(self, letter: Letter, operator: Operator) -> tuple[str, str, str]:
        """Return a letter's subject, its text for a mail, and its text for a phone."""
        return letter_text(letter, operator)

    def case_file(self, message: Message, form: CaseFormat) -> tuple[str, bytes]:
        """Return a message of a case as a file."""
        return case_file(message, form)
