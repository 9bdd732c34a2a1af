"""Which module reads which payment format, and which format a file's content is.

A new format is one module with ``recognises(bytes) -> bool`` and ``read(bytes) -> PaymentFile``, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.payments.record import FORMATS, PaymentFile
from domain.refusal import BadValue, LimitExceeded, Unreadable
from integrations.payments import (
    autogiro,
    bgmax,
    camt,
    dk_bs,
    fi_ktl,
    fi_tito,
    mt940,
    nets_avtalegiro,
    nets_ocr,
    pain,
)

AUTO: Final = "auto"
BYTES_MAX: Final = 256 << 20
# Digits, capital letters and blanks of EBCDIC, as a mainframe's file has them that was moved without conversion.
_EBCDIC: Final = frozenset([0x40, *range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA), *range(0xF0, 0xFA)])


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is known again and read."""

    recognises: Callable[[bytes], bool]
    read: Callable[[bytes], PaymentFile]


_FORMATS: Final = {
    "camt054": Format(camt.recognises_054, camt.read_054),
    "camt053": Format(camt.recognises_053, camt.read_053),
    "pain002": Format(pain.recognises_002, pain.read_002),
    "pain008": Format(pain.recognises_008, pain.read_008),
    "autogiro": Format(autogiro.recognises, autogiro.read),
    "bgmax": Format(bgmax.recognises, bgmax.read),
    "nets_ocr": Format(nets_ocr.recognises, nets_ocr.read),
    "nets_avtalegiro": Format(nets_avtalegiro.recognises, nets_avtalegiro.read),
    "fi_ktl": Format(fi_ktl.recognises, fi_ktl.read),
    "fi_tito": Format(fi_tito.recognises, fi_tito.read),
    "dk_bs": Format(dk_bs.recognises, dk_bs.read),
    "mt940": Format(mt940.recognises, mt940.read),
}
assert tuple(_FORMATS) == FORMATS


def of_content(data: bytes) -> str:
    """Return the format of a file's content. Refuses with: Unreadable."""
    for name, known in _FORMATS.items():
        if known.recognises(data):
            return name
    raise Unreadable("not a payment file of a format that is read; there are {listed}", listed=", ".join(FORMATS))


def check_letters(data: bytes) -> None:
    """Refuse with Unreadable bytes in a character set that no payment format is in."""
    head = data[:400]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head:
        wrong = "UTF-16"
    elif head[0] in _EBCDIC and sum(byte in _EBCDIC for byte in head) > len(head) // 2:
        wrong = "EBCDIC"
    else:
        return
    raise Unreadable(
        "the file is in {wrong}, and payment files are in ISO-8859-1 or UTF-8: have it sent again without conversion; "
        "nothing was taken from it",
        wrong=wrong,
    )


def read(data: bytes, name: str = AUTO) -> PaymentFile:
    """Read a payment file, whole or not at all.

    Refuses with: BadValue (no such format), LimitExceeded (over 256 MiB), Unreadable.
    """
    if name != AUTO and name not in _FORMATS:
        raise BadValue(
            "no format {name!r}; there are {auto}, {listed}",
            name=name,
            auto=AUTO,
            listed=", ".join(FORMATS),
            field="format",
        )
    if len(data) > BYTES_MAX:
        raise LimitExceeded(
            "a payment file of {count} bytes; {bytes_max} are the most", count=len(data), bytes_max=BYTES_MAX
        )
    if not data.strip():
        raise Unreadable("the file is empty; nothing was taken from it")
    check_letters(data)
    chosen = of_content(data) if name == AUTO else name
    if not _FORMATS[chosen].recognises(data):
        other = next((known for known, one in _FORMATS.items() if one.recognises(data)), None)
        hint = f"; it looks like {other}" if other else ""
        raise Unreadable("not a file of the format {chosen}{hint}; nothing was taken from it", chosen=chosen, hint=hint)
    return _FORMATS[chosen].read(data)
