"""Numbers that persons, organisations and payers of VAT are known by, as python-stdnum knows the rules of each country.

A number of a country whose rule is not known is kept as it was written.
"""

from __future__ import annotations

import re
from typing import Final

from stdnum import get_cc_module, luhn
from stdnum.exceptions import ValidationError

from domain.refusal import BadValue
from domain.telling.language import language as spoken

# stdnum names most countries' numbers alike; these have names of their own (Sweden's: SKV 704; organisationsnummer). A
# country that is not here, and that stdnum has no common name for, has no number that can be checked.
_PERSONS: Final = {
    "SE": "personnummer",
    "BG": "egn",
    "CH": "ssn",
    "CZ": "rc",
    "DE": "idnr",
    "ES": "nif",
    "FR": "nir",
    "GR": "amka",
    "HR": "oib",
    "IE": "pps",
    "IT": "codicefiscale",
    "LT": "asmens",
    "LV": "pvn",
    "NL": "bsn",
    "PL": "pesel",
    "PT": "nif",
    "RO": "cnp",
    "SK": "rc",
}
_ORGANISATIONS: Final = {
    "SE": "orgnr",
    "NO": "orgnr",
    "DK": "cvr",
    "IS": "kennitala",
    "CH": "uid",
    "CY": "vat",
    "ES": "nif",
    "FR": "siren",
    "GR": "vat",
    "HR": "oib",
    "HU": "anum",
    "IT": "iva",
    "LV": "pvn",
    "PT": "nif",
}
# VAT ids that begin with other letters than their country's (Council Directive 2006/112/EC, art. 215; the protocol on
# Northern Ireland).
_VAT_PREFIXES: Final = {"EL": "gr", "GR": "gr", "XI": "gb"}
_COORDINATION_DAYS: Final = 60  # what a coordination number (samordningsnummer) adds to the day of birth


def compact_person(country: str, number: str, *, field: str = "identityNumber") -> str:
    """Check and compact a person's number; a Swedish one to ten digits. Refuses with: BadValue.

    >>> compact_person("SE", "811218-9876"), compact_person("SE", "19811218-9876"), compact_person("SE", "701063-2391")
    ('8112189876', '8112189876', '7010632391')
    >>> compact_person("FI", "131052-308T"), compact_person("NO", "151086 95088"), compact_person("DK", "211062-5629")
    ('131052-308T', '15108695088', '2110625629')
    """
    if country != "SE":
        return _compact(country, _PERSONS.get(country, "personalid"), number, number, "person", field)
    # A coordination number is checked as the personal number it is made of; its check digit counts the day as written.
    text = re.sub(r"[\s-]", "", number)
    digits = text[2:] if re.fullmatch(r"(18|19|20)[0-9]{10}", text, re.ASCII) else text
    sign = "+" if "+" in digits else ""
    digits = digits.replace("+", "")
    if re.fullmatch(r"[0-9]{10}", digits, re.ASCII) and int(digits[4:6]) > _COORDINATION_DAYS:
        born = f"{digits[:4]}{int(digits[4:6]) - _COORDINATION_DAYS:02d}{digits[6:9]}"
        if luhn.is_valid(digits):
            _compact(country, "personnummer", born + luhn.calc_check_digit(born), number, "person", field)
            return digits
    _compact(country, "personnummer", number, number, "person", field)
    return digits[:6] + sign + digits[6:]


def compact_organisation(country: str, number: str, *, field: str = "identityNumber") -> str:
    """Check and compact an organisation's number. Refuses with: BadValue.

    >>> compact_organisation("SE", "556703-7485"), compact_organisation("SE", "16556703-7485")
    ('5567037485', '5567037485')
    >>> compact_organisation("NO", "988 077 917"), compact_organisation("DK", "13585628")
    ('988077917', '13585628')
    """
    text = number
    if country == "SE" and re.fullmatch(r"16[0-9]{6}-?[0-9]{4}", number.strip(), re.ASCII):
        text = number.strip()[2:]  # with the century of the tax agency's registers
    return _compact(country, _ORGANISATIONS.get(country, "businessid"), text, number, "organisation", field)


def compact_vat(vat_id: str, *, field: str = "vatId") -> str:
    """Check and compact a VAT id of the EU, Northern Ireland, Norway, Switzerland, Iceland, Great Britain and others.

    Its country's two letters come first, as they do in the EU (EL for Greece). Refuses with: BadValue.

    >>> compact_vat("SE 556703748501"), compact_vat("EL 094259216"), compact_vat("GR094259216")
    ('SE556703748501', 'EL094259216', 'EL094259216')
    >>> compact_vat("NO 995 525 828 MVA"), compact_vat("CHE-107.787.577 IVA"), compact_vat("XI980780684")
    ('NO995525828MVA', 'CHE107787577IVA', 'XI980780684')
    """
    text = re.sub(r"[\s.-]", "", vat_id).upper()
    prefix = text[:2]
    known = re.match(r"[A-Z]{2}", text, re.ASCII)
    module = get_cc_module(_VAT_PREFIXES.get(prefix, prefix.lower()), "vat") if known else None
    if module is None:
        raise BadValue("{value} does not begin with a country that has VAT ids", value=repr(vat_id), field=field)
    try:
        number = str(module.validate(text[2:] if prefix in _VAT_PREFIXES else text))
    except ValidationError as fault:
        raise BadValue("{value} is not a valid VAT id: {why}", value=repr(vat_id), why=fault, field=field) from None
    shown = "EL" if prefix == "GR" else prefix
    return number if number.startswith(shown) else shown + number


def check_endpoint(endpoint: str, *, field: str = "endpoint") -> str:
    """Check the form of a Peppol participant, ``scheme:id`` (ISO 6523 code, then the number). Refuses with: BadValue.

    Of a Finnish address its intermediary may follow, which Finvoice is routed by.

    >>> check_endpoint("0007:5567037485"), check_endpoint("0216:003712345678@003708599126")
    ('0007:5567037485', '0216:003712345678@003708599126')
    """
    if not re.fullmatch(r"[0-9]{4}:[A-Za-z0-9._~:-]{1,50}(@[A-Za-z0-9]{2,35})?", endpoint, re.ASCII):
        raise BadValue(
            "{endpoint!r} is not a Peppol participant such as 0007:5567037485", endpoint=endpoint, field=field
        )
    return endpoint


def check_language(language: str, *, field: str = "language") -> str:
    """Check that a language (ISO 639-1) is one of those that are spoken here. Refuses with: BadValue."""
    if not re.fullmatch(r"[a-z]{2}", language, re.ASCII):
        raise BadValue("{language!r} is not a language such as sv (ISO 639-1)", language=language, field=field)
    spoken(language, field=field)
    return language


def _compact(country: str, name: str, text: str, number: str, who: str, field: str) -> str:  # noqa: PLR0917  (one check)
    module = get_cc_module(country.lower(), name)
    if module is None:
        return number.strip()
    try:
        valid = str(module.validate(text))
    except ValidationError as fault:
        raise BadValue(
            "{value} is not the number of any {who} in {country}: {why}",
            value=repr(number),
            who=who,
            country=country,
            why=fault,
            field=field,
        ) from None
    # Elsewhere a hyphen may mean something: in a Finnish number it is the century.
    return valid.replace("-", "") if country == "SE" else valid
