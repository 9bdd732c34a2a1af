"""A quote on paper: what is offered, its sums with VAT, in the customer's language and the seller's look."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from domain.contracts.service import BundlePart, CountryTax
from domain.contracts.terms import Discount, DiscountOn, Terms
from domain.customers.customer import CustomerKind
from domain.ids import QuoteId, ServiceId
from domain.invoicing.invoice import Look
from domain.operators import Address
from domain.quotes.offer import Offer, offer
from domain.quotes.quote import Quote, QuoteLine, QuoteState
from domain.refusal import BadValue
from integrations.printing.documents import InvoiceDocuments
from integrations.printing.quote_words import QUOTE_WORDS
from tests.invoicing.made import MOBILE, OPERATOR, PAYER, SWITCHBOARD

D = Decimal
SENT = date(2026, 11, 2)
BUNDLE = replace(
    MOBILE, id=ServiceId(3), code="B", name="Kontorspaket", periodic_fee=D(900), one_time_fee=D(0), interval_months=3,
    parts=(BundlePart(service=SWITCHBOARD.id), BundlePart(service=MOBILE.id, quantity=2, one_time_fee=None)),
)  # fmt: skip
SERVICES = {one.id: one for one in (MOBILE, SWITCHBOARD, BUNDLE)}
QUOTE = Quote(
    id=QuoteId(1),
    operator=OPERATOR.id,
    customer=PAYER.id,
    number="Q1001",
    valid_until=date(2026, 12, 2),
    state=QuoteState.SENT,
    sent_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
    lines=(
        QuoteLine(service=MOBILE.id, quantity=5, one_time_fee=D(49), periodic_fee=D("149.50")),
        QuoteLine(service=BUNDLE.id, one_time_fee=D(0), periodic_fee=D(900)),
    ),
    terms=Terms(binding_months=24, notice_months=1, conditions="Allmänna villkor 2026 gäller."),
    text="Tack för ett trevligt möte.",
)


def made(quote: Quote = QUOTE, **more: Any) -> Offer:
    said = {"operator": OPERATOR, "customer": PAYER, "look": None, "on": SENT} | more
    return offer(quote, SERVICES, **said)


def pages(one: Offer, logo: bytes | None = None) -> list[str]:
    data = InvoiceDocuments().quote(one, logo=logo)
    return [page.extract_text().replace("\xa0", " ") for page in PdfReader(io.BytesIO(data)).pages]


def test_what_the_customer_wants_to_know_stands_on_one_page():
    (text,) = pages(made())
    for wanted in (
        "Offert", "Q1001", "2026-11-02", "Giltig till och med", "2026-12-02", "Norrtel Telekom AB", "556074-7551",
        "Åkerö Snickeri & Bygg AB", "972 33 Luleå", "24 månader", "1 månad", "Tack för ett trevligt möte.",
        "Mobil Företag", "Kontorspaket", "– Växel, ingår", "3 mån", "Allmänna villkor 2026 gäller.",
        "Vi antar offerten",
        # Once 5 and 2 at 49: 343.00 and 85.75; per month 747.50 and 300: 1 047.50 and 261.88.
        "343,00", "85,75", "428,75", "747,50", "300,00", "1 047,50", "261,88", "1 309,38",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert "Utkast" not in text.title()


def test_a_draft_says_so_and_leaves_no_room_to_sign():
    (text,) = pages(made(replace(QUOTE, state=QuoteState.DRAFT, sent_at=None)))
    assert "Offert (utkast)" in text
    assert "Vi antar offerten" not in text


def test_prices_that_are_not_fixed_are_those_of_the_service():
    (line,) = made(replace(QUOTE, lines=(QuoteLine(service=MOBILE.id, quantity=2),))).lines
    assert (line.one_time_fee, line.periodic_fee, line.once, line.monthly) == (49, D("199.00"), D(98), D(398))


def test_vat_is_that_of_the_customer():
    abroad = replace(PAYER, address=Address("Karl Johans gate 1", "0154", "Oslo", "NO"), language="nb")
    (text,) = pages(made(customer=abroad))
    assert made(customer=abroad).monthly.vat_total == 0
    assert "Tilbud" in text
    doubtful = replace(PAYER, address=Address("Street 1", "1", "Berlin", "DE"), vat_id=None)
    with pytest.raises(BadValue):
        made(customer=doubtful)
    finland = replace(MOBILE, countries=(CountryTax(country="FI", vat_category="S", vat_percent=D("25.5")),))
    person = replace(PAYER, kind=CustomerKind.PERSON, address=Address("Tie 1", "00100", "Helsinki", "FI"))
    told = offer(
        replace(QUOTE, lines=QUOTE.lines[:1]), {MOBILE.id: finland}, operator=OPERATOR, customer=person, look=None,
        on=SENT,
    )  # fmt: skip
    assert told.monthly.vat_total == D("190.61")


def test_discounts_are_told_in_words():
    discounts = (
        Discount(start=date(2026, 12, 1), end=date(2027, 3, 1), percent=D(10), text="Välkommen"),
        Discount(start=date(2026, 12, 1), amount=D(20), on=DiscountOn.ONE_TIME, service=MOBILE.id),
    )
    (text,) = pages(made(replace(QUOTE, discounts=discounts)))
    assert "Välkommen, 10 % på periodiska avgifter, från 2026-12-01 till och med 2027-02-28" in text
    assert "20,00 SEK på engångsavgifter, Mobil Företag, från 2026-12-01" in text
    assert "före rabatter" in text


def test_it_looks_as_its_seller_wants():
    out = io.BytesIO()
    Image.new("RGB", (40, 20), (170, 0, 17)).save(out, "PNG")
    look = Look(accent="#AA0011", logo="0" * 64, note="Välkommen till East")
    data = InvoiceDocuments().quote(made(look=look), logo=out.getvalue())
    (page,) = PdfReader(io.BytesIO(data)).pages
    assert "Välkommen till East" in page.extract_text()
    assert len(page.images) == 1


def test_many_lines_go_on_behind_and_every_page_says_whose_it_is():
    lines = tuple(QuoteLine(service=BUNDLE.id, quantity=count) for count in range(1, 41))
    found = pages(made(replace(QUOTE, lines=lines)))
    assert len(found) > 2
    assert all("Q1001" in text and f"{index} av" in text for index, text in enumerate(found, 1))


@pytest.mark.parametrize("language", sorted(QUOTE_WORDS))
def test_every_language_has_every_word(language: str):
    assert QUOTE_WORDS[language].keys() == QUOTE_WORDS["en"].keys()
    discounts = (
        Discount(start=date(2026, 12, 1), percent=D(10)),
        Discount(start=SENT, end=SENT.replace(day=9), amount=D(1)),
    )
    (text,) = pages(made(replace(QUOTE, discounts=discounts), customer=replace(PAYER, language=language)))
    assert QUOTE_WORDS[language]["quote"] in text
    assert "?" not in text
