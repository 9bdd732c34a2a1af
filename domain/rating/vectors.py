"""Vectors: a tariff document, some events and what each must cost, and how the answers are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.catalogue.document import read_tariff
from domain.rating.answers import Answers
from domain.rating.book import compile_book
from domain.rating.parties import compile_parties
from domain.rating.rate import rate
from domain.rating.requests import Directory, read_event, to_events
from domain.refusal import Unreadable

WHOLE = frozenset({"discounts", "buckets"})


@dataclass(frozen=True, slots=True)
class Checked:
    """How many vectors and events were compared, and every difference as one sentence."""

    vectors: int
    events: int
    differences: tuple[str, ...]


def rate_document(document: object, events: Sequence[object]) -> list[dict[str, Any]]:
    """Rate events with a tariff document; the answers stand in the order of the events. Refuses with: BadTariff."""
    tariff = read_tariff(document)
    book = compile_book(tariff)
    parties = compile_parties(book, tuple(tariff.parties.values()))
    requests = [read_event(event) for event in events]
    rated = rate(book, parties, to_events(book, Directory.of(book), requests))
    return list(Answers(book, parties, rated).all([r.id for r in requests], [r.bad for r in requests]))


def check_vectors(document: object) -> Checked:
    """Rate every vector of a file and compare. Refuses with: Unreadable (no file of vectors), BadTariff."""
    vectors = document.get("vectors") if isinstance(document, Mapping) else None
    if not isinstance(vectors, list):
        raise Unreadable("not a file of vectors: it has no array named vectors")
    found: list[str] = []
    events = 0
    for vector in vectors:
        answers = {answer["id"]: answer for answer in rate_document(vector["tariff"], vector["events"])}
        for expected in vector["expect"]:
            events += 1
            name = f"{vector['id']} {expected['id']}"
            answer = answers.get(expected["id"])
            found += [f"{name}: there is no such event"] if answer is None else differences(expected, answer, name)
    return Checked(len(vectors), events, tuple(found))


def differences(expected: object, answer: object, path: str) -> Iterator[str]:
    """Yield a sentence for each key of ``expected`` that the answer does not fulfil."""
    key = path.rpartition(".")[2]
    if isinstance(expected, Mapping) and isinstance(answer, Mapping):
        names = {**expected, **answer} if key in WHOLE else expected
        for name in names:
            # A share of 0 may be left out on either side.
            spare = "0" if key in WHOLE else None
            yield from differences(expected.get(name, spare), answer.get(name, spare), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        for place, (one, other) in enumerate(zip(expected, answer, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif expected != answer and not _same_decimal(expected, answer):
        yield f"{path}: expected {expected!r}, got {answer!r}"


def _same_decimal(expected: object, answer: object) -> bool:
    if not isinstance(expected, str) or not isinstance(answer, str):
        return False
    try:
        return Decimal(expected) == Decimal(answer)
    except InvalidOperation:
        return False
