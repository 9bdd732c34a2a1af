from __future__ import annotations

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
