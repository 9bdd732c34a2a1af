"""Vectors: a tariff document, some events and what each must cost, and how the answers are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any

import polars as pl

from domain.catalogue.document import read_tariff
from domain.rating.answered import Chunk
from domain.rating.answers import Answers
from domain.rating.requests import Directory, read_event, to_events
from domain.rating.streaming import RateRun
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
    run = RateRun(read_tariff(document))
    requests = [read_event(event) for event in events]
    reasons = {place: one.bad for place, one in enumerate(requests) if one.bad is not None}
    ids = pl.Series("id", [one.id for one in requests], pl.String)
    whole = Chunk(to_events(run.book, Directory.of(run.book), requests), ids, reasons)
    found: list[dict[str, Any]] = []
    for answered in chain(run.feed(whole), run.finish()):
        part = answered.chunk
        bad = [part.reasons.get(place) for place in range(len(part.ids))]
        found += Answers(run.book, run.parties, answered.rated).all(part.ids.to_list(), bad)
    return found


def check_vectors(document: object) -> Checked:
    """Rate every vector of a file and compare. Refuses with: Unreadable (no file of vectors), BadTariff."""
    vectors = document.get("vectors") if isinstance(document, Mapping) else None
    if not isinstance(vectors, list):
        raise Unreadable("not a file of vectors: it has no array named vectors")
    found: list[str] = []
    events = 0
    for place, vector in enumerate(vectors):
        _check_form(vector, f"$.vectors[{place}]")
        answers = {answer["id"]: answer for answer in rate_document(vector["tariff"], vector["events"])}
        for expected in vector["expect"]:
            events += 1
            name = f"{vector['id']} {expected['id']}"
            answer = answers.get(expected["id"])
            found += [f"{name}: there is no such event"] if answer is None else differences(expected, answer, name)
    return Checked(len(vectors), events, tuple(found))


def _check_form(vector: object, path: str) -> None:
    """Refuses with: Unreadable (not a vector: it says something else than what events cost by a tariff)."""
    if not isinstance(vector, Mapping):
        raise Unreadable("{path}: not a vector: must be an object", path=path)
    if "tariff" not in vector:
        raise Unreadable(
            "{path}.tariff: is required; only vectors of events and a tariff document can be checked", path=path
        )
    for key in ("events", "expect"):
        if not isinstance(vector.get(key), list):
            raise Unreadable("{path}.{key}: must be an array", path=path, key=key)
    if not isinstance(vector.get("id"), str):
        raise Unreadable("{path}.id: must be a text", path=path)
    for place, expected in enumerate(vector["expect"]):
        if not isinstance(expected, Mapping) or not isinstance(expected.get("id"), str):
            raise Unreadable(
                "{path}.expect[{place}]: must be an object with the id of an event", path=path, place=place
            )


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
