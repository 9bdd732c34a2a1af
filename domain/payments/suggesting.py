"""What a payment without a reference of ours may be for: told with a score, for a person to decide; never applied.

Points: a number in the payer's text that is an open invoice's reference 90, or its own number 70; a customer's number
60; the payer's name as a customer's 50 (all its words), each with the invoice whose amount it is 10 more; an amount
that one open invoice alone has 20. Points of one invoice do not add up: the best reason counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.ids import CustomerId, InvoiceId
from domain.payments.allocating import words_of
from domain.payments.payment import OpenItem

SUGGESTED_MAX: Final = 20
_NUMBER: Final = re.compile(r"[0-9][0-9 .-]{2,34}[0-9]", re.ASCII)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_AMOUNT_POINTS: Final = 10


class Because(StrEnum):
    """Why an invoice is suggested."""

    REFERENCE = "reference"
    INVOICE_NUMBER = "invoice_number"
    CUSTOMER_NUMBER = "customer_number"
    NAME = "name"
    AMOUNT = "amount"


_POINTS: Final = {
    Because.REFERENCE: 90,
    Because.INVOICE_NUMBER: 70,
    Because.CUSTOMER_NUMBER: 60,
    Because.NAME: 50,
    Because.AMOUNT: 20,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An open invoice that a payment may be for; ``score`` from 0 to 100."""

    invoice: InvoiceId
    customer: CustomerId
    number: str
    open_minor: int
    score: int
    because: Because


def candidates(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the numbers and words that a payer wrote, with the blanks, points and hyphens in numbers left out too.

    >>> candidates({"text": ["Faktura 1000 0019, tack"], "references": []})
    ('Faktura', '1000', '0019', 'tack', '10000019')
    """
    texts = [*record["text"], *(reference["ref"] for reference in record["references"])]
    found = list(words_of(texts))
    for text in texts:
        found.extend(re.sub(r"[ .-]", "", match[0]) for match in _NUMBER.finditer(text))
    return tuple(dict.fromkeys(found))[:200]


def name_words(text: str) -> frozenset[str]:
    """Return the words of a name, as they are compared."""
    return frozenset(word.casefold() for word in _WORD.findall(text))


def suggest(
    amount: int,
    currency: str,
    *,
    named: Mapping[str, OpenItem],
    numbered: Mapping[CustomerId, Sequence[OpenItem]],
    alike: Mapping[CustomerId, Sequence[OpenItem]],
    same_amount: Sequence[OpenItem],
) -> tuple[Suggestion, ...]:
    """Return the open invoices that a payment may be for, the likeliest first.

    ``named`` by what the payer wrote, ``numbered`` those of customers whose number he wrote, ``alike`` of customers who
    have his name, ``same_amount`` all with exactly this open.
    """
    best: dict[InvoiceId, Suggestion] = {}
    told = [
        (item, Because.REFERENCE if word == item.reference else Because.INVOICE_NUMBER) for word, item in named.items()
    ]
    told += [(item, Because.CUSTOMER_NUMBER) for several in numbered.values() for item in several]
    told += [(item, Because.NAME) for several in alike.values() for item in several]
    if len(same_amount) == 1:
        told.append((same_amount[0], Because.AMOUNT))
    for item, because in told:
        if item.open_minor <= 0 or item.currency != currency:
            continue
        score = _POINTS[because] + (
            _AMOUNT_POINTS if item.open_minor == amount and because is not Because.AMOUNT else 0
        )
        known = best.get(item.invoice)
        if known is None or known.score < score:
            best[item.invoice] = Suggestion(
                invoice=item.invoice,
                customer=item.customer,
                number=item.number,
                open_minor=item.open_minor,
                score=score,
                because=because,
            )
    return tuple(sorted(best.values(), key=lambda one: (-one.score, one.invoice)))[:SUGGESTED_MAX]


def same_name(first: Iterable[str], second: Iterable[str]) -> bool:
    """Tell whether two names are of one person: each word of the shorter is in the longer, two at least."""
    one, two = frozenset(first), frozenset(second)
    return min(len(one), len(two)) >= 2 and (one <= two or two <= one)
