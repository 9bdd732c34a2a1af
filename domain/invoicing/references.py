"""Payment references that a bank checks: Swedish OCR, Norwegian KID, Finnish viite, ISO 11649 (RF), Danish FIK.

Bankgirot "OCR-referenskontroll"; Finans Norge KID; Finanssiala viitenumero; ISO 11649; Danish Betalingsservice +71/+75.
Every function takes digits and returns the whole reference; ``*_valid`` tells whether a reference is one. Spaces are
the printer's, not the reference's. Each refuses with BadValue what cannot become a reference.
"""

from __future__ import annotations

import re
from enum import StrEnum

from domain.refusal import BadValue

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_RF_BODY = re.compile(r"[0-9A-Z]{1,21}", re.ASCII)
OCR_MIN, OCR_MAX = 2, 25
OCR_FIXED_LENGTH = 10  # what the level ``fixed`` is agreed with the bank as, unless a caller says another


class OcrLevel(StrEnum):
    """What the bank agreement checks: nothing, the check digit, also the length digit, or a fixed length."""

    SOFT = "soft"
    CHECK = "check"
    LENGTH = "length"
    FIXED = "fixed"


def luhn(digits: str) -> str:
    """Return the mod 10 check digit (ISO/IEC 7812-1): weights 2, 1 from the right.

    >>> luhn("12345")
    '5'
    """
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - index % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def luhn_valid(digits: str) -> bool:
    """Tell whether the last digit is the check digit of those before it.

    >>> luhn_valid("5567037485"), luhn_valid("5567037486")
    (True, False)
    """
    return len(digits) > 1 and bool(_DIGITS.fullmatch(digits)) and luhn(digits[:-1]) == digits[-1]


def ocr(number: str, level: OcrLevel = OcrLevel.LENGTH, *, length: int | None = None) -> str:
    """Make a Swedish OCR reference; ``length`` is the agreed one of the level ``fixed``.

    >>> ocr("12345", OcrLevel.CHECK), ocr("12345"), ocr("12345", OcrLevel.FIXED, length=10)
    ('123455', '1234574', '0000123455')
    """
    _digits(number)
    match level:
        case OcrLevel.SOFT | OcrLevel.CHECK:
            made = number + luhn(number)
        case OcrLevel.LENGTH:
            body = f"{number}{(len(number) + 2) % 10}"
            made = body + luhn(body)
        case OcrLevel.FIXED:
            if length is None:
                raise BadValue("a reference of fixed length needs the agreed length")
            body = number.zfill(length - 1)
            made = body + luhn(body)
            if len(made) != length:
                raise BadValue("{number} does not fit in a reference of {length} digits", number=number, length=length)
    if not OCR_MIN <= len(made) <= OCR_MAX:
        raise BadValue(
            "an OCR reference has {ocr_min} to {ocr_max} digits; {made} has {count}",
            ocr_min=OCR_MIN,
            ocr_max=OCR_MAX,
            made=made,
            count=len(made),
        )
    return made


def ocr_valid(reference: str, level: OcrLevel = OcrLevel.LENGTH, *, lengths: tuple[int, ...] = ()) -> bool:
    """Tell whether the bank would pass it at this level; ``soft`` passes any digits."""
    if not (_DIGITS.fullmatch(reference) and OCR_MIN <= len(reference) <= OCR_MAX):
        return False
    if level is OcrLevel.SOFT:
        return True
    if not luhn_valid(reference):
        return False
    if level is OcrLevel.LENGTH:
        return int(reference[-2]) == len(reference) % 10
    return level is OcrLevel.CHECK or len(reference) in lengths


def kid_mod10(number: str) -> str:
    """Make a Norwegian KID with a mod 10 digit.

    >>> kid_mod10("1234")
    '12344'
    """
    return _kid(number, luhn(_digits(number)))


def kid_mod11(number: str) -> str:
    """Make a Norwegian KID with a mod 11 digit (weights 2 to 7; ten is written ``-``).

    >>> kid_mod11("1234"), kid_mod11("234567")
    ('12343', '2345676')
    """
    total = sum(int(digit) * (2 + index % 6) for index, digit in enumerate(reversed(_digits(number))))
    rest = 11 - total % 11
    return _kid(number, {10: "-", 11: "0"}.get(rest, str(rest)))


