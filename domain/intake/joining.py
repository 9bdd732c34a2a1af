"""The parts of a chunk joined with those of other files: which events that makes, and which of before it takes back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from domain.intake.rows import event_contents
from domain.mediation.events import Balance, Batch
from domain.mediation.finishing import FAULTS, UNFINISHED_SCHEMA, finished
from domain.mediation.held import (
    CONTROL,
    COUNTED,
    DUPLICATE,
    EVENT,
    GONE,
    MERGED,
    PENDING,
    REJECT,
    Held,
    Told,
    Verdict,
    verdicts,
)
from domain.mediation.identity import event_keys
from domain.mediation.profile import Profile
from domain.mediation.session import Row
from domain.mediation.verdicts import reject_rows

Identity = tuple[int, int]
_REFUSED: Final = {
    "conflicting_duplicate": "the same part came with other content",
    "overflow": "a session of more than 10000 parts",
}
RATED: Final = "rated"
UNRATED: Final = "unrated"


@dataclass(slots=True)
class Telling:
    """A verdict that is told anew in this chunk; ``place`` is the part that it stands under."""

    held: Held
    verdict: Verdict
    place: Row
    told: Told


@dataclass(slots=True)
class Joining:
    """What joining comes to, before the database was asked what it has.

    ``batch``: the chunk with the events and rejects that are told. ``undo``: events told before that do not hold any
    more; ``dropped``: rejects likewise. ``moved``: of each part whose state changes, what it was; ``gone`` is decided
    when both were looked for. ``later``: sessions of which something must be told that this file has no part of.
    """

    file: int
    held: Mapping[str, Held]
    batch: Batch
    tellings: list[Telling]
    undo: list[Told]
    dropped: list[Told]
    moved: list[tuple[Row, str]]
    later: set[str] = field(default_factory=set)

    def shifts(self, undone: Mapping[Identity, str], dropped: Collection[tuple[int, int]]) -> dict[int, dict[str, int]]:
        """Return how the counts of each file move by its parts that were counted before.

        ``undone``: of the events that were found, whether they were rated; ``dropped``: the rejects that were found.
        What was not found has left suspense by hand and is counted there. The parts that something is told under now
        go back to pending, since the chunk's own balance takes them from there.
        """
        statuses = {(one.file, one.record): undone.get((one.start, one.key)) for one in self.undo if one.kind == EVENT}
        anew = {id(one.place) for one in self.tellings}
        found: dict[int, dict[str, int]] = {}
        for part, before in self.moved:
            place, told = (part["_file"], part["_line"]), id(part) in anew
            status = statuses.get(place)
            shift = found.setdefault(part["_file"], {})
            after = "pending" if told else COUNTED[part["_state"]]
            if before == GONE or (before == EVENT and status is None) or (before == REJECT and place not in dropped):
                if not told:
                    part["_state"] = GONE
                    continue
                names = [("discarded", -1)]
            else:
                names = [(COUNTED[before], -1)]
                if before == EVENT and status is not None:
                    names.append((status, -1))
            for name, count in (*names, (after, 1)):
                shift[name] = shift.get(name, 0) + count
        return found


def join(
    batch: Batch,
    held: Mapping[str, Held],
    profile: Profile,
    file: int,
    *,
    names: Mapping[int, str],
    touched: Collection[str],
) -> Joining:
    """Add a chunk's parts to their sessions and tell what changes by them.

    ``names``: of each place in ``batch.parts``, the session's name. ``touched``: sessions to look at besides.
    """
    ends = Balance()
    refused: list[tuple[Row, str, str]] = []
    looked = set(touched)
    for place, row in enumerate(batch.parts):
        name = names[place]
        no = held[name].take(row, file)
        if no == DUPLICATE:
            ends += Balance(pending=-1, duplicates=1)
        elif no is not None:
            ends += Balance(pending=-1, rejects=1)
            refused.append((row, no, _REFUSED[no]))
        elif row["_part"] == "reset":
            ends += Balance(pending=-1, ignored={CONTROL: 1})
        looked.add(name)
    resets = {one.scope: [part["start"] for part in one.parts] for one in held.values() if _restarts(one)}
    judged = [
        (held[name], verdict)
        for name in sorted(looked)
        if not _restarts(held[name])
        for verdict in verdicts(held[name], profile, resets.get(held[name].scope, ()))
    ]
    joining = Joining(file, held, replace(batch, balance=batch.balance + ends, parts=()), [], [], [], [])
    _tell(joining, judged, profile)
    joining.batch = _with_told(joining, refused, profile)
    return joining


def _restarts(held: Held) -> bool:
    return any(part["_part"] == "reset" for part in held.parts)


def _tell(joining: Joining, judged: Sequence[tuple[Held, Verdict]], profile: Profile) -> None:
    """Compare what sessions come to with what was told of them, and say what is new."""
    identities = _identities([verdict for _, verdict in judged], profile)
    events = joining.batch.events
    met = dict(
        zip(zip(events["start"].to_list(), event_keys(events).tolist(), strict=True), contents(events), strict=True)
    )
    for (one, verdict), identity in zip(judged, identities, strict=True):
        places = {(part["_file"], part["_line"]): part for part in verdict.parts}
        before = [told for told in one.told if (told.file, told.record) in places]
        wanted = identity if verdict.event is not None and verdict.fault is None else None
        if len(before) == 1 and _unchanged(before[0], verdict, wanted):
            under = (before[0].file, before[0].record)
            _states(joining, verdict, places[under], places[under]["_state"], anew=False)
            continue
        if verdict.event is not None and all(part["_file"] != joining.file for part in verdict.parts):
            joining.later.add(one.name)
            continue
        one.told = [told for told in one.told if told not in before]
        joining.undo += [told for told in before if told.kind != REJECT]
        joining.dropped += [told for told in before if told.kind == REJECT]
        if verdict.event is None:
            _states(joining, verdict, None, PENDING)
            continue
        place = _under(verdict, joining.file)
        kind = EVENT if wanted is not None else REJECT
        start, key, content = wanted or (0, 0, 0)
        if kind == EVENT and (start, key) in met:  # two sessions of one chunk that come to the same event
            kind = DUPLICATE if met[start, key] == content else REJECT
            verdict.fault = None if kind == DUPLICATE else "conflicting_duplicate"
        elif kind == EVENT:
            met[start, key] = content
        told = Told(kind, joining.file, place["_line"], start, key, content, verdict.fault or "", _flags(verdict))
        _states(joining, verdict, place, kind)
        joining.tellings.append(Telling(one, verdict, place, told))


def _unchanged(before: Told, verdict: Verdict, wanted: tuple[int, int, int] | None) -> bool:
    if verdict.event is None:
        return False
    if verdict.fault is not None:
        return before.kind == REJECT and before.reason == verdict.fault
    same = before.kind == DUPLICATE or before.flags == _flags(verdict)
    return before.kind != REJECT and same and (before.start, before.key, before.content) == wanted


def _flags(verdict: Verdict) -> str:
    return ",".join(verdict.event["flags"]) if verdict.event is not None else ""


def _under(verdict: Verdict, file: int) -> Row:
    """Return the part that a session is told under: the first of this file."""
    return min((part for part in verdict.parts if part["_file"] == file), key=lambda part: int(part["_line"]))


def _states(joining: Joining, verdict: Verdict, place: Row | None, state: str, *, anew: bool = True) -> None:
    """Set the state of every part: ``place`` gets ``state``, the others are merged, or pending without a place.

    A part that something is told under ``anew`` has moved though its state may be the same.
    """
    for part in verdict.parts:
        before = part["_state"]
        after = state if part is place or place is None else MERGED
        told = anew and part is place
        if told or before not in {after, GONE}:
            part["_state"] = after
            joining.moved.append((part, before))


def _identities(found: Iterable[Verdict], profile: Profile) -> list[tuple[int, int, int]]:
    """Return start, key and content of each verdict's event; zeros where there is none."""
    listed = list(found)
    good = [place for place, one in enumerate(listed) if one.event is not None and one.fault is None]
    identities = [(0, 0, 0)] * len(listed)
    if good:
        events = finished(_frame([listed[place].event or {} for place in good]), profile)
        each = zip(events["start"].to_list(), event_keys(events).tolist(), contents(events), strict=True)
        for place, identity in zip(good, each, strict=True):
            identities[place] = identity
    return identities


