"""What printhouses, access points and recipients say became of documents: CSV, XML or JSON Lines, read strictly.

A row names a document by its ``number`` (and ``kind``, where it is a credit note) or by the ``reference`` that was
given for it, and says ``accepted``, ``delivered`` or ``rejected``, with a ``reason`` where it was rejected.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.delivery.dispatch import Dispatch, DispatchState
from domain.invoicing.invoice import DocumentKind
from domain.refusal import BadValue, LimitExceeded, Unreadable

ROWS_MAX: Final = 1_000_000
TEXT_MAX: Final = 300
_STATES: Final = {
    **dict.fromkeys(("accepted", "ok", "received", "printed"), DispatchState.ACCEPTED),
    **dict.fromkeys(("delivered", "posted", "read"), DispatchState.DELIVERED),
    **dict.fromkeys(("rejected", "error", "failed", "returned"), DispatchState.REJECTED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One row: a document by number or reference, its new state, and why."""

    state: DispatchState
    number: str | None = None
    kind: DocumentKind | None = None
    reference: str | None = None
    reason: str | None = None

    @property
    def named(self) -> str:
        """How it names the document."""
        return self.number or self.reference or ""


@dataclass(frozen=True, slots=True)
class Matched:
    """What receipts come to: those that move a dispatch, those that say what is known, and those of nobody's."""

    moving: Sequence[tuple[Dispatch, Receipt]]
    known: Sequence[Receipt]
    unknown: Sequence[Receipt]


def read_csv(text: str) -> list[Receipt]:
    r"""Read a table with a head row; comma, semicolon or tab. Refuses with: Unreadable, BadValue, LimitExceeded.

    >>> read_csv("number;state;reason\n100001;rejected;no such address\n")[0].state.value
    'rejected'
    """
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    mark = max(";,\t", key=first.count)
    table = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=mark, strict=True)
    names = [(name or "").strip().lower() for name in table.fieldnames or ()]
    if "state" not in names or not {"number", "reference"} & set(names):
        raise Unreadable("a receipt file begins with the names of its columns: number or reference, and state")
    table.fieldnames = names
    try:
        return _checked([{key: value or "" for key, value in row.items() if key} for row in table])
    except csv.Error as fault:
        raise Unreadable("the receipt file is no table: {why}", why=str(fault)) from None


def read_json_lines(text: str) -> list[Receipt]:
    """Read an object per line, or one list of objects. Refuses with: Unreadable, BadValue, LimitExceeded."""
    try:
        whole = text.strip()
        made = json.loads(whole) if whole.startswith("[") else [json.loads(line) for line in whole.splitlines() if line]
    except (ValueError, RecursionError):
        raise Unreadable("the receipt file is no JSON") from None
    if not isinstance(made, list) or not all(isinstance(row, dict) for row in made):
        raise Unreadable("the receipts are objects")
    return _checked([{str(key): "" if value is None else str(value) for key, value in row.items()} for row in made])


def read_rows(rows: Sequence[Mapping[str, str]]) -> list[Receipt]:
    """Read rows that come from elsewhere. Refuses with: BadValue, LimitExceeded."""
    return _checked(rows)


def _checked(rows: Sequence[Mapping[str, str]]) -> list[Receipt]:
    if len(rows) > ROWS_MAX:
        raise LimitExceeded("a receipt file has at most {most} rows", most=ROWS_MAX)
    return [_receipt(place, {key: _plain(value) for key, value in row.items()}) for place, row in enumerate(rows, 1)]


def _plain(value: str) -> str:
    """Return a text without what nobody can print or keep, such as NUL."""
    return "".join(filter(str.isprintable, " ".join(value.split())))


def _receipt(place: int, row: Mapping[str, str]) -> Receipt:
    state = _STATES.get(row.get("state", "").lower())
    if state is None:
        raise BadValue(
            "row {row}: {state} is no state; accepted, delivered and rejected are",
            row=place,
            state=repr(row.get("state", "")),
            field=f"receipts.{place - 1}.state",
        )
    if not row.get("number") and not row.get("reference"):
        raise BadValue("row {row} names no document", row=place, field=f"receipts.{place - 1}.number")
    kind = row.get("kind", "").lower()
    if kind and kind not in list(DocumentKind):
        raise BadValue("row {row}: a kind is invoice or credit_note", row=place, field=f"receipts.{place - 1}.kind")
    return Receipt(
        state=state,
        number=row.get("number", "")[:TEXT_MAX] or None,
        kind=DocumentKind(kind) if kind else None,
        reference=row.get("reference", "")[:TEXT_MAX] or None,
        reason=row.get("reason", "")[:TEXT_MAX] or None,
    )


def match(receipts: Sequence[Receipt], dispatches: Sequence[Dispatch]) -> Matched:
    """Find whose each receipt is, the latest dispatch of a document; nothing goes backwards.

    A number that an invoice and a credit note both have is nobody's without a kind.
    """
    by_number: dict[str, dict[DocumentKind, Dispatch]] = {}
    by_reference: dict[str, Dispatch] = {}
    for one in sorted(dispatches, key=lambda one: one.again):
        by_number.setdefault(one.number, {})[one.kind] = one
        if one.reference:
            by_reference[one.reference] = one
    moving: dict[int, tuple[Dispatch, Receipt]] = {}
    known: list[Receipt] = []
    unknown: list[Receipt] = []
    for each in receipts:
        found = by_reference.get(each.reference or "")
        if found is None and each.number:
            kinds = by_number.get(each.number, {})
            found = kinds.get(each.kind) if each.kind else next(iter(kinds.values()), None) if len(kinds) == 1 else None
        if found is None:
            unknown.append(each)
            continue
        before = moving[found.id][1].state if found.id in moving else found.state
        if _later(each.state, before) and found.state not in {DispatchState.QUEUED, DispatchState.PARKED}:
            moving[found.id] = (found, each)
        else:
            known.append(each)
    return Matched(list(moving.values()), known, unknown)


_ORDER: Final = (DispatchState.SENT, DispatchState.ACCEPTED, DispatchState.DELIVERED)


def _later(state: DispatchState, before: DispatchState) -> bool:
    """Tell whether a state comes after another; what has ended stays as it is."""
    if before not in _ORDER[:2]:
        return False
    return state is DispatchState.REJECTED or _ORDER.index(state) > _ORDER.index(before)
