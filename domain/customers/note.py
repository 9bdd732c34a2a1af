"""Notes about a customer: written once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.ids import CustomerId, OperatorId
from domain.refusal import BadValue

NOTE_MAX: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody noted, and when. ``author`` is the client that wrote it, and whom it names."""

    id: int
    operator: OperatorId
    customer: CustomerId
    at: datetime
    author: str
    text: str


def check(note: Note) -> Note:
    """Return the note. Refuses with: BadValue."""
    if not note.text.strip() or len(note.text) > NOTE_MAX:
        raise BadValue("a note has 1 to {most} characters", most=NOTE_MAX, field="text")
    return note