def kid_valid(reference: str) -> bool:
    """Tell whether it is a KID by either rule."""
    body = reference[:-1]
    if not (2 <= len(reference) <= 25 and _DIGITS.fullmatch(body)):
        return False
    return reference in {kid_mod10(body), kid_mod11(body)}


def viite(number: str) -> str:
    """Make a Finnish reference: 3 to 19 digits and a 7-3-1 check digit.

    >>> viite("123456"), viite("1234567")
    ('1234561', '12345672')
    """
    body = _digits(number).lstrip("0")
    if not 3 <= len(body) <= 19:
        raise BadValue(
            "a Finnish reference has 3 to 19 digits before its check digit; {number} has {count}",
            number=number,
            count=len(body),
        )
    total = sum(int(digit) * (7, 3, 1)[index % 3] for index, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


def viite_valid(reference: str) -> bool:
    """Tell whether it is a Finnish reference; leading zeros do not count."""
    body = reference.lstrip("0")
    return bool(_DIGITS.fullmatch(reference)) and 4 <= len(body) <= 20 and viite(body[:-1]) == body


def rf(body: str) -> str:
    """Make an ISO 11649 creditor reference.

    >>> rf("2348236"), rf("123ABCZ")
    ('RF332348236', 'RF35123ABCZ')
    """
    text = body.upper()
    if not _RF_BODY.fullmatch(text):
        raise BadValue("{body!r} is not 1 to 21 letters and digits (ISO 11649)", body=body)
    return f"RF{98 - _mod97(text + 'RF00'):02d}{text}"


def rf_valid(reference: str) -> bool:
    """Tell whether it is an ISO 11649 reference."""
    text = reference.upper()
    return bool(re.fullmatch(r"RF[0-9]{2}[0-9A-Z]{1,21}", text, re.ASCII)) and _mod97(text[4:] + text[:4]) == 1


def fik(number: str, *, kind: str = "71") -> str:
    """Make the payment id of a Danish slip: 15 digits for kind 71, 16 for 75, the last a mod 10 digit.

    >>> fik("00404040000066"), fik("1")
    ('004040400000669', '000000000000018')
    """
    length = {"71": 15, "75": 16}.get(kind)
    if length is None:
        raise BadValue("a slip of kind {kind} has no payment id; 71 and 75 have", kind=kind)
    body = _digits(number).zfill(length - 1)
    if len(body) >= length:
        raise BadValue(
            "{number} does not fit in the {length} digits of a slip of kind {kind}",
            number=number,
            length=length,
            kind=kind,
        )
    return body + luhn(body)


def fik_valid(payment_id: str, *, kind: str = "71") -> bool:
    """Tell whether it is the payment id of a slip of this kind."""
    return len(payment_id) == {"71": 15, "75": 16}.get(kind) and luhn_valid(payment_id)


def _kid(number: str, check: str) -> str:
    if not 2 <= len(number) + 1 <= 25:
        raise BadValue(
            "a KID has 2 to 25 characters; {number}{check} has {count}",
            number=number,
            check=check,
            count=len(number) + 1,
        )
    return number + check


def _mod97(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text)) % 97


def _digits(number: str) -> str:
    if not _DIGITS.fullmatch(number):
        raise BadValue("{number!r} is not digits", number=number)
    return number


def payment_reference(country: str, number: str, level: OcrLevel = OcrLevel.LENGTH) -> str:
    """Return the reference that payers in the seller's country give for an invoice number; ISO 11649 elsewhere.

    >>> [payment_reference(country, "100001") for country in ("SE", "NO", "FI", "DE")]
    ['10000180', '1000017', '1000012', 'RF69100001']
    """
    digits = "".join(character for character in number if character in "0123456789")
    match country:
        case "SE":
            return ocr(digits, level, length=OCR_FIXED_LENGTH if level is OcrLevel.FIXED else None)
        case "NO":
            return kid_mod10(digits)
        case "FI":
            return viite(digits)
        case "DK":
            return fik(digits)
    return rf(number.replace("-", ""))
