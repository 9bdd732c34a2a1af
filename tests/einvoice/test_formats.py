"""Every format of ours passes its publisher's own rules, whatever the invoice; and each kind of document is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from domain.customers.customer import Delivery
from domain.invoicing.invoice import DocumentKind
from domain.refusal import BadValue, Unreadable
from integrations.einvoice import ehf, finvoice, oioubl, peppol
from integrations.einvoice.causes import cause_of
from integrations.einvoice.envelope import NAMESPACE
from integrations.einvoice.findings import WARNING, Finding
from integrations.einvoice.kinds import Kind
from integrations.einvoice.peppol import CUSTOMIZATION
from integrations.einvoice.rules import Checker, choose, rule_sets
from tests.einvoice.drawn import OUTSIDE, SELLERS, drawn, owed
from tests.invoicing.made import issued

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def checker(shared):
    with Checker(shared / "data" / "einvoice" / "rules") as one:
        yield one


def broken(checker: Checker, data: bytes) -> list[Finding]:
    return [finding for finding in checker.check(data) if finding.severity != WARNING]


@pytest.mark.parametrize("country", SELLERS)
def test_every_invoice_passes_peppol(checker, country):
    for seed in range(20):
        invoice = drawn(seed, country)
        assert broken(checker, peppol.encode(invoice)) == [], (country, seed)


def test_whoever_is_in_no_network_gets_what_the_norm_wants(checker):
    for country in SELLERS:
        for seed in range(5):
            invoice = drawn(seed, country)
            bare = replace(
                invoice, seller=replace(invoice.seller, endpoint=None), payer=replace(invoice.payer, endpoint=None)
            )
            assert checker.told(peppol.encode_core(bare)) == (Kind.UBL, []), (country, seed)


def test_what_a_supplier_would_have_written_passes_the_norm_and_waits_for_its_own_rules(checker):
    for seed in range(12):
        invoice = replace(drawn(seed), self_billed=True)
        kind, found = checker.told(peppol.encode(invoice))
        assert (kind, [finding.rule for finding in found]) == (Kind.SELF_BILLED, ["rules_missing"]), seed
        root = etree.fromstring(peppol.encode(invoice))
        code = root.findtext("{*}InvoiceTypeCode") or root.findtext("{*}CreditNoteTypeCode")
        assert code == ("389" if invoice.kind is DocumentKind.INVOICE else "261")


@pytest.mark.parametrize(
    ("country", "changes", "rule", "cause"),
    [
        ("DE", {"phone": None}, "DE-R-006", "telephone number"),
        ("NL", {"identity_number": "1234567"}, "NL-R-003", "organisation number"),
        ("IS", {"identity_number": None}, "IS-R-002", "organisation number"),
        ("SE", {"vat_id": "SE55607475510"}, "SE-R-001", "VAT id"),
        ("NO", {"vat_id": "NO988077918MVA"}, "NO-R-001", "VAT id"),
        ("SE", {"endpoint": "0007:5560747552"}, "PEPPOL-COMMON-R049", "organisation number"),
    ],
)
def test_a_national_rule_is_told_with_its_cause(checker, country, changes, rule, cause):
    number = {"DE": 0, "SE": 1, "NO": 1}.get(country, 1)
    invoice = next(
        one
        for one in (drawn(seed, country) for seed in range(number, 60))
        if one.payer.address.country == country and {each.treatment.category for each in one.vat} == {"S"}
    )
    invoice = replace(invoice, seller=replace(invoice.seller, **changes))
    found = {finding.rule: finding for finding in broken(checker, peppol.encode(invoice))}
    assert rule in found
    assert cause in cause_of(found[rule])


def enveloped(document: bytes, /, **said: str) -> bytes:
    """Return a document as it travels in Peppol; ``said``: what its header says otherwise."""
    root = etree.fromstring(document)
    name = etree.QName(root.tag)
    ends = [f"{node.get('schemeID')}:{node.text}" for node in root.iter("{*}EndpointID")]
    head = {
        "sender": ends[0],
        "receiver": ends[1],
        "type": name.localname,
        "document": f"{name.namespace}::{name.localname}##{root.findtext('{*}CustomizationID')}::2.1",
        "process": root.findtext("{*}ProfileID"),
    } | said
    scopes = "".join(
        f"<Scope><Type>{what}</Type><InstanceIdentifier>{head[key]}</InstanceIdentifier></Scope>"
        for what, key in (("DOCUMENTID", "document"), ("PROCESSID", "process"))
    )
    text = f"""<StandardBusinessDocument xmlns="{NAMESPACE}"><StandardBusinessDocumentHeader>
