"""Number series: one per kind of document and seller, unbroken (ML 2023:200 17:24; one series per seller).

A number is the prefix, which ends with a hyphen, and digits; so no two series of an operator come to the same number. A
series goes forward only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import ResellerId
from domain.refusal import BadValue

NEXT_MAX = 10**12
_PREFIX = re.compile(r"([A-Z0-9]{1,11}-)?", re.ASCII)


class SeriesKind(StrEnum):
    """What is numbered. Customers and contracts have one series, and no prefix."""

    CUSTOMER = "customer"
    CONTRACT = "contract"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


OF_DOCUMENTS = frozenset({SeriesKind.INVOICE, SeriesKind.CREDIT_NOTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSeries:
    """A series and the number it gives next. ``reseller``: the seller whose it is; None: the operator."""

    kind: SeriesKind
    reseller: ResellerId | None = None
    prefix: str = ""
    next: int

    @property
    def name(self) -> str:
        """Return the name it is kept under."""
        return name_of(self.kind, self.reseller)


def name_of(kind: str, reseller: ResellerId | None) -> str:
    """Return the name of a seller's series.

    >>> name_of("invoice", None), name_of("invoice", ResellerId(7))
    ('invoice', 'invoice/7')
    """
    return str(kind) if reseller is None else f"{kind}/{reseller}"


def default_prefix(reseller: ResellerId | None) -> str:
    """Return the prefix of a seller's documents until another is chosen.

    >>> default_prefix(None), default_prefix(ResellerId(7))
    ('', 'R7-')
    """
    return "" if reseller is None else f"R{reseller}-"


def read_name(name: str) -> tuple[SeriesKind, ResellerId | None] | None:
    """Return the kind and seller of a name; None where it is another series."""
    kind, slash, seller = name.partition("/")
    if kind not in SeriesKind.__members__.values():
        return None
    return SeriesKind(kind), ResellerId(int(seller)) if slash else None


def check(series: NumberSeries, before: NumberSeries) -> NumberSeries:
    """Return a changed series. Refuses with: BadValue (a prefix that is none, a number that was given already)."""
    if not _PREFIX.fullmatch(series.prefix):
        raise BadValue(
            "a prefix has up to 11 capital letters and digits, and a hyphen at its end, such as 2026-", field="prefix"
        )
    if series.prefix and series.kind not in OF_DOCUMENTS:
        raise BadValue("only invoices and credit notes have a prefix", field="prefix")
    if not before.next <= series.next < NEXT_MAX:
        raise BadValue(
            "a series goes forward only: from {next} up to {most}", next=before.next, most=NEXT_MAX - 1, field="next"
        )
    return series


def counted(number: str) -> str:
    """Return the digits of a number behind its prefix, which payment references are made of.

    >>> counted("2026-100001"), counted("100001")
    ('100001', '100001')
    """
    return number.rpartition("-")[2]
