"""What we send to banks and clearing houses: direct debits, requests about mandates, and refunds.

A writer (``integrations/payments``) is a pure function from these to bytes. Amounts are exact decimals in the major
unit of the currency, greater than zero, with no more decimals than the currency has.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.refusal import BadValue


class Scheme(StrEnum):
    """By which arrangement a payer lets us take what he owes.

    Autogiro (Sweden), AvtaleGiro (Norway), Betalingsservice (Denmark), SEPA direct debit of consumers and of companies.
    """

    AUTOGIRO = "autogiro"
    AVTALEGIRO = "avtalegiro"
    BETALINGSSERVICE = "betalingsservice"
    SEPA_CORE = "sepa_core"
    SEPA_B2B = "sepa_b2b"


CURRENCIES: Final = {
    Scheme.AUTOGIRO: "SEK",
    Scheme.AVTALEGIRO: "NOK",
    Scheme.BETALINGSSERVICE: "DKK",
    Scheme.SEPA_CORE: "EUR",
    Scheme.SEPA_B2B: "EUR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Creditor:
    """Who sends: what each scheme knows him by. None where he has no agreement of that kind.

    ``bankgiro`` and ``customer_no`` are Bankgirot's; ``nets_sender`` and ``nets_account`` Nets'; ``cvr``,
    ``pbs_number`` and ``debtor_group`` Betalingsservice's; ``creditor_id``, ``iban`` and ``bic`` the SEPA schemes'.
    """

    name: str
    bankgiro: str | None = None
    customer_no: str | None = None
    nets_sender: str | None = None
    nets_account: str | None = None
    cvr: str | None = None
    pbs_number: str | None = None
    debtor_group: str = "00001"
    creditor_id: str | None = None
    iban: str | None = None
    bic: str | None = None

    def need(self, *names: str) -> None:
        """Refuse with BadValue where something that a scheme asks for is not set."""
        for name in names:
            if not getattr(self, name):
                raise BadValue("the creditor's {name} is not set, and this file needs it", name=name, field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """One order to take money from a payer: ``key`` is our own name for it, which comes back with its outcome.

    ``payer_number`` is what the scheme knows the payer by; ``account`` an IBAN; ``sequence`` FRST, RCUR, OOFF or FNAL.
    """

    key: str
    payer_number: str
    amount: Decimal
    currency: str
    due_on: dt.date
    reference: str = ""
    name: str = ""
    account: str = ""
    bic: str = ""
    signed_on: dt.date | None = None
    sequence: str = "RCUR"
    text: tuple[str, ...] = ()
    notify: bool = False
    street: str = ""
    postcode: str = ""


class Ask(StrEnum):
    """What is asked about a mandate: that it is registered, that an e-mandate is refused, that it ends."""

    REGISTER = "register"
    REJECT = "reject"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateRequest:
    """A request about a mandate: ``account`` is clearing number and account; both are empty for a bankgiro payer."""

    ask: Ask
    payer_number: str
    account: str = ""
    identity: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One order to pay money back. ``account`` is an IBAN, or a number of a scheme: ``BGNR`` and ``BBAN`` of Sweden."""

    key: str
    name: str
    account: str
    amount: Decimal
    currency: str
    on: dt.date
    scheme: str = "IBAN"
    bic: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What goes into one file. ``number`` is the file's own among the creditor's, used once; ``made_at`` aware UTC."""

    creditor: Creditor
    number: int
    made_at: dt.datetime
    debits: tuple[Debit, ...] = ()
    requests: tuple[MandateRequest, ...] = ()
    payouts: tuple[Payout, ...] = field(default=())


def whole(amount: Decimal, *, most: int, decimals: int = 2, field: str = "amount") -> int:
    """Return an amount in minor units. Refuses with: BadValue (not above zero, broken, more than ``most`` digits)."""
    scaled = amount.scaleb(decimals)
    if not amount.is_finite() or scaled != int(scaled) or scaled <= 0 or scaled >= Decimal(10) ** most:
        raise BadValue("{amount} is no amount that this file can hold", amount=amount, field=field)
    return int(scaled)


def digits(text: str, width: int, field: str) -> str:
    """Return a number with leading zeros. Refuses with: BadValue (not digits, too long)."""
    if not (text.isascii() and text.isdigit() and len(text) <= width):
        raise BadValue("{text!r} is not {width} digits at most", text=text, width=width, field=field)
    return text.zfill(width)