<HeaderVersion>1.0</HeaderVersion>
<Sender><Identifier Authority="iso6523-actorid-upis">{head["sender"]}</Identifier></Sender>
<Receiver><Identifier Authority="iso6523-actorid-upis">{head["receiver"]}</Identifier></Receiver>
<DocumentIdentification><Standard>{name.namespace}</Standard><TypeVersion>2.1</TypeVersion>
<InstanceIdentifier>1</InstanceIdentifier><Type>{head["type"]}</Type></DocumentIdentification>
<BusinessScope>{scopes}</BusinessScope></StandardBusinessDocumentHeader>
{etree.tostring(root, encoding="unicode")}
</StandardBusinessDocument>"""
    return text.encode()


def test_a_document_is_taken_out_of_its_envelope(checker):
    assert checker.told(enveloped(peppol.encode(issued()))) == (Kind.PEPPOL, [])
    wrong = checker.check(enveloped(peppol.encode(issued()).replace(b">325.00<", b">326.00<")))
    assert "BR-CO-16" in {finding.rule for finding in wrong}


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ({"type": "CreditNote"}, "fatal"),
        ({"document": "urn:x::Invoice##y::2.1"}, "fatal"),
        ({"process": "urn:x"}, "fatal"),
        ({"receiver": "0007:5560360793"}, "warning"),
    ],
)
def test_an_envelope_that_says_otherwise_is_told(checker, said, severity):
    (finding,) = checker.check(enveloped(peppol.encode(issued()), **said))
    assert (finding.rule, finding.severity) == ("SBDH", severity)
    assert "envelope" in cause_of(finding)


@pytest.mark.parametrize("documents", [b"", b"<a/><b/>"])
def test_an_envelope_without_one_document_is_refused(checker, documents):
    with pytest.raises(Unreadable, match="the envelope holds"):
        checker.check(
            b'<StandardBusinessDocument xmlns="%s">%s</StandardBusinessDocument>' % (NAMESPACE.encode(), documents)
        )


def test_forward_billing_has_rules_of_its_own(checker, shared):
    for file in sorted((shared / "data" / "einvoice" / "samples" / "ehf-g3").glob("forward-billing*.xml")):
        kind, found = checker.told(file.read_bytes())
        assert (kind, [finding.rule for finding in found]) == (Kind.EHF_FORWARD_BILLING, ["rules_missing"])


@pytest.mark.parametrize("country", ["DK", "SE"])
def test_every_invoice_of_one_rate_passes_oioubl(checker, country):
    made = 0
    for seed in range(25):
        invoice = drawn(seed, country)
        if len({each.treatment.percent for each in invoice.vat if each.treatment.percent}) > 1:
            with pytest.raises(BadValue, match="one rate of VAT"):
                oioubl.encode(invoice)
            continue
        if invoice.payer.endpoint.partition(":")[0] not in oioubl.SCHEMES:
            with pytest.raises(BadValue, match="NemHandel"):
                oioubl.encode(invoice)
            continue
        assert broken(checker, oioubl.encode(invoice)) == [], (country, seed)
        made += 1
    assert made > 10


@pytest.mark.parametrize("routed", [True, False])
def test_every_invoice_passes_finvoice(checker, routed):
    route = finvoice.Route("003708599126", "DABAFIHH") if routed else None
    for seed in range(60):
        assert broken(checker, finvoice.encode(drawn(seed, "FI"), route)) == [], seed


def test_finvoice_carries_the_reference_and_the_amount_to_pay(checker):
    invoice = owed("FI")
    root = etree.fromstring(finvoice.encode(invoice))
    told = root.find("EpiDetails/EpiPaymentInstructionDetails")
    assert told.findtext("EpiRemittanceInfoIdentifier") == invoice.payment.reference
    assert Decimal(told.findtext("EpiInstructedAmount").replace(",", ".")) == invoice.total
    net = sum(Decimal(node.text.replace(",", ".")) for node in root.iter("RowVatExcludedAmount"))
    assert net == invoice.net


def test_a_norwegian_reminder_passes_its_rules(checker):
    said = ehf.Reminded(
        number="P1",
        issued_on=date(2026, 12, 10),
        due_on=date(2026, 12, 24),
        paid=Decimal(100),
        charges=(ehf.LateCharge("Purregebyr", Decimal(35)), ehf.LateCharge("Rente", Decimal("1.27"))),
    )
    reminded = 0
    for seed in range(40):
        invoice = drawn(seed, "NO")
        if invoice.kind is not DocumentKind.INVOICE:
            with pytest.raises(BadValue, match="credit note"):
                ehf.reminder(invoice, said)
            continue
        if invoice.home is None and not any(each.treatment == OUTSIDE for each in invoice.vat):
            assert checker.told(ehf.reminder(invoice, said)) == (Kind.EHF_REMINDER, []), seed
            reminded += 1
    assert reminded > 5


@pytest.mark.parametrize(
    ("folder", "kinds", "count"),
    [
        ("oioubl-2.1", {Kind.OIOUBL}, 3),
        ("finvoice-3.0", {Kind.FINVOICE}, 8),
        ("ehf-g3", {Kind.EHF_REMINDER, Kind.EHF_PAYMENT_REQUEST}, 4),
        ("peppol-bis3-2026.5", {Kind.PEPPOL}, 10),
    ],
)
def test_the_publishers_examples_pass(checker, shared, folder, kinds, count):
    samples = shared / "data" / "einvoice" / "samples" / folder
    taken = 0
    for file in sorted(samples.glob("*.xml")):
        if "UtilityStatement" in file.name or file.name.startswith("forward-billing"):
            continue  # a statement of meters, and a document of another specification
        kind, found = checker.told(file.read_bytes())
        assert kind in kinds, file.name
        assert [finding for finding in found if finding.severity != WARNING] == [], file.name
        taken += 1
    assert taken == count


def test_other_documents_are_told_apart(checker, shared):
    samples = shared / "data" / "einvoice" / "samples"
    with pytest.raises(Unreadable, match="UtilityStatement"):
        checker.check((samples / "oioubl-2.1" / "OIOUBL_UtilityStatement_v2p2.xml").read_bytes())


@pytest.mark.parametrize(
    ("said", "rules"),
    [
        (f"{CUSTOMIZATION}#conformant#urn:fdc:example.org:more", []),  # an extension is Peppol's, too
        (f"<!-- 3.0.21 -->{CUSTOMIZATION}", []),
        (f"{CUSTOMIZATION}::1", ["PEPPOL-EN16931-R004"]),
        (CUSTOMIZATION.upper(), ["PEPPOL-EN16931-R004"]),
        ("", ["BR-01", "PEPPOL-EN16931-R008", "PEPPOL-EN16931-R004"]),
    ],
)
def test_a_misspelt_claim_to_be_peppol_is_checked_as_peppol(checker, said, rules):
    content = peppol.encode(issued()).replace(f">{CUSTOMIZATION}<".encode(), f">{said}<".encode())
    kind, findings = checker.told(content)
    assert (kind, sorted(each.rule for each in findings)) == (Kind.PEPPOL, sorted(rules))


def test_xrechnung_is_checked_by_the_norm(checker):
    xrechnung = b"urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
    document = peppol.encode(issued()).replace(peppol.CUSTOMIZATION.encode(), xrechnung)
    assert checker.told(document) == (Kind.UBL, [])
    kind, found = checker.told(document.replace(b">325.00<", b">326.00<", 1))
    assert kind is Kind.UBL
    assert "BR-CO-16" in {finding.rule for finding in found}


def test_a_cii_document_is_checked_by_the_norm(checker):
    found = checker.told(CII.encode())
    assert found == (Kind.CII, [])
    tampered = CII.replace("<ram:GrandTotalAmount>125.00", "<ram:GrandTotalAmount>126.00")
    assert {"BR-CO-15", "BR-CO-16"} & {finding.rule for finding in checker.check(tampered.encode())}


@pytest.mark.parametrize(
    ("make", "old", "new", "rule"),
    [
        (
            lambda: oioubl.encode(drawn(4, "DK")),
            b'schemeID="DK:CVR">DK13585628',
            b'schemeID="DK:CVR">13585628',
            "F-LIB180",
        ),
        (lambda: finvoice.encode(drawn(3, "FI")), b"<InvoiceNumber>", b"<InvoiceNumber>123456789012345678901", "XSD"),
    ],
)
def test_what_is_tampered_with_is_found(checker, make, old, new, rule):
    document = make()
    assert old in document
    found = checker.check(document.replace(old, new))
    assert rule in {finding.rule for finding in found}
    assert all(cause_of(finding) for finding in found)


def test_sums_of_finvoice_are_checked_by_us(checker):
    document = finvoice.encode(drawn(3, "FI"))
    root = etree.fromstring(document)
    row = root.find("InvoiceRow/RowVatExcludedAmount")
    row.text = "1,00" if row.text != "1,00" else "2,00"
    assert "BR-CO-10" in {finding.rule for finding in checker.check(etree.tostring(root))}


def test_without_rules_of_its_own_a_format_is_not_called_good():
    with Checker() as bare:
        for document in (finvoice.encode(drawn(3, "FI")), oioubl.encode(drawn(4, "DK")), CII.encode()):
            assert [finding.rule for finding in bare.check(document)] == ["rules_missing"]
            assert bare.check(document, rules_may_miss=True) == []


def test_releases_are_chosen_by_day_and_by_what_the_folder_says(tmp_path: Path):
    for name in ("oioubl-1.17.2", "oioubl-1.9.0", "ehf-g3-2023-02", "ehf-g3-2026-11"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.xslt").touch()
    assert [one.name for one in rule_sets(tmp_path, "oioubl")] == ["oioubl-1.9.0", "oioubl-1.17.2"]
    (tmp_path / "valid_from.toml").write_text('"oioubl-1.17.2" = 2026-12-01\n')
    sets = rule_sets(tmp_path, "oioubl")
    assert choose(sets, date(2026, 11, 30)).name == "oioubl-1.9.0"
    assert choose(sets, date(2026, 12, 1)).name == "oioubl-1.17.2"
    assert choose(rule_sets(tmp_path, "ehf"), date(2026, 10, 31)).name == "ehf-g3-2023-02"
    (tmp_path / "valid_from.toml").write_text("= x")
    with pytest.raises(Unreadable, match="valid_from"):
        rule_sets(tmp_path, "oioubl")


def test_without_an_iban_finvoice_says_so():
    invoice = replace(issued(), payment=replace(issued().payment, iban=None), delivery=Delivery.PDF)
    with pytest.raises(BadValue, match="IBAN"):
        finvoice.encode(invoice)


CII = """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
<ram:ID>urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>RE-1</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime>
<udt:DateTimeString format="102">20261101</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction><ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument>
<ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument><ram:SpecifiedTradeProduct><ram:Name>Anschluss</ram:Name>
</ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice>
<ram:ChargeAmount>100.00</ram:ChargeAmount></ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">1</ram:BilledQuantity>
</ram:SpecifiedLineTradeDelivery><ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax>
<ram:TypeCode>VAT</ram:TypeCode><ram:CategoryCode>S</ram:CategoryCode>
<ram:RateApplicablePercent>25</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
</ram:IncludedSupplyChainTradeLineItem><ram:ApplicableHeaderTradeAgreement><ram:BuyerReference>R</ram:BuyerReference>
<ram:SellerTradeParty><ram:Name>Nord GmbH</ram:Name><ram:PostalTradeAddress><ram:PostcodeCode>10115</ram:PostcodeCode>
<ram:LineOne>Weg 1</ram:LineOne><ram:CityName>Berlin</ram:CityName><ram:CountryID>DE</ram:CountryID>
</ram:PostalTradeAddress><ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE136695976</ram:ID>
</ram:SpecifiedTaxRegistration></ram:SellerTradeParty><ram:BuyerTradeParty><ram:Name>Kunde AG</ram:Name>
<ram:PostalTradeAddress><ram:PostcodeCode>20095</ram:PostcodeCode><ram:LineOne>Weg 2</ram:LineOne>
<ram:CityName>Hamburg</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress></ram:BuyerTradeParty>
</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeDelivery/><ram:ApplicableHeaderTradeSettlement>
<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode><ram:ApplicableTradeTax>
<ram:CalculatedAmount>25.00</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
<ram:BasisAmount>100.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>
<ram:RateApplicablePercent>25</ram:RateApplicablePercent></ram:ApplicableTradeTax><ram:SpecifiedTradePaymentTerms>
<ram:Description>30 Tage</ram:Description></ram:SpecifiedTradePaymentTerms>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
<ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount>
<ram:TaxTotalAmount currencyID="EUR">25.00</ram:TaxTotalAmount><ram:GrandTotalAmount>125.00</ram:GrandTotalAmount>
<ram:DuePayableAmount>125.00</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>
"""
