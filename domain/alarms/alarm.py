"""An alarm and how it is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.ids import AlarmId, OperatorId
from domain.refusal import BadValue

KIND_MAX: Final = 40
SUBJECT_MAX: Final = 300
TEXT_MAX: Final = 500


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlarmState(StrEnum):
    """Open → acknowledged (somebody looks at it) → closed; an open one may be closed at once."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """That something is wrong now. ``text`` is a sentence for people, ``data`` (JSON) the same for programs.

    ``times``: how often it was seen at once. Refuses with: BadValue (a text that is empty or too long).
    """

    kind: str
    subject: str
    text: str
    severity: Severity = Severity.WARNING
    data: Mapping[str, object] = field(default_factory=dict)
    times: int = 1

    def __post_init__(self) -> None:
        for name, most in (("kind", KIND_MAX), ("subject", SUBJECT_MAX), ("text", TEXT_MAX)):
            value = getattr(self, name)
            if not value.strip() or len(value) > most or not value.isprintable():
                raise BadValue(
                    "an alarm's {name} is printable and has 1 to {most} characters", name=name, most=most, field=name
                )
        assert self.times > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm as it is kept; ``text`` and ``data`` are of the last raising, ``severity`` the highest of all."""

    id: AlarmId
    operator: OperatorId
    kind: str
    subject: str
    severity: Severity
    text: str
    data: Mapping[str, object]
    state: AlarmState
    first_seen: datetime
    last_seen: datetime
    count: int
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None


# The severities, the least first.
ORDER: Final = tuple(Severity)
