"""Invoices drawn at random: every kind of document, line, rate and country of ours, with amounts that sum."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from domain.customers.customer import CustomerKind
from domain.ids import CustomerId, InvoiceId
from domain.invoicing.crediting import Wanted, credit
from domain.invoicing.invoice import (
    Invoice,
    Line,
    LineKind,
    Party,
    Payment,
    Unit,
    check,
    decimals_of,
    positioned,
    settle,
)
from domain.invoicing.lines import unit_price
from domain.invoicing.references import payment_reference
from domain.invoicing.vat import EXPORT, REVERSE_CHARGE, HomeRate, VatTreatment
from domain.money import round_to
from domain.operators import Address
from domain.period import Period
from tests.invoicing.made import issued

SELLERS = {
    "SE": (
        "5560747551",
        "SE556074755101",
        "0007:5560747551",
        {"bankgiro": "50501055", "iban": "SE4550000000058398257466"},
    ),
    "NO": ("988077917", "NO988077917MVA", "0192:988077917", {"iban": "NO9386011117947"}),
    "DK": ("13585628", "DK13585628", "0184:13585628", {"iban": "DK5000400440116243"}),
    "FI": ("20774740", "FI20774740", "0216:003720774740", {"iban": "FI2112345600000785"}),
    "DE": ("HRB 12345", "DE136695976", "9930:DE136695976", {"iban": "DE89370400440532013000"}),
    "NL": ("33031431", "NL123456782B90", "0106:33031431", {"iban": "NL91ABNA0417164300"}),
    "EE": ("12345678", "EE100931558", "0191:12345678", {"iban": "EE382200221020145685"}),
    "IS": ("4504013150", "IS00621", "0196:4504013150", {"iban": "IS140159260076545510730339"}),
    "BE": ("0202239951", "BE0202239951", "0208:0202239951", {"iban": "BE68539007547034"}),
}
BUYERS = {
    "SE": ("5567037485", "SE556703748501", "0007:5567037485"),
    "NO": ("923609016", "NO923609016MVA", "0192:923609016"),
    "DK": ("88146328", "DK88146328", "0088:5790000435951"),
    "FI": ("01120389", "FI01120389", "0216:003701120389"),
    "DE": ("HRB 6789", "DE129273398", "9930:DE129273398"),
    "NL": ("00000001823288444000", "NL001234567B01", "0190:00000001823288444000"),
    "EE": ("10421629", "EE100207415", "0191:10421629"),
    "IS": ("5902697199", "IS10117", "0196:5902697199"),
    "BE": ("0403170701", "BE0403170701", "0208:0403170701"),
}
CURRENCIES = {"SE": "SEK", "NO": "NOK", "DK": "DKK", "IS": "ISK"}
RATES = {
    "SE": (25, 12, 6),
    "NO": (25, 15, 12),
    "DK": (25,),
    "FI": (Decimal("25.5"), 14, 10),
    "DE": (19, 7),
    "NL": (21, 9),
    "EE": (24, 9),
    "IS": (24, 11),
    "BE": (21, 12, 6),
}
NAMES = (  # letters that are like others, and spaces that are none, on purpose
    "Åkerö & Söner <AB>",
    "Ø" * 180,
    "Bo Ek",
    "X",
    "]]> &amp; \"Q\" 'q'",
    "\u200bŁódź\u00a0Wrocław\u2028🐟",
    "  Tabb\tstopp\nrad  ",
    "Ελλάδα ЖКД 日本電信電話",
)
TEXTS = ("Samtal: Sverige mobil", "Abonnemang", "x" * 150, "5 < 6 && 7 > 6", "Rad\x0b1\x00\r\n2", "±½ €/min — 100 %")
ZERO = VatTreatment("Z", Decimal(0))
EXEMPT = VatTreatment("E", Decimal(0), None, "Undantag från moms")
OUTSIDE = VatTreatment("O", Decimal(0), "VATEX-EU-O", "Utanför moms")


def drawn(seed: int, country: str = "SE") -> Invoice:
    """Return an issued invoice or credit note of a seller in the country; the same for the same seed."""
    draw = random.Random(f"{country}{seed}")
    abroad = draw.random() < 0.2
    person = draw.random() < 0.3
    treatments = _treatments(draw, country, abroad=abroad, person=person)
    lines = positioned([_line(draw, treatments) for _ in range(draw.choice((1, 2, 5, 12, 40)))])
    own = CURRENCIES.get(country, "EUR")
    currency = draw.choice((own, own, "EUR", "USD"))
    places = decimals_of(currency)
    lines = tuple(replace(line, net=round_to(line.net, places)) for line in lines)
    totals = settle(((line.vat, line.net) for line in lines), decimals=places, whole=draw.random() < 0.5)
    if totals.total < 0:
        lines = tuple(replace(line, net=-line.net, quantity=-line.quantity) for line in lines)
        totals = settle(((line.vat, line.net) for line in lines), decimals=places)
    number, vat_id, endpoint, paid = SELLERS[country]
    other, other_vat, other_endpoint = BUYERS[
        draw.choice([one for one in BUYERS if one != country]) if abroad else country
    ]
    place = next(one for one, (_, known, _) in BUYERS.items() if known == other_vat)
    on = date(2026, 9, 1) + timedelta(days=draw.randrange(90))
    made = replace(
        issued(),
        id=InvoiceId(seed + 1),
        number=f"{draw.choice(('', 'F2026-'))}{100_000 + seed}",
        currency=currency,
        home=HomeRate(own, Decimal("11.0425"), on, "ECB") if currency != own and totals.vat_total else None,
        language=draw.choice(("sv", "nb", "da", "fi", "de", "en", "fr")),
        issued_on=on,
        due_on=on + timedelta(days=draw.choice((0, 10, 30))),
        seller=Party(
            name="Norrtel Telekom",
            address=Address("Storgatan 1", "1058", "Staden", country),
            identity_number=number,
            vat_id=vat_id,
            endpoint=endpoint,
            phone="+46850000000" if country == "DE" else draw.choice((None, "+46850000000")),
            email="faktura@norrtel.example" if country == "DE" else draw.choice((None, "faktura@norrtel.example")),
        ),
        payer=Party(
            name=draw.choice(NAMES),
            address=Address(draw.choice(("Verkstadsgatan 7", "7")), "97233", "Ås", place, draw.choice((None, "c/o Ö"))),
            kind=CustomerKind.PERSON if person else CustomerKind.ORGANISATION,
            number=str(1000 + seed),
            identity_number=None if person and place != "IS" else other,
            vat_id=None if person else other_vat,
            endpoint=other_endpoint,
            attention=draw.choice((None, "Eva Ek")),
        ),
        payment=Payment(terms_days=30, reference=payment_reference(country, str(100_000 + seed)), **paid),
        lines=lines,
        vat=totals.vat,
        net=totals.net,
        vat_total=totals.vat_total,
        rounding=totals.rounding,
        total=totals.total,
        buyer_reference=draw.choice((None, "Ref 7")),
        order_reference=draw.choice((None, "PO-1")),
        cost_centre=draw.choice((None, "4711")),
        replaces=draw.choice((None, None, None, "99998")),
    )
    check(made)
    if draw.random() < 0.3 and made.total > 0:
        note = credit(made, Wanted(on=made.issued_on))
        return replace(note, id=InvoiceId(seed + 2), number=f"9{seed}", payment=replace(note.payment, reference="1"))
    return made


def owed(country: str) -> Invoice:
    """Return an invoice of a seller in the country, in its own currency, of which something is to be paid."""
    own = CURRENCIES.get(country, "EUR")
    found = (drawn(seed, country) for seed in range(100))
    return next(one for one in found if one.currency == own and 0 < one.total < 1_000_000 and not one.credit)


def _treatments(draw: random.Random, country: str, *, abroad: bool, person: bool) -> list[VatTreatment]:
    rates = [VatTreatment("S", Decimal(rate)) for rate in RATES[country]]
    if abroad and not person:
        return [EXPORT if country in {"NO", "IS"} else REVERSE_CHARGE]
    if draw.random() < 0.1:
        return [OUTSIDE]
    chosen = rates[: draw.randint(1, len(rates))]
    if draw.random() < 0.1:
        chosen.append(ZERO)
    return [*chosen, EXEMPT] if draw.random() < 0.2 else chosen


def _line(draw: random.Random, treatments: list[VatTreatment]) -> Line:
    kind = draw.choice(("usage", "fee", "correction", "zero", "tiny", "huge"))
    sign = -1 if kind == "correction" else 1
    quantity = Decimal(draw.choice((1, 2, 30)))
    unit = Unit.PIECE
    net = sign * Decimal(draw.randint(1, 900_000)).scaleb(-2)
    if kind == "usage":
        quantity, unit = Decimal(draw.randint(1, 10**8)).scaleb(-3), draw.choice((Unit.MINUTE, Unit.MEGABYTE))
    if kind == "zero":
        net = Decimal("0.00")
    if kind == "tiny":
        quantity, net = Decimal(draw.randint(10**5, 10**8)), Decimal("0.01")
    if kind == "huge":
        quantity, net = Decimal(draw.randint(1, 10**7)), Decimal(draw.randint(1, 10**12)).scaleb(-2)
    begin = date(2026, 8, draw.randint(1, 20))
    return Line(
        position=1,
        kind=LineKind.USAGE if kind == "usage" else LineKind.PERIODIC,
        customer=CustomerId(draw.choice((10, 10, 11))),
        customer_name="Åkerö filial",
        text=draw.choice(TEXTS),
        quantity=sign * quantity,
        unit=unit,
        unit_price=unit_price(net, sign * quantity),
        net=net,
        vat=draw.choice(treatments),
        period=Period(begin, begin + timedelta(days=draw.randint(1, 12))),
        account="3041",
        contract_number=draw.choice((None, "A-1", "A-2")),
        label=draw.choice((None, "+46701740605")),
        events=draw.choice((None, 12)),
        corrects=draw.choice(("99999", "99997")) if kind == "correction" else None,
    )
