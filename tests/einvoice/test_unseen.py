"""Documents of kinds that no sample shows, by the publishers' rules; and every rule of theirs has a cause."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from domain.customers.customer import CustomerKind
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
from domain.invoicing.vat import EXPORT, REVERSE_CHARGE, HomeRate, VatTreatment
from domain.operators import Address
from domain.refusal import BadValue
from integrations.einvoice import finvoice, oioubl, peppol
from integrations.einvoice.causes import _ELSE, cause_of
from integrations.einvoice.findings import FATAL, WARNING, Finding
from integrations.einvoice.rules import Checker
from tests.einvoice.drawn import EXEMPT, OUTSIDE, ZERO, owed

pytestmark = pytest.mark.shared

FULL, MIDDLE, LOW = (VatTreatment("S", Decimal(rate)) for rate in (25, 12, 6))
GOODS_ABROAD = VatTreatment("K", Decimal(0), "VATEX-EU-IC", "Unionsintern leverans")
TAUGHT = VatTreatment("E", Decimal(0), "VATEX-EU-132-1I", "Undervisning")
DANISH = VatTreatment("S", Decimal(25), country="DK")
SEK = HomeRate("SEK", Decimal("10.1234"), date(2026, 9, 1), "Riksbanken")
# Buyers of countries whose sellers are not drawn: name of the country's register, VAT id, address in the network.
ABROAD = {
    "FR": ("552081317", "FR03552081317", "0009:55208131766522"),
    "IT": ("00905811006", "IT00905811006", "0211:IT00905811006"),
    "IS": ("5902697199", "IS10117", "0196:5902697199"),
    "NL": ("33031431", "NL001234567B01", "0106:33031431"),
    "DE": ("HRB 6789", "DE129273398", "9930:DE129273398"),
}


@pytest.fixture(scope="module")
def checker(shared):
    with Checker(shared / "data" / "einvoice" / "rules") as one:
        yield one


def line(net: str, vat: VatTreatment = FULL, quantity: int | str = 1, **changes) -> Line:
    amount, count = Decimal(net), Decimal(quantity)
    priced = unit_price(amount, count) if count else Decimal(0)
    fields = {"unit": Unit.PIECE, "corrects": None, "label": None, **changes}
    return replace(
        owed("SE").lines[0], kind=LineKind.MANUAL, net=amount, vat=vat, quantity=count, unit_price=priced, **fields
    )


def made(*lines: Line, whole: bool = False, **changes) -> Invoice:
    numbered = positioned(lines)
    base = owed("SE")
    places = decimals_of(changes.get("currency", base.currency))
    sums = settle(((one.vat, one.net) for one in numbered), decimals=places, whole=whole)
    return check(
        replace(
            base,
            lines=numbered,
            vat=sums.vat,
            net=sums.net,
            vat_total=sums.vat_total,
            rounding=sums.rounding,
            total=sums.total,
            replaces=None,
            **changes,
        )
    )


def of(country: str) -> Party:
    number, vat_id, endpoint = ABROAD[country]
    return Party(
        name="Société Générale de Téléphonie & Cie",
        address=Address("Rue de la Paix 7", "75002", "Paris", country, "Bâtiment B"),
        kind=CustomerKind.ORGANISATION,
        number="4711",
        identity_number=number,
        vat_id=vat_id,
        endpoint=endpoint,
    )


CASES = {
    "five hundred lines": lambda: made(
        *(line(f"{n}.37", (FULL, MIDDLE, LOW)[n % 3], n + 1, label=f"+4670{n:07d}") for n in range(500))
    ),
    "nothing to pay": lambda: made(line("10.00"), line("-10.00")),
    "more back than charged": lambda: made(line("10.00"), line("-50.00", quantity=5)),
    "a line of nothing": lambda: made(line("0.00", quantity=0), line("5.00")),
    "rounded up": lambda: made(line("99.60", LOW), whole=True),
    "rounded down": lambda: made(line("10.20", LOW), whole=True),
    "outside VAT": lambda: made(line("60.00", OUTSIDE)),
    "exempt beside taxed": lambda: made(line("60.00", EXEMPT), line("5.00")),
    "exempt by two laws": lambda: made(line("60.00", EXEMPT), line("5.00", TAUGHT), line("1.00")),
    "one rate of two countries": lambda: made(line("100.00", DANISH), line("0.03")),
    "zero, exempt, export and taxed": lambda: made(*(line("7.77", vat) for vat in (ZERO, EXEMPT, EXPORT, FULL, LOW))),
    "telephones in reverse beside services": lambda: made(line("100200.00", REVERSE_CHARGE), line("5.00")),
    "goods to another member state": lambda: made(line("900.00", GOODS_ABROAD), payer=of("FR")),
    "corrections of twenty invoices": lambda: made(
        line("100.00"), *(line("-1.01", corrects=str(1000 + n)) for n in range(20))
    ),
    "long and odd texts": lambda: made(line("1.00", text="Å€😀" * 900), line("1.00", text="\x00]]>\u202e<&>\ufffe")),
    "references of spaces": lambda: made(
        line("1.00", label=" "), buyer_reference="  ", order_reference="\x00", cost_centre=" "
    ),
    "references of 300 letters": lambda: made(
        line("1.00"), buyer_reference="x" * 300, order_reference="y" * 300, cost_centre="z" * 300
    ),
    "a quantity of many decimals": lambda: made(line("0.01", quantity="123456789.123456", unit=Unit.MEGABYTE)),
    "dollars with VAT in kronor": lambda: made(line("100.00"), line("7.00", LOW), currency="USD", home=SEK),
    "krónur without decimals": lambda: made(line("100"), line("7", LOW), currency="ISK", home=SEK),
    "no account": lambda: made(line("1.00"), payment=Payment(terms_days=30, reference="1000009")),
    "somebody else receives it": lambda: made(line("1.00"), recipient=of("FR")),
    **{
        f"in reverse to {code}": lambda code=code: made(line("100.00", REVERSE_CHARGE), payer=of(code))
        for code in ABROAD
    },
}


@pytest.mark.parametrize("name", CASES)
def test_it_passes_peppol_as_an_invoice_and_credited(checker, name):
    invoice = CASES[name]()
    documents = [invoice]
    if invoice.total > 0:
        note = credit(invoice, Wanted(on=invoice.issued_on))
        documents.append(replace(note, number="C1", payment=replace(note.payment, reference="1")))
    for document in documents:
        written = peppol.encode(document)
        fatal = [one for one in checker.check(written) if one.severity != WARNING]
        assert fatal == [], name
        assert [one for one in checker.check(peppol.encode_core(document)) if one.severity == FATAL] == []
        if invoice.payment.iban:
            assert checker.check(finvoice.encode(document)) == []


@pytest.mark.parametrize("name", ["nothing to pay", "references of spaces", "rounded up", "long and odd texts"])
def test_it_passes_oioubl(checker, name):
    invoice = CASES[name]()
    danish = replace(invoice, payer=replace(invoice.payer, endpoint="0088:5790000435951"))
    assert [one for one in checker.check(oioubl.encode(danish)) if one.severity != WARNING] == []


def test_the_norm_s_breakdown_loses_nothing():
    invoice = CASES["exempt by two laws"]()
    root = etree.fromstring(peppol.encode(invoice))
    parts = root.findall("{*}TaxTotal/{*}TaxSubtotal")
    told = [[part.findtext(f"{{*}}{tag}") for tag in ("TaxableAmount", "TaxAmount")] for part in parts]
    assert told == [["1.00", "0.25"], ["65.00", "0.00"]]
    assert root.findtext(".//{*}TaxExemptionReason") == "Undantag från moms; Undervisning"


def test_a_currency_of_three_decimals_is_refused_in_words():
    invoice = made(line("100.123"), currency="KWD")
    for written in (peppol.encode, oioubl.encode, finvoice.encode):
        with pytest.raises(BadValue, match="two decimals, and KWD has 3"):
            written(invoice)


def test_interest_beside_calls_is_told_as_what_cannot_be(checker):
    found = checker.check(peppol.encode(made(line("60.00", OUTSIDE), line("5.00"))))
    assert {one.rule for one in found} >= {"BR-O-11", "BR-O-12"}
    assert {str(cause_of(one)) for one in found} == {
        "what is outside VAT, such as interest, cannot stand on one document with what is not: bill it apart"
    }


def test_every_rule_of_the_publishers_has_a_cause(shared):
    """A rule whose id says nothing of itself is told by its sentence, so both are asked for here."""
    nameless = {"UBL-model", "UBL-syntax", "Codesmodel", "german-rules"}
    for name, most in (
        ("peppol-2026.5/PEPPOL-EN16931-UBL.xslt", 0),
        ("en16931-1.3.16/EN16931-UBL-validation.xslt", 0),
        ("oioubl-1.17.2/OIOUBL_Invoice_Schematron.xslt", 30),
    ):
        text = (shared / "data" / "einvoice" / "rules" / name).read_text("utf-8")
        told = dict.fromkeys(re.findall(r'<xsl:attribute name="id">([^<]+)</xsl:attribute>', text), "")
        told |= dict(re.findall(r"\[([FW]-[A-Z]+\d+)\]([^<]{0,160})", text))
        told = {rule: said for rule, said in told.items() if "-" in rule and rule not in nameless}
        without = [rule for rule, said in told.items() if cause_of(Finding(rule, FATAL, "/", said)) == _ELSE]
        assert len(told) > 100
        assert len(without) <= most, without


def test_the_check_digit_of_a_swedish_seller_is_seen_without_any_rule_file():
    swedish = made(line("1.00"))
    wrong = replace(swedish, seller=replace(swedish.seller, identity_number="5560747552"))
    for scheme in (b' schemeID="0007"', b""):
        document = peppol.encode_core(wrong).replace(b' schemeID="0007">5560747552', scheme + b">5560747552")
        with Checker() as one:
            rules = {found.rule for found in one.check(document, rules_may_miss=True)}
        assert "SE-R-013" in rules
        assert ("PEPPOL-COMMON-R049" in rules) is bool(scheme)
