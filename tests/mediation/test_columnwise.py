"""Sessions joined in columns are what they are part by part: the same events, in the same order, batch by batch."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

from domain.mediation import columnwise
from domain.mediation.columnwise import Columnwise
from tests.mediation.running import batches
from tests.mediation.samples import CEL, HUAWEI, PGW
from tests.mediation.test_variants import gateway

NOW = 1_772_445_600


def _nothing(parts: pl.DataFrame, *_: object, **__: object) -> Columnwise:
    """Leave everything to be joined part by part."""
    return Columnwise(columnwise._events(parts.clear()), parts, parts.clear(), parts.clear())


def dialogs(chance: random.Random) -> bytes:
    """Return lines of a proxy: few dialogs, so that they meet; late, doubled, forked, without times, too long."""
    lines = []
    for _ in range(chance.randrange(1, 40)):
        call, swapped = chance.randrange(12), chance.random() < 0.3
        method = chance.choice(["INVITE", "INVITE", "BYE", "BYE", "ACK", "MESSAGE", "OPTIONS"])
        tags = ("t", f"u{chance.randrange(2) if chance.random() < 0.2 else 0}")
        at = NOW + chance.choice([0, 0, 1, 5, 60, 3_600, 90_000, 200_000]) + chance.randrange(3)
        time = "" if chance.random() < 0.1 else str(at)
        code = chance.choice(["200", "200", "200", "487", "202"])
        who = chance.choice(["acc|0846500401|0701740605||", "acc||||", "acc|0846500402|||"])
        lines.append(
            "|".join([method, *(reversed(tags) if swapped else tags), f"c{call}", code, "OK", time, who, "1:1"])
        )
    return "\n".join([*lines, ""]).encode()


def segments(chance: random.Random) -> bytes:
    """Return rows of a 3CX: segments of a few calls, far apart, at the same time, unanswered, again."""

    def clock(at: int) -> str:
        return datetime.fromtimestamp(at, UTC).strftime("%Y/%m/%d %H:%M:%S")

    lines = []
    for _ in range(chance.randrange(1, 40)):
        call = chance.randrange(10)
        at = NOW + chance.choice([0, 0, 7, 60, 3_600, 90_000, 200_000])
        lasted = chance.choice([0, 5, 60, 3_599, 50_000])
        answered = clock(at + 3) if lasted and chance.random() < 0.8 else ""
        hms = f"{lasted // 3600:02d}:{lasted // 60 % 60:02d}:{lasted % 60:02d}" if answered else ""
        a, b = chance.choice([("Ext.100", "0846500401"), ("", "0846500401"), ("+46701740605", "Ext.100")])
        head = chance.choice(["Call", "Call", "Call", "Line"])
        fields = [
            f"{head} {call}",
            f"0_{call}",
            hms,
            clock(at),
            answered,
            clock(at + 3 + lasted),
            "Term",
            a,
            b,
            "Ext.100",
        ]
        lines.append(",".join([*fields, *[""] * 10]))
    return "\n".join([*lines, ""]).encode()


def channels(chance: random.Random) -> bytes:
    """Return events of a few calls' channels: most as they should be, some without a part of theirs, in disorder."""
    lines = []
    for call in range(chance.randrange(1, 8)):
        at = NOW + chance.choice([0, 0, 100, 90_000])
        kinds = ["CHAN_START", "ANSWER", "HANGUP", "CHAN_END", "LINKEDID_END"]
        if chance.random() < 0.3:
            kinds.pop(chance.randrange(5))
        kinds[1:1] = ["APP_START"] * chance.randrange(3)
        if chance.random() < 0.2:
            chance.shuffle(kinds)
        for step, kind in enumerate(kinds):
            own = f"{call}.{0 if chance.random() < 0.9 else 1}"
            number, rdnis = chance.choice(["101", "101", ""]), chance.choice(["", "", "", "0846500499"])
            extra = chance.choice(["", '{""hangupcause"":16}'])
            stamp = f"{at + step * chance.choice([0, 1, 20])}.{chance.randrange(9)}"
            lines.append(
                f'"{kind}","{stamp}","","{number}","","{rdnis}","","0846500401","c","P/{own}","Dial","","3","","{own}",'
                f'"{call}.0","","","","{extra}"'
            )
            if chance.random() < 0.05:
                lines.append(lines[-1])
    return "\n".join([*lines, ""]).encode()


def bearers(chance: random.Random) -> bytes:
    """Return records of a gateway: some whole, some in parts, some again."""
    return b"".join(
        gateway(
            "bf4f",
            charging=chance.randrange(1, 8),
            cause=chance.choice([0, 0, 0, 1, 16]),
            sequence=chance.choice([0, 0, 1, 2, 3]),
        )
        for _ in range(chance.randrange(1, 20))
    )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize(
    ("profile", "write"), [("opensips", dialogs), ("3cx", segments), ("pgw-3gpp", bearers), ("asterisk-cel", channels)]
)
def test_columns_say_what_parts_say(
    profile: str, write: Callable[[random.Random], bytes], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(random.Random(seed))
    for size in (50_000, 5):
        in_columns = batches(profile, data, records_per_batch=size)
        with monkeypatch.context() as patched:
            patched.setattr(columnwise, "join", _nothing)
            by_parts = batches(profile, data, records_per_batch=size)
        assert len(in_columns) == len(by_parts)
        for one, other in zip(in_columns, by_parts, strict=True):
            assert one.events.to_dicts() == other.events.to_dicts()
            assert one.rejects.to_dicts() == other.rejects.to_dicts()
            assert one.balance == other.balance
            rows = pl.Series(range(one.events.height), dtype=pl.UInt32)
            assert one.written(rows) == other.written(rows)


@pytest.mark.parametrize(("profile", "data"), [("huawei-msc", HUAWEI), ("pgw-3gpp", PGW), ("asterisk-cel", CEL)])
def test_what_is_plain_is_joined_in_columns(profile: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    join = columnwise.join

    def counted(*given: object, **named: object) -> Columnwise:
        found = join(*given, **named)  # type: ignore[arg-type]  # as it was called
        told.append(found.events.height)
        return found

    monkeypatch.setattr(columnwise, "join", counted)
    batches(profile, data)
    assert sum(told)
