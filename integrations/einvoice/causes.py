"""What is behind a broken rule, in plain words, and what to do about it; the first that knows the rule says it."""

from __future__ import annotations

import re
from typing import Final

from domain.saying import Said
from integrations.einvoice.findings import Finding

_KNOWN: Final[tuple[tuple[str, Said], ...]] = (
    (
        r"rules_missing",
        Said(
            "the publisher's rules are not on this machine: put them in the folder that TOLLWRIGHT_EINVOICE_RULES names"
        ),
    ),
    (r"rules_failed", Said("the publisher's rules could not be run on this document: report it with the document")),
    (
        r"SBDH",
        Said("the envelope says something else than the document in it: have whoever made the envelope correct it"),
    ),
    (
        r"XSD",
        Said("the document does not have the shape of its format: if we wrote it, this is a fault of ours; report it"),
    ),
    (
        r"BR-CO-25",
        Said("something is to be paid, but nothing says when: give the operator or the customer payment terms"),
    ),
    (
        r"PEPPOL-COMMON-R0[45]\d(-\d)?|GR-S-011|SE-R-00[34]|SE-R-013|F-LIB19[01]|DK-R-0(02|14|17)|IS-R-00[24]|NL-R-00[35]",
        Said("an organisation number is not valid in its country: correct it at the customer or at the seller"),
    ),
    (
        r"SE-R-00[12]|NO-R-001|BR-CO-09|F-LIB196|BR-CO-26|DE-R-016|GR-R-00[36]",
        Said("a VAT id is missing or not of its country's form: correct it at the customer or at the seller"),
    ),
    (
        r"SE-R-006|SE-R-005",
        Said("a Swedish seller has a rate of VAT that is not Swedish: send sales under OSS by another way than Peppol"),
    ),
    (
        r"SE-R-0(0[789]|1[012])|DE-R-001|DE-R-019|DE-R-02[345]-\d|PEPPOL-EN16931-R061|F-LIB(27[5-8]|288|289|29[0-5]|305|311|312|319|32[01]|336|34\d)|BR-17|NL-R-007|IS-R-00[67]|BR-(49|50|51|61)|BR-CO-27|DK-R-00[5-9]|DK-R-01[01]|F-LIB1[0-6]\d|BR-CL-16",
        Said("the account to pay to is missing or not of its form: correct the seller's bankgiro, account or IBAN"),
    ),
    (
        r"PEPPOL-EN16931-(R0(10|20)|CL008)|F-LIB(218|287)|BR-6[23]|F-INV0(31|44)|F-LIB1(79|8\d)|F-LIB21[67]|BR-CL-25",
        Said("an electronic address is missing or not of its form: correct it at the customer or at the seller"),
    ),
    (
        r"PEPPOL-EN16931-R003|DE-R-015|F-INV0(02|24|46|51)|F-CRN047",
        Said("the payer's own reference is missing: give the customer a buyer's reference or an order reference"),
    ),
    (
        r"BR-(0[89]|1[01])|BR-(20|57)|F-LIB0(2[5-9]|3\d)|F-LIB(213|221|301)|DE-R-00[3489]|NL-R-00[24]|IS-R-00[35]",
        Said("an address is not whole: give the customer or the seller a street, a postcode, a city and a country"),
    ),
    (r"BR-0[67]|F-LIB022|F-INV0(34|45)", Said("a name is missing: give the customer or the seller its name")),
    (
        r"DE-R-00[2567]|DE-R-02[78]",
        Said("a German seller gives a telephone number and an e-mail address: add them to the operator"),
    ),
    (
        r"NL-R-001",
        Said("a credit note of a Dutch seller names an invoice: credit the invoice itself"),
    ),
    (
        r"BR-AE-\d+|BR-IC-\d+|BR-G-\d+",
        Said("reverse charge and export need the seller's VAT id, the buyer's, and no VAT at all: check the customer"),
    ),
    (
        r"BR-O-\d+",
        Said("what is outside VAT, such as interest, cannot stand on one document with what is not: bill it apart"),
    ),
    (
        r"PEPPOL-EN16931-R120|F-INV3(2[6-9]|4\d)",
        Said("a line's amount is not its quantity times its price: if we wrote it, this is a fault of ours; report it"),
    ),
    (
        r"BR-CO-1\d|BR-S-0[89]|BR-[EZ]-\d+|BR-DEC-\d+|UBL-DT-01|F-LIB(01[3-9]|020|25[0-2]|26[13])|F-INV1(2\d|3[0-4])|F-LIB(3[5-9]|40)\d|F-CRN07\d",
        Said("the sums do not agree with one another: if we wrote the document, this is a fault of ours; report it"),
    ),
    (
        r"UBL-CR-\d+|UBL-DT-(0[89]|[12]\d)|CII-(SR|DT)-\d+",
        Said("the document says more than the norm knows; it may be sent, and receivers may not show it"),
    ),
    (
        r"BR-(3[1-8]|4[1-4])|BR-CO-(0[5-8]|2[1-4])|PEPPOL-EN16931-R04[0-6]|F-LIB(22[4-8]|248|27[01])",
        Said("a discount or a charge has a reason, VAT, and an amount that is its percentage of its base: correct it"),
    ),
    (
        r"BR-(29|30)|BR-CO-(03|19|20)|PEPPOL-EN16931-(R11[01]|F001)|F-LIB0(7[89]|8[01])|UBL-SR-(08|36|49)",
        Said("a day is not one, a period ends before it begins, or a line's is outside the document's: correct it"),
    ),
    (
        r"BR-(S|Z|AF|AG|B)-\d+|BR-CO-04|BR-4[5-8]|PEPPOL-EN16931-P01(0[4-9]|1[01])|F-LIB(07[45]|226|309|315|33[34]|382)",
        Said("category, rate of VAT and the reason for none do not fit one another: correct the VAT of the service"),
    ),
    (
        r"PEPPOL-EN16931-R(005|05[1345])|BR-53|F-INV01[2-9]|F-INV02[0-2]|F-INV339|F-LIB(08[3-9]|090|26[67]|310|373)",
        Said(
            "every amount is in the document's currency, and VAT in the seller's own stands beside it once: correct it"
        ),
    ),
    (
        r"BR-01|BR-04|PEPPOL-EN16931-(R00[147]|P01(0[01]|12))|EHF-COMMON-R\d+|F-LIB(00[1-4]|302|308|32[578])|F-INV(011|337)",
        Said("the network does not know the document's type, process or specification: have its writer correct it"),
    ),
    (
        r"GR-[RS]-\d+(-\d)?",
        Said("a Greek seller's invoices have their number and their mark from myDATA, which this system does not ask"),
    ),
    (
        r"UBL-SR-\d+|PEPPOL-EN16931-R(002|080|10[01])",
        Said("something stands twice that stands once, or where it may not: have the document's writer take it out"),
    ),
    (
        r"BR-(0[235]|1[2-9]|2\d|5\d|6[45])|UBL-DT-0[67]|PEPPOL-EN16931-(R008|R121|R130)|EHF-[A-Z-]+-[BR]\d+",
        Said("something that such a document has is missing, empty or not of its form: have its writer correct it"),
    ),
    (
        r"BR-CL-\d+|PEPPOL-EN16931-CL\d+|DE-R-T02|F-LIB(298|318)",
        Said("a currency, a unit, a country or another code is not on the format's list: correct it where it is kept"),
    ),
    (
        r"DK-R-\d+|NO-R-\d+|SE-R-\d+|FI-R-\d+|DE-R-\d+|IT-R-\d+|IS-R-\d+|NL-R-\d+",
        Said(
            "a rule of the seller's own country is broken: read the rule's sentence and correct the seller's settings"
        ),
    ),
)
# OIOUBL has hundreds of rules, whose own sentences tell what kind of fault it is.
_TOLD: Final[tuple[tuple[str, Said], ...]] = (
    (
        r"must\sbe\sexcluded|[Nn]o\smore\sthan\sone|[Uu]se\seither|not\sallowed|[Oo]nly\suse|only\sbe\sused|[Mm]ultilanguage",
        Said("something stands twice that stands once, or where it may not: have the document's writer take it out"),
    ),
    (
        r"(list|scheme)(Agency)?ID|codelist|valid\scode|value\sfrom|Must\s(either\s)?be\s'|UOM",
        Said("a currency, a unit, a country or another code is not on the format's list: correct it where it is kept"),
    ),
    (
        r"[Mm]ust\scontain|mandatory|must\sbe\s(present|filled)|should\sbe\s(used|specified)|not\sbe\sblank|There\smust\sbe",
        Said("something that such a document has is missing, empty or not of its form: have its writer correct it"),
    ),
)
_ELSE: Final = Said(
    "the receiver's rules do not take the document: read the rule's sentence, correct it and bill again"
)


def cause_of(finding: Finding) -> Said:
    """Return the cause of a finding with what to do.

    >>> cause_of(Finding("SE-R-013", "fatal", "/", "")).startswith("an organisation number is not valid")
    True
    """
    for known, said in _KNOWN:
        if re.fullmatch(known, finding.rule):
            return said
    for sentence, said in _TOLD:
        if finding.rule.startswith(("F-", "W-")) and re.search(sentence, finding.text):
            return said
    return _ELSE
