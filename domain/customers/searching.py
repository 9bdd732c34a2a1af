"""The words a customer is found by, and what a typed text may be the beginning of.

The database keeps the same words by triggers (``migrations/0036_customers.sql``); these are theirs for the twin in
memory. A word of a search is the beginning of one of them, in small letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import phonenumbers

from domain.customers.customer import Customer

TERM_MAX: Final = 60
TAILS_MAX: Final = 8
WORDS_MAX: Final = 8
_NUMBER: Final = re.compile(r"\+?[0-9][0-9\s().\-/]*", re.ASCII)
_APART: Final = re.compile(r"[\s().\-/+]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Beginnings of words, all of which a customer must have."""

    words: tuple[str, ...]


def tails(text: str) -> Iterator[str]:
    """Yield a text from each of its words on.

    >>> list(tails("Anna Maria Ek"))
    ['anna maria ek', 'maria ek', 'ek']
    """
    words = text.lower().split()
    for index in range(min(len(words), TAILS_MAX)):
        yield " ".join(words[index:])[:TERM_MAX]


def terms(customer: Customer, searchable: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the words of a customer's own row; ``searchable`` are the operator's own fields that count."""
    found = set(tails(customer.name))
    recipient = customer.recipient
    texts = [customer.number, customer.identity_number, customer.vat_id, customer.email]
    phones = [customer.phone]
    if recipient is not None:
        texts.append(recipient.email)
        found.update(tails(recipient.name or ""))
    for contact in customer.contacts:
        texts.append(contact.email)
        phones.append(contact.phone)
        found.update(tails(contact.name))
    for written in (customer.buyer_reference, customer.order_reference):
        found.update(tails(written or ""))
    for name, value in customer.fields:
        if name in searchable:
            found.update(tails(value))
    found.update(text.lower()[:TERM_MAX] for text in texts if text)
    found.update(re.sub(r"[^0-9]", "", phone) for phone in phones if phone)
    return frozenset(found - {""})


def wanted(text: str, country: str | None = None) -> Sequence[Wanted]:
    """Return what a typed text may mean: its words, or one number as people write it; any of them is enough.

    A national number is looked for also as E.164 of ``country``, an identity number also without its separator and
    without its century.

    >>> [one.words for one in wanted("Ek 070-174 06", "SE")]
    [('ek', '070-174', '06')]
    >>> [one.words for one in wanted("070-174 06", "SE")]
    [('070-174', '06'), ('07017406',), ('467017406',)]
    >>> [one.words for one in wanted("19811218-9876")]
    [('19811218-9876',), ('198112189876',), ('8112189876',)]
    """
    words = tuple(dict.fromkeys(word[:TERM_MAX] for word in text.lower().split()))[:WORDS_MAX]
    if not words:
        return []
    found = [Wanted(words)]
    if _NUMBER.fullmatch(text.strip()):
        digits = _APART.sub("", text)
        spellings = [digits]
        code = phonenumbers.country_code_for_region(country) if country else 0
        if digits.startswith("00"):
            spellings.append(digits[2:])
        elif digits.startswith("0") and code and len(digits) > 1:
            spellings.append(f"{code}{digits[1:]}")
        elif code and digits.startswith(str(code)) and text.strip().startswith("+"):
            spellings.append(f"0{digits.removeprefix(str(code))}")
        if len(digits) > 8 and digits[:2] in {"18", "19", "20"} and len(digits) <= 12:
            spellings.append(digits[2:])
        found += [Wanted((one[:TERM_MAX],)) for one in spellings if one]
    return list(dict.fromkeys(found))
