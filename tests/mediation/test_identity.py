from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.mediation.duplicates import CONFLICTING, EXACT, FRESH, Seen
from domain.mediation.events import EVENT_SCHEMA
from domain.mediation.identity import event_keys

MASK = 2**64 - 1


def plain(source: str, ref: str, leg: str, start: int, offset: int) -> int:
    """The hash of ``identity``'s page, in plain integers."""
    value = 0xCBF29CE484222325
    numbers = [(number & MASK).to_bytes(8, "little") for number in (start, offset)]
    for byte in b"".join([*(text.encode() + b"\0" for text in (source, ref, leg)), *numbers]):
        value = (value ^ byte) * 0x100000001B3 & MASK
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    value ^= value >> 33
    return value - 2**64 if value >= 2**63 else value


def frame(*rows: tuple[str, str, str, int, int]) -> pl.DataFrame:
    named = [dict(zip(("source", "ref", "leg", "start", "offset"), row, strict=True)) for row in rows]
    return pl.DataFrame(
        named, schema={name: EVENT_SCHEMA[name] for name in ("source", "ref", "leg", "start", "offset")}
    )


def test_the_hash_never_changes() -> None:
    """These values are in databases."""
    rows = [
        ("asterisk", "1706368044.0", "0", 1_706_368_044_000_000, 0),
        ("asterisk", "1706368044.0", "1", 1_706_368_044_000_000, 0),
        ("fs", "å", "", -1, 3600),
        ("", "", "", 0, 0),
    ]
    assert event_keys(frame(*rows)).tolist() == [
        -6_347_190_080_741_248_965,
        6_711_285_391_958_754_612,
        -7_303_619_078_439_798_264,
        -954_273_857_250_319_203,
    ]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            *[st.text(alphabet=st.characters(codec="utf-8"), max_size=20)] * 3,
            st.integers(-(2**63), 2**63 - 1),
            st.integers(0, 10**9),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_compiled_hash_is_the_written_one(rows: list[tuple[str, str, str, int, int]]) -> None:
    assert event_keys(frame(*rows)).tolist() == [plain(*row) for row in rows]


def test_a_slice_of_a_frame_has_the_same_keys() -> None:
    rows = [("s", str(number), "", number, 0) for number in range(100)]
    assert event_keys(frame(*rows))[40:60].tolist() == event_keys(frame(*rows)[40:60]).tolist()


def with_content(keys: list[int], amounts: list[int]) -> pl.DataFrame:
    rows = len(keys)
    return pl.DataFrame(
        {
            "source": ["s"] * rows, "ref": [str(key) for key in keys], "leg": [""] * rows, "start": [0] * rows,
            "offset": [0] * rows, "amount": amounts, "answered": [True] * rows, "a": ["1"] * rows, "b": ["2"] * rows,
            "mode": ["voice"] * rows, "direction": ["out"] * rows,
        },
        schema_overrides={"start": pl.Int64, "offset": pl.Int64, "amount": pl.Int64},
    )  # fmt: skip


def test_a_key_met_again_is_a_duplicate_or_a_conflict() -> None:
    seen = Seen()
    assert seen.meet(with_content([1, 2, 1, 1], [5, 5, 5, 6])).tolist() == [FRESH, FRESH, EXACT, CONFLICTING]
    assert seen.meet(with_content([2, 3], [5, 5])).tolist() == [EXACT, FRESH]


def test_many_keys_grow_the_memory() -> None:
    seen = Seen()
    keys = list(range(200_000))
    assert (seen.meet(with_content(keys, keys)) == FRESH).all()
    assert (seen.meet(with_content(keys, keys)) == EXACT).all()
    assert np.count_nonzero(seen.meet(with_content(keys[:10], [-1] * 10)) == CONFLICTING) == 10
