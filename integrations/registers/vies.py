"""VIES, the European Commission's register of VAT ids, by its REST interface.

``GET /ms/{country}/vat/{number}`` answers JSON with ``isValid``, ``userError`` (VALID, INVALID, or why there is no
answer), ``name``, ``address`` and, where the asker told his own number, ``requestIdentifier``: his proof of asking.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote, urlencode

from domain.invoicing.tax_rules import VatIdCheck
from domain.ports.clock import Clock
from domain.ports.transports import TransportFault
from domain.ports.webhooks import Http
from domain.refusal import WrongState

ADDRESS: Final = "https://ec.europa.eu/taxation_customs/vies/rest-api"
SECONDS: Final = 20.0
SOURCE: Final = "VIES"
_TEXT_MAX: Final = 500
_DECIDED: Final = {"VALID": True, "INVALID": False}


class Vies:
    """Keeps ``domain.ports.taxes.VatRegister``."""

    def __init__(self, http: Http, address: str, clock: Clock) -> None:
        self._http = http
        self._address = address.rstrip("/")
        self._clock = clock

    async def ask(self, vat_id: str, *, own: str) -> VatIdCheck:
        """Return what it says of a VAT id now. Refuses with: WrongState (it has no answer now)."""
        country, number = vat_id[:2], vat_id[2:]
        asked = urlencode({"requesterMemberStateCode": own[:2], "requesterNumber": own[2:]})
        url = f"{self._address}/ms/{quote(country, safe='')}/vat/{quote(number, safe='')}?{asked}"
        headers = {"user-agent": "tollwright", "accept": "application/json"}
        try:
            answer = await self._http.ask("GET", url, headers=headers, body=b"", seconds=SECONDS)
        except TransportFault as fault:
            raise _away(fault.message) from None
        said = _read(answer.body) if answer.status == 200 else {}
        word = said.get("userError", "VALID" if said.get("isValid") is True else None)
        if word not in _DECIDED:
            raise _away(str(word) if isinstance(word, str) else f"HTTP {answer.status}")
        return VatIdCheck(
            vat_id=vat_id,
            checked_at=self._clock.now(),
            valid=_DECIDED[word],
            name=_text(said.get("name")),
            address=_text(said.get("address")),
            source=SOURCE,
            request=_text(said.get("requestIdentifier")),
        )


def _away(why: str) -> WrongState:
    return WrongState("the register of VAT ids has no answer now: {why}", why=why[:200], field="vatId")


def _read(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(value: object) -> str:
    """Return a text in one line; VIES writes ``---`` for what a country does not tell."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "" if set(text) <= {"-"} else text[:_TEXT_MAX]