def contents(events: pl.DataFrame) -> list[int]:
    """Return each event's content's hash."""
    found: list[int] = event_contents(events).tolist()
    return found


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    told = [{**row, "_place": place, "_ignored": ""} for place, row in enumerate(rows)]
    return pl.DataFrame(told, schema=UNFINISHED_SCHEMA, infer_schema_length=None)


def _with_told(joining: Joining, refused: list[tuple[Row, str, str]], profile: Profile) -> Batch:
    """Return the chunk with the events and rejects that are told; each is under its part's place in this file."""
    good: list[Row] = []
    faults = list(refused)
    for one in joining.tellings:
        event: Row = one.verdict.event or {}
        at = {name: one.place[name] for name in ("_line", "_offset", "_raw")}
        if one.told.kind == EVENT:
            good.append({**event, **at})
        elif one.verdict.fault is not None:
            faults.append(({**event, **at}, one.verdict.fault, {**FAULTS, **_REFUSED}[one.verdict.fault]))
    batch = joining.batch
    again, bad = sum(one.told.kind == DUPLICATE for one in joining.tellings), len(faults) - len(refused)
    told = Balance(events=len(good), rejects=bad, duplicates=again, pending=-len(joining.tellings))
    rejects = reject_rows(
        pl.Series([row["_line"] for row, _, _ in faults], dtype=pl.Int64),
        pl.Series([row["_offset"] for row, _, _ in faults], dtype=pl.Int64),
        [fault for _, fault, _ in faults],
        [detail for _, _, detail in faults],
        [row["_raw"] for row, _, _ in faults],
    )
    frame = _frame(good)
    raws = [row["_raw"] for row in good]
    before = batch.raw

    def raw(places: pl.Series) -> list[str]:
        return [
            raws[~place] if place < 0 else before(pl.Series([place], dtype=pl.Int64))[0] for place in places.to_list()
        ]

    origins = pl.DataFrame(
        {"_offset": frame["_offset"], "_place": pl.Series(~np.arange(len(good), dtype=np.int64), dtype=pl.Int64)}
    )
    return replace(
        batch,
        events=pl.concat([batch.events, finished(frame, profile)]),
        rejects=pl.concat([batch.rejects, rejects]),
        balance=batch.balance + told,
        origins=pl.concat([batch.origins.select(pl.all().cast(pl.Int64)), origins]),
        raw=raw,
    )
