"""How a person names an event: by ``source/ref/leg/start/offset``, as the records themselves say it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import polars as pl

from domain.mediation.identity import event_keys
from domain.period import utc
from domain.rating.clock import micros
from domain.refusal import BadValue

LENGTH_MAX: Final = 2000
PARTS_MAX: Final = 50
_OFFSET: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def keys_of(name: str) -> tuple[int, list[int]]:
    """Return the start (µs) that a name tells, and every key that it may stand for.

    A reference or a leg may hold the stroke itself, so each place where the one may end is a candidate.
    Refuses with: BadValue.

    >>> start, keys = keys_of("asterisk/1613565123.42/17/2021-02-17T12:32:07Z/0")
    >>> start, len(keys)
    (1613565127000000, 1)
    """
    parts = name.split("/")
    if len(name) > LENGTH_MAX or not 5 <= len(parts) <= PARTS_MAX or not _OFFSET.fullmatch(parts[-1]):
        raise BadValue(
            "{name!r} is neither an event's id nor source/ref/leg/start/offset", name=name[:80], field="event"
        )
    try:
        start = micros(utc(datetime.fromisoformat(parts[-2])))
    except ValueError:
        raise BadValue(
            "{parts!r} is not an instant such as 2026-03-02T08:00:00Z", parts=parts[-2][:40], field="event"
        ) from None
    middle = parts[1:-2]
    cuts = range(1, len(middle))
    frame = pl.DataFrame(
        {
            "source": [parts[0]] * len(cuts),
            "ref": ["/".join(middle[:cut]) for cut in cuts],
            "leg": ["/".join(middle[cut:]) for cut in cuts],
            "start": [start] * len(cuts),
            "offset": [int(parts[-1])] * len(cuts),
        },
        schema={"source": pl.String, "ref": pl.String, "leg": pl.String, "start": pl.Int64, "offset": pl.Int64},
    )
    return start, event_keys(frame).tolist()
