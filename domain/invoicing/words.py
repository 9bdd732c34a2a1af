"""The few words that invoice lines are written with, in the payer's language; English where it is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words of one language; ``modes`` by mode of usage."""

    modes: Mapping[str, str]
    one_time: str
    binding: str
    received: str
    late: str
    correction: str
    credit: str


_LANGUAGES: Final = {
    "sv": Words(
        modes={
            "voice": "Samtal",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Datatrafik",
            "fax": "Fax",
            "premium": "Betalsamtal",
            "video": "Videosamtal",
        },
        one_time="{text}, engångsavgift",
        binding="{text}, återstående bindningstid till {day}",
        received="mottagna",
        late="från tidigare period",
        correction="Korrigering av {text}, faktura {number}",
        credit="Kreditering av faktura {number}: {text}",
    ),
    "en": Words(
        modes={
            "voice": "Calls",
            "sms": "SMS",
            "mms": "MMS",
            "data": "Data",
            "fax": "Fax",
            "premium": "Premium calls",
            "video": "Video calls",
        },
        one_time="{text}, one-time fee",
        binding="{text}, rest of the binding until {day}",
        received="received",
        late="from an earlier period",
        correction="Correction of {text}, invoice {number}",
        credit="Credit of invoice {number}: {text}",
    ),
}


def words(language: str) -> Words:
    """Return the words of a language (ISO 639-1)."""
    return _LANGUAGES.get(language, _LANGUAGES["en"])
