from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing import references as made
from domain.invoicing.references import OcrLevel
from domain.refusal import BadValue

digits = st.text("0123456789", min_size=3, max_size=19)


@pytest.mark.parametrize(
    ("call", "reference"),
    [
        (lambda: made.ocr("123", OcrLevel.CHECK), "1230"),
        (lambda: made.ocr("123"), "12351"),
        (lambda: made.ocr("1230"), "123067"),
        (lambda: made.ocr("123", OcrLevel.FIXED, length=8), "00001230"),
        (lambda: made.kid_mod10("1234"), "12344"),
        (lambda: made.kid_mod11("1234"), "12343"),
        (lambda: made.kid_mod11("234567"), "2345676"),
        (lambda: made.viite("123456"), "1234561"),
        (lambda: made.viite("1234567"), "12345672"),
        (lambda: made.rf("2348236"), "RF332348236"),
        (lambda: made.rf("123abcz"), "RF35123ABCZ"),
        (lambda: made.fik("1"), "000000000000018"),
        (lambda: made.fik("00404040000066"), "004040400000669"),
        (lambda: made.fik("1", kind="75"), "0000000000000018"),
    ],
)
def test_published_references(call, reference):
    assert call() == reference


@given(digits)
def test_what_is_made_is_valid_and_one_wrong_digit_is_seen(number):
    for reference, valid in (
        (made.ocr(number), made.ocr_valid),
        (made.ocr(number, OcrLevel.CHECK), lambda text: made.ocr_valid(text, OcrLevel.CHECK)),
        (made.fik(number[:14]), made.fik_valid),
    ):
        assert valid(reference)
        for place in range(len(reference)):
            wrong = str((int(reference[place]) + 1) % 10)
            assert not valid(reference[:place] + wrong + reference[place + 1 :])
    assert made.kid_valid(made.kid_mod10(number))
    assert made.kid_valid(made.kid_mod11(number))
    assert made.rf_valid(made.rf(number))


@given(st.integers(min_value=100, max_value=10**19 - 1))
def test_a_viite_is_valid_with_leading_zeros_too(number):
    reference = made.viite(str(number))
    assert made.viite_valid(reference)
    assert made.viite_valid("00" + reference)
    assert not made.viite_valid(reference[:-1] + str((int(reference[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "call",
    [
        lambda: made.ocr("12a"),
        lambda: made.ocr("٣٤٥"),
        lambda: made.ocr("1" * 25),
        lambda: made.ocr("123456789", OcrLevel.FIXED, length=8),
        lambda: made.ocr("1", OcrLevel.FIXED),
        lambda: made.viite("12"),
        lambda: made.viite("1" * 20),
        lambda: made.rf("A" * 22),
        lambda: made.fik("1" * 15),
        lambda: made.fik("1", kind="73"),
        lambda: made.kid_mod10("1" * 25),
    ],
)
def test_what_cannot_become_a_reference_is_refused(call):
    with pytest.raises(BadValue):
        call()


def test_levels_check_what_the_agreement_says():
    assert made.ocr_valid("1231", OcrLevel.SOFT)
    assert not made.ocr_valid("1231", OcrLevel.CHECK)
    assert made.ocr_valid("1230", OcrLevel.CHECK)
    assert not made.ocr_valid("1230", OcrLevel.LENGTH)
    assert made.ocr_valid("1230", OcrLevel.FIXED, lengths=(4, 8))
    assert not made.ocr_valid("1230", OcrLevel.FIXED, lengths=(5,))


# Worked out a second time, in other ways than the code's: by tables, columns and long division.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _ten(body: str) -> str:
    total = sum(_DOUBLED[int(one)] for one in body[::-1][::2]) + sum(int(one) for one in body[::-1][1::2])
    return str((10 - total % 10) % 10)


def _eleven(body: str) -> str:
    check = 11 - sum(weight * int(one) for weight, one in zip((2, 3, 4, 5, 6, 7) * 5, body[::-1], strict=False)) % 11
    return {10: "-", 11: "0"}.get(check, str(check))


def _seven_three_one(body: str) -> str:
    total = sum(weight * int(one) for weight, one in zip((7, 3, 1) * 7, body[::-1], strict=False))
    return str((total + 9) // 10 * 10 - total)


def _rf(body: str) -> str:
    rest = 0
    for one in body + "RF00":
        for figure in one if one.isdigit() else str(ord(one) - ord("A") + 10):
            rest = (rest * 10 + int(figure)) % 97
    return f"RF{98 - rest:02d}{body}"


def _or_none(call: Callable[..., str], *given: Any, **more: Any) -> str | None:
    try:
        return call(*given, **more)
    except BadValue:
        return None


def test_thousands_of_numbers_of_all_lengths_come_to_what_the_standards_say():
    r, seen = random.Random(7), Counter[str]()
    for _ in range(4_000):
        number = "".join(r.choices("0123456789", k=r.randrange(1, 28)))
        count, length, short = len(number), r.randrange(2, 26), number.lstrip("0")
        body = f"{number}{(count + 2) % 10}"
        padded = number.rjust(length - 1, "0")
        letters = "".join(r.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=r.randrange(1, 24)))
        for found, wanted in (
            (_or_none(made.ocr, number), body + _ten(body) if count <= 23 else None),
            (_or_none(made.ocr, number, OcrLevel.CHECK), number + _ten(number) if count <= 24 else None),
            (_or_none(made.ocr, number, OcrLevel.SOFT), number + _ten(number) if count <= 24 else None),
            (
                _or_none(made.ocr, number, OcrLevel.FIXED, length=length),
                padded + _ten(padded) if count < length else None,
            ),
            (_or_none(made.kid_mod10, number), number + _ten(number) if count <= 24 else None),
            (_or_none(made.kid_mod11, number), number + _eleven(number) if count <= 24 else None),
            (_or_none(made.viite, number), short + _seven_three_one(short) if 3 <= len(short) <= 19 else None),
            (_or_none(made.rf, number), _rf(number) if count <= 21 else None),
            (_or_none(made.rf, letters), _rf(letters) if len(letters) <= 21 else None),
            (_or_none(made.fik, number), number.zfill(14) + _ten(number) if count <= 14 else None),
            (_or_none(made.fik, number, kind="75"), number.zfill(15) + _ten(number) if count <= 15 else None),
        ):
            assert found == wanted, number
            seen[(found or "none")[-1]] += 1
    assert seen["-"] > 100
    assert set("0123456789") <= seen.keys()
