"""A mandate: that a customer lets us take what he owes from his account, by which scheme, and since when.

Words: requested (somebody asked for it here), sent (the request is in a file), active (the payer's bank or the payer
himself has agreed), cancelled and refused (it ended, or never began). Only an active one is debited; one that is
*blocked* stands, and is not debited, since its debits came back too often.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from stdnum import iban
from stdnum.exceptions import ValidationError

from domain.ids import CustomerId, MandateId, OperatorId, OrderFileId
from domain.payments.orders import Scheme
from domain.payments.refund import check_bic
from domain.refusal import BadValue, WrongState


class MandateState(StrEnum):
    """Requested → sent → active → cancelled; or refused before it was ever active."""

    REQUESTED = "requested"
    SENT = "sent"
    ACTIVE = "active"
    CANCELLED = "cancelled"
    REFUSED = "refused"


LIVE: Final = frozenset({MandateState.REQUESTED, MandateState.SENT, MandateState.ACTIVE})
SEPA: Final = frozenset({Scheme.SEPA_CORE, Scheme.SEPA_B2B})
_LENGTHS: Final = {Scheme.AUTOGIRO: 16, Scheme.AVTALEGIRO: 25, Scheme.BETALINGSSERVICE: 15}
TEXT_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A mandate. ``payer_number`` is what the scheme knows the payer by; of SEPA the mandate's own reference.

    ``account``: clearing number and account (Autogiro), IBAN (SEPA), the agency's mandate number (Betalingsservice).
    ``identity`` is the payer's person or organisation number. ``origin`` says where it came from: ``api`` or a format.
    ``returns`` counts debits that came back since it was last unblocked; ``used``: it was debited once.
    """

    id: MandateId
    operator: OperatorId
    customer: CustomerId
    scheme: Scheme
    payer_number: str
    state: MandateState
    requested_at: dt.datetime
    origin: str = "api"
    account: str = ""
    identity: str = ""
    bic: str = ""
    notify: bool = False
    signed_on: dt.date | None = None
    signature: str | None = None
    active_from: dt.date | None = None
    ended_on: dt.date | None = None
    reason: str | None = None
    returns: int = 0
    blocked: bool = False
    used: bool = False
    file: OrderFileId | None = None
    version: int = 1

    def debitable(self, on: dt.date) -> bool:
        """Tell whether it may be debited on a day."""
        return self.state is MandateState.ACTIVE and not self.blocked and (self.active_from or on) <= on


def check(mandate: Mandate) -> Mandate:
    """Return a mandate with its numbers in compact form. Refuses with: BadValue, naming the field."""
    scheme, number = mandate.scheme, mandate.payer_number.replace(" ", "")
    if scheme in SEPA:
        if not 1 <= len(number) <= 35 or not number.isascii() or not number.isprintable():
            raise BadValue("a mandate's reference has 1 to 35 characters", field="payerNumber")
        if mandate.signed_on is None:
            raise BadValue("a SEPA mandate has the date it was signed", field="signedOn")
        try:
            account = str(iban.validate(mandate.account))
        except ValidationError:
            raise BadValue("{text!r} is no IBAN", text=mandate.account, field="account") from None
        return replace(mandate, payer_number=number, account=account, bic=check_bic(mandate.bic))
    if not (number.isascii() and number.isdigit() and len(number) <= _LENGTHS[scheme]):
        raise BadValue("a payer number is {most} digits at most", most=_LENGTHS[scheme], field="payerNumber")
    account = mandate.account.replace(" ", "").replace("-", "")
    if account and not (account.isascii() and account.isdigit() and len(account) <= 16):
        raise BadValue("an account is {most} digits at most", most=16, field="account")
    identity = mandate.identity.replace("-", "").replace(" ", "")
    if identity and not (identity.isascii() and identity.isdigit() and len(identity) <= 12):
        raise BadValue("an identity number is {most} digits at most", most=12, field="identity")
    return replace(mandate, payer_number=number.lstrip("0") or "0", account=account, identity=identity)


def activated(mandate: Mandate, on: dt.date, **more: str) -> Mandate:
    """Return it as it is once the payer's bank agreed. Refuses with: WrongState (it has ended)."""
    if mandate.state not in LIVE:
        raise WrongState("the mandate is {state}", state=mandate.state.value, field="state")
    return replace(mandate, state=MandateState.ACTIVE, active_from=mandate.active_from or on, reason=None, **more)  # type: ignore[arg-type]  # names of texts


def ended(mandate: Mandate, on: dt.date, reason: str) -> Mandate:
    """Return it as it is once it has ended: refused where it never began. Refuses with: WrongState (ended before)."""
    if mandate.state not in LIVE:
        raise WrongState("the mandate is {state}", state=mandate.state.value, field="state")
    state = MandateState.CANCELLED if mandate.state is MandateState.ACTIVE else MandateState.REFUSED
    return replace(mandate, state=state, ended_on=on, reason=reason[:TEXT_MAX])
