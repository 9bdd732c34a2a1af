"""The words and number forms of a printed invoice, per language; English where a language is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.invoicing.invoice import Unit
from domain.invoicing.vat import VatTreatment
from domain.period import Period
from domain.telling.language import Language, accepted
from integrations.printing import danish, english, finnish, german, norwegian, swedish


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that is printed in one language. ``say`` holds words by an English key."""

    language: Language
    say: Mapping[str, str]
    units: Mapping[Unit, str]

    def __getitem__(self, key: str) -> str:
        return self.say[key]

    def number(self, value: Decimal, decimals_min: int = 0, decimals_max: int = 8) -> str:
        """Write a number with the language's marks, as many decimals as it has within the bounds."""
        text = f"{value:.{decimals_max}f}"
        whole, _, part = text.partition(".")
        part = part.rstrip("0").ljust(decimals_min, "0")
        sign, digits = ("\u2212", whole[1:]) if whole.startswith("-") else ("", whole)
        grouped = f"{int(digits):,}".replace(",", self.language.group)
        zero = not int(digits) and not part.strip("0")
        return ("" if zero else sign) + (f"{grouped}{self.language.point}{part}" if part else grouped)

    def day(self, day: date) -> str:
        """Write a day as the language does.

        >>> from datetime import date
        >>> words("sv").day(date(2026, 10, 1)), words("fi").day(date(2026, 10, 1)), words("de").day(date(2026, 10, 1))
        ('2026-10-01', '1.10.2026', '01.10.2026')
        """
        return self.language.day(day)

    def clock(self, at: datetime) -> str:
        """Write the time of day of a local time, with its seconds."""
        return at.strftime(self.language.moment.partition(" ")[2])

    def days(self, period: Period) -> str:
        """Write a period with the last day that belongs to it, the year once.

        >>> from datetime import date
        >>> october = Period(date(2026, 10, 1), date(2026, 11, 1))
        >>> words("sv").days(october), words("da").days(october)
        ('2026-10-01 – 10-31', '01.10. – 31.10.2026')
        """
        last = period.end - timedelta(days=1)
        first, end = self.day(period.start), self.day(last)
        if last == period.start:
            return first
        if last.year == period.start.year:
            year = f"{last.year:04d}"
            if end.startswith(year):
                end = end.removeprefix(f"{year}-")
            else:
                first = first.removesuffix(year)
        return f"{first} – {end}"

    def money(self, value: Decimal, decimals: int = 2) -> str:
        """Write an amount with the decimals of its currency.

        >>> words("sv").money(Decimal("0.5")), words("en").money(Decimal("1234.5"))
        ('0,50', '1,234.50')
        """
        return self.number(value, decimals, decimals)


_WORDS: Final = {
    "en": english,
    "sv": swedish,
    "nb": norwegian,
    "da": danish,
    "fi": finnish,
    "de": german,
}
_UNITS: Final = {"piece": Unit.PIECE, "minute": Unit.MINUTE, "megabyte": Unit.MEGABYTE, "month": Unit.MONTH}


def words(language: str) -> Words:
    """Return the words of a language (ISO 639-1)."""
    known = accepted(language)
    said = _WORDS[known.code]
    units = {unit: said.UNITS[name] for name, unit in _UNITS.items()}
    return Words(language=known, say=said.SAY, units=units)


def length(used: int, mode: str, said: Words) -> str:
    """Write how long, how many or how much an event was.

    >>> length(3725, "voice", words("sv")), length(61, "voice", words("sv")), length(1, "sms", words("sv"))
    ('1:02:05', '1:01', '1 st')
    """
    if mode in {"sms", "mms"}:
        return f"{used} {said.units[Unit.PIECE]}"
    if mode == "data":
        return f"{said.number(Decimal(used) / 1000, 2, 2)} MB"
    minutes, seconds = divmod(used, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def grouped_bankgiro(digits: str) -> str:
    """Write a bankgiro number as it is read: ``5050-1055``, ``505-1055``.

    >>> grouped_bankgiro("50501055"), grouped_bankgiro("5051055")
    ('5050-1055', '505-1055')
    """
    return f"{digits[:-4]}-{digits[-4:]}"


def grouped_organisation(number: str, country: str) -> str:
    """Write a Swedish organisation number with its hyphen, another as it is."""
    return f"{number[:6]}-{number[6:]}" if country == "SE" and len(number) == 10 else number


def law(treatment: VatTreatment, said: Words) -> str:
    """Return why no VAT is charged in the payer's words, and in the law's behind them where those are others."""
    law, told = treatment.words or "", said.say.get(f"vat_{treatment.category}", "")
    return f"{told} ({law})" if told and told != law else law
