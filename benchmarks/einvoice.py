"""``tollwright bench einvoice``: documents written, checked and printed per second of one core's time.

CPU time, since the machine may have other work; the rules run in a process of their own, whose time is counted too.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from api import settings
from domain.ids import CustomerId, InvoiceId, OperatorId
from domain.invoicing.invoice import DocumentKind, Invoice, Line, LineKind, Party, Payment, Unit, settle
from domain.invoicing.lines import unit_price
from domain.invoicing.vat import VatTreatment
from domain.operators import Address
from domain.period import Period
from integrations.einvoice import finvoice, oioubl, peppol
from integrations.einvoice.rules import Checker
from integrations.printing.documents import InvoiceDocuments

LINES: Final = 16
SECONDS: Final = 3.0
_TICK: Final = os.sysconf("SC_CLK_TCK")
_DANISH: Final = ("13585628", "DK13585628", "0184:13585628")


def sample(lines: int = LINES) -> Invoice:
    """Return an invoice of a Swedish seller with so many lines of usage and fees."""
    vat = VatTreatment("S", Decimal(25))
    made = []
    for place in range(1, lines + 1):
        net, quantity = Decimal(100 * place + 37).scaleb(-2), Decimal(place * 17).scaleb(-1)
        made.append(
            Line(
                position=place,
                kind=LineKind.USAGE,
                customer=CustomerId(1),
                customer_name="Åkerö Snickeri & Bygg AB",
                text=f"Samtal: Zon {place}",
                quantity=quantity,
                unit=Unit.MINUTE,
                unit_price=unit_price(net, quantity),
                net=net,
                vat=vat,
                period=Period(date(2026, 10, 1), date(2026, 11, 1)),
                account="3041",
                contract_number="A-100",
                label="+46701740605",
                events=place,
            )
        )
    totals = settle((line.vat, line.net) for line in made)
    address = Address("Storgatan 1", "111 22", "Stockholm", "SE")
    return Invoice(
        id=InvoiceId(1),
        operator=OperatorId(1),
        run=None,
        kind=DocumentKind.INVOICE,
        number="100001",
        customer=CustomerId(1),
        reseller=None,
        currency="SEK",
        period=Period(date(2026, 10, 1), date(2026, 11, 1)),
        issued_on=date(2026, 11, 1),
        due_on=date(2026, 12, 1),
        seller=Party(
            name="Norrtel AB",
            address=address,
            identity_number="5560747551",
            vat_id="SE556074755101",
            endpoint="0007:5560747551",
        ),
        payer=Party(
            name="Åkerö Snickeri & Bygg AB",
            address=address,
            number="1010",
            identity_number="5567037485",
            vat_id="SE556703748501",
            endpoint="0007:5567037485",
        ),
        payment=Payment(terms_days=30, bankgiro="50501055", iban="SE4550000000058398257466", reference="10000180"),
        lines=tuple(made),
        vat=totals.vat,
        net=totals.net,
        vat_total=totals.vat_total,
        rounding=totals.rounding,
        total=totals.total,
    )


def run(tell: Callable[[str], None]) -> None:
    """Measure each format and tell its rates."""
    invoice = sample()
    number, vat_id, endpoint = _DANISH
    danish = replace(invoice.seller, identity_number=number, vat_id=vat_id, endpoint=endpoint)
    danish = replace(danish, address=replace(danish.address, country="DK"))
    in_denmark = replace(invoice, currency="DKK", seller=danish)
    made: dict[str, Callable[[], bytes]] = {
        "peppol": lambda: peppol.encode(invoice),
        "oioubl": lambda: oioubl.encode(in_denmark),
        "finvoice": lambda: finvoice.encode(invoice),
    }
    rules = settings.read().einvoice_rules
    with Checker(rules, rules_may_miss=True) as checker:
        for name, write in made.items():
            document = write()
            found = [finding.rule for finding in checker.check(document)]
            checked = _rate(functools.partial(checker.check, document), checker)
            by = "the publishers' rules" if rules else "schema and EN 16931 alone"
            tell(f"  {name}: {_rate(write)} written/s, {checked} checked/s by {by}, {len(found)} broken, {LINES} lines")
    documents = InvoiceDocuments()
    pages = documents.pages(documents.pdf(invoice, [], zone="Europe/Stockholm"))
    tell(f"  pdf: {pages * _rate(lambda: _printed(documents, invoice))} pages/s, {pages} pages each")


def _printed(documents: InvoiceDocuments, invoice: Invoice) -> bytes:
    return documents.pdf(invoice, [], zone="Europe/Stockholm")


def _rate(work: Callable[[], object], checker: Checker | None = None) -> int:
    """Return how often the work is done in a second of CPU time."""
    work()
    began, times = _cpu(checker), 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        work()
        times += 1
    return round(times / max(_cpu(checker) - began, 1e-6))


def _cpu(checker: Checker | None) -> float:
    own = time.process_time()
    worker = checker.worker if checker is not None else None
    if worker is None:
        return own
    fields = Path(f"/proc/{worker}/stat").read_text("ascii").rpartition(")")[2].split()
    return own + (int(fields[11]) + int(fields[12])) / _TICK
