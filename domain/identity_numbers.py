"""Numbers that persons, organisations and payers of VAT are known by, as python-stdnum knows the rules of each country.

A number of a country whose rule is not known is kept as it was written.
"""

from __future__ import annotations

import re

from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from domain.refusal import BadValue

# stdnum names most countries' numbers alike; Sweden's by their own names (SKV 704; organisationsnummer).
_ALIASES = {("SE", "personalid"): "personnummer", ("SE", "businessid"): "orgnr"}


def compact_person(country: str, number: str, *, field: str = "identityNumber") -> str:
    """Check and compact a person's number. Refuses with: BadValue.

    >>> compact_person("SE", "811218-9876")
    '8112189876'
    """
    return _compact(country, "personalid", number, field)


def compact_organisation(country: str, number: str, *, field: str = "identityNumber") -> str:
    """Check and compact an organisation's number. Refuses with: BadValue.

    >>> compact_organisation("SE", "556703-7485")
    '5567037485'
    """
    return _compact(country, "businessid", number, field)


def compact_vat(vat_id: str, *, field: str = "vatId") -> str:
    """Check and compact an EU VAT id, its country's two letters first. Refuses with: BadValue.

    >>> compact_vat("SE 556703748501")
    'SE556703748501'
    """
    text = re.sub(r"[\s.-]", "", vat_id).upper()
    module = get_cc_module(text[:2].lower(), "vat") if re.match(r"[A-Z]{2}", text, re.ASCII) else None
    if module is None:
        raise BadValue(f"{vat_id!r} does not begin with a country that has VAT ids", field=field)
    try:
        number = str(module.validate(text))
    except ValidationError as fault:
        raise BadValue(f"{vat_id!r} is not a valid VAT id: {fault}", field=field) from None
    return number if number.startswith(text[:2]) else text[:2] + number


def check_endpoint(endpoint: str, *, field: str = "endpoint") -> str:
    """Check the form of a Peppol participant, ``scheme:id`` (ISO 6523 code, then the number). Refuses with: BadValue.

    >>> check_endpoint("0007:5567037485")
    '0007:5567037485'
    """
    if not re.fullmatch(r"[0-9]{4}:[A-Za-z0-9._~:-]{1,50}", endpoint, re.ASCII):
        raise BadValue(f"{endpoint!r} is not a Peppol participant such as 0007:5567037485", field=field)
    return endpoint


def check_language(language: str, *, field: str = "language") -> str:
    """Check the form of a language (ISO 639-1). Refuses with: BadValue."""
    if not re.fullmatch(r"[a-z]{2}", language, re.ASCII):
        raise BadValue(f"{language!r} is not a language such as sv (ISO 639-1)", field=field)
    return language


def _compact(country: str, name: str, number: str, field: str) -> str:
    module = get_cc_module(country.lower(), _ALIASES.get((country, name), name))
    if module is None:
        return number.strip()
    try:
        valid = str(module.validate(number))
    except ValidationError as fault:
        raise BadValue(f"{number!r} is not a valid {name} in {country}: {fault}", field=field) from None
    # Elsewhere a hyphen may mean something: in a Finnish number it is the century.
    return valid.replace("-", "") if country == "SE" else valid
