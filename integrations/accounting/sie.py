"""SIE 4, type 4I: vouchers for a Swedish accounting system (SIE-Gruppen, "SIE filformat", utgåva 4B, 2008-09-30).

CP437 with one record a line, ``#KSUMMA`` as CRC-32 over labels and fields (section 5.5). Amounts have two decimals;
debit is positive. What the character set lacks is written with what it has; what cannot be is refused.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import metadata
from typing import Final

from domain.ledger.journal import Voucher
from domain.refusal import BadValue

# En and em dash, the four typographic quotes, and the euro sign.
_SUBSTITUTES: Final = str.maketrans(
    {
        "\u2013": "-",
        "\u2014": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": "'",
        "\u201d": "'",
        "\u20ac": "EUR",
        '"': "'",
    }
)
_NAMES: Final = {
    "1510": "Kundfordringar",
    "1930": "Företagskonto",
    "2440": "Leverantörsskulder",
    "2611": "Utgående moms på försäljning inom Sverige, 25 %",
    "2621": "Utgående moms på försäljning inom Sverige, 12 %",
    "2631": "Utgående moms på försäljning inom Sverige, 6 %",
    "2641": "Debiterad ingående moms",
    "2670": "Utgående moms på försäljning inom EU, OSS",
    "2979": "Övriga förutbetalda intäkter",
    "2999": "OBS-konto",
    "3041": "Försäljning tjänster 25 % moms Sverige",
    "3305": "Försäljning tjänster till land utanför EU",
    "3308": "Försäljning tjänster till annat EU-land",
    "3740": "Öres- och kronutjämning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Whose books they are. A Swedish ``organisation_number`` is ten digits; ``currency`` is that of all amounts."""

    name: str
    organisation_number: str
    currency: str = "SEK"


def encode(vouchers: Sequence[Voucher], company: Company, *, made_on: dt.date) -> bytes:
    """Write a SIE 4I file.

    Refuses with: BadValue (a text that CP437 cannot hold, an amount of more than two decimals).
    """
    records = [[_plain(field) for field in record] for record in _records(vouchers, company, made_on)]
    summed = checksum(records)
    head, *rest = records
    lines = [_line(head), "#KSUMMA", *map(_line, rest), f"#KSUMMA {summed}"]
    return b"".join(_bytes(line) + b"\r\n" for line in lines)


def checksum(records: Iterable[Sequence[str]]) -> int:
    """Return the CRC-32 of a file's records without its first, ``#FLAGGA``: labels and fields with nothing between."""
    kept = [record for record in records if record[0] not in {"#FLAGGA", "#KSUMMA"}]
    return zlib.crc32(b"".join(_bytes(field) for record in kept for field in record if field not in {"{", "}"}))


def parse(data: bytes) -> Iterator[list[str]]:
    """Yield the records of a SIE file as label and fields, an object list's fields with the others'."""
    for raw in data.decode("cp437").splitlines():
        fields = _fields(raw.strip())
        if fields:
            yield fields


def _records(vouchers: Sequence[Voucher], company: Company, made_on: dt.date) -> Iterator[list[str]]:
    number = company.organisation_number
    swedish = len(number) == 10 and number.isdigit()
    yield ["#FLAGGA", "0"]
    yield ["#PROGRAM", "Tollwright", metadata.version("tollwright")]
    yield ["#FORMAT", "PC8"]
    yield ["#GEN", f"{made_on:%Y%m%d}"]
    yield ["#SIETYP", "4"]
    yield ["#ORGNR", f"{number[:6]}-{number[6:]}" if swedish else number]  # a hyphen after the sixth digit
    yield ["#FNAMN", company.name]
    yield ["#VALUTA", company.currency]
    for account in sorted({row.account for voucher in vouchers for row in voucher.rows}):
        yield ["#KONTO", account, _NAMES.get(account, f"Konto {account}")]
    for voucher in vouchers:
        yield ["#VER", voucher.series, "", f"{voucher.dated_on:%Y%m%d}", voucher.text]
        yield ["{"]
        for row in voucher.rows:
            yield ["#TRANS", row.account, "{", "}", _amount(row.amount)]
        yield ["}"]


def _amount(amount: Decimal) -> str:
    if amount != amount.quantize(Decimal("0.01")):
        raise BadValue("{amount} has more than the two decimals of a SIE file", amount=amount)
    return f"{amount:.2f}"


def _line(record: Sequence[str]) -> str:
    label, *fields = record
    if label == "#TRANS":  # behind the account stands its list of objects
        account, _, _, *rest = fields
        return " ".join([label, _quoted(account), "{}", *map(_quoted, rest)])
    return " ".join([label, *map(_quoted, fields)])


def _quoted(field: str) -> str:
    """Return a field as it stands in a line; in quotes where it is none, two or a list without them."""
    plain = field and field.isascii() and not set(field) & set(" {}")
    return field if plain else f'"{field}"'


def _plain(text: str) -> str:
    """Return a field as it can stand in a line: no control characters, no quotes of its own, no backslash at its end.

    Before the closing quote a backslash would make that a quote of the text.
    """
    plain = "".join(" " if ord(character) < 32 else character for character in text).translate(_SUBSTITUTES)
    return plain.rstrip("\\")


def _bytes(text: str) -> bytes:
    """Encode in CP437; a letter with a mark that it lacks loses the mark, anything else is refused."""
    out = bytearray()
    for character in text:
        try:
            out += character.encode("cp437")
        except UnicodeEncodeError:
            bare = unicodedata.normalize("NFKD", character).encode("cp437", "ignore")
            if not bare:
                raise BadValue(
                    "{character!r} in {text!r} cannot be written in a SIE file (CP437)", character=character, text=text
                ) from None
            out += bare
    return bytes(out)


def _fields(line: str) -> list[str]:
    fields: list[str] = []
    field, inside, started = "", False, False
    index = 0
    while index < len(line):
        character = line[index]
        if character == "\\" and index + 1 < len(line) and line[index + 1] == '"':
            field, started, index = field + '"', True, index + 2
            continue
        if character == '"':
            inside, started = not inside, True
        elif inside or character not in " \t{}":
            field, started = field + character, True
        else:
            if started:
                fields.append(field)
            field, started = "", False
            if character in "{}":
                fields.append(character)
        index += 1
    return [*fields, field] if started else fields
