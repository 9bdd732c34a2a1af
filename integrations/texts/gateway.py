"""Text messages by HTTP: a gateway's address, and a template of what it wants to be sent.

Most gateways take a JSON object, a form or a query. The template is the body (or, where there is none, the query of the
address) with ``{to}``, ``{text}``, ``{sender}`` and ``{key}`` in it, each written as the template's own form asks for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from domain.ports.texts import Text, TextFault
from domain.ports.transports import TransportFault
from domain.ports.webhooks import Http

TEXT_MAX: Final = 1000
SECONDS: Final = 15.0
_PLACE: Final = re.compile(r"\{(to|text|sender|key)\}")
_AGAIN: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """``address``: where; ``template``: the body, None: it is asked by GET with what stands in the address."""

    address: str
    template: str | None = None
    token: str | None = field(default=None, repr=False)
    sender: str = ""


class NoTexter:
    """Keeps ``domain.ports.texts.Texter`` where there is no gateway."""

    async def send(self, text: Text) -> None:
        """Refuse."""
        del text
        raise TextFault("no gateway for text messages is set up: sms_url", lasting=True)


class GatewayTexter:
    """Keeps ``domain.ports.texts.Texter`` by a gateway that is asked over HTTP."""

    def __init__(self, http: Http, gateway: Gateway) -> None:
        self._http = http
        self._gateway = gateway

    async def send(self, text: Text) -> None:
        """Send. Raises TextFault; what the gateway answers with 2xx it has taken."""
        gateway = self._gateway
        words = {
            "to": text.to,
            "text": text.text[:TEXT_MAX],
            "sender": text.sender or gateway.sender,
            "key": text.key,
        }
        address = _PLACE.sub(lambda found: quote(words[found[1]], safe=""), gateway.address)
        headers = {"user-agent": "tollwright"}
        if gateway.token:
            headers["authorization"] = f"Bearer {gateway.token}"
        if text.key:
            headers["idempotency-key"] = text.key
        method, body = "GET", b""
        if gateway.template is not None:
            is_json = gateway.template.lstrip().startswith(("{", "["))
            headers["content-type"] = "application/json" if is_json else "application/x-www-form-urlencoded"
            method, body = "POST", filled(gateway.template, words, is_json=is_json).encode()
        try:
            answer = await self._http.ask(method, address, headers=headers, body=body, seconds=SECONDS)
        except TransportFault as fault:
            raise TextFault(str(fault)) from None
        if not 200 <= answer.status < 300:
            lasting = 400 <= answer.status < 500 and answer.status not in _AGAIN
            raise TextFault(f"the gateway answers {answer.status}", lasting=lasting)


def filled(template: str, words: dict[str, str], *, is_json: bool) -> str:
    r"""Return a body: in JSON a place stands inside a text, in a form what is put there is percent-encoded.

    >>> filled('{"to": "+{to}", "text": "{text}"}', {"to": "46", "text": 'say "hi"'}, is_json=True)
    '{"to": "+46", "text": "say \\"hi\\""}'
    >>> filled("to={to}&text={text}", {"to": "46", "text": "a&b"}, is_json=False)
    'to=46&text=a%26b'
    """

    def put(found: re.Match[str]) -> str:
        value = words[found[1]]
        return json.dumps(value, ensure_ascii=False)[1:-1] if is_json else quote(value, safe="")

    return _PLACE.sub(put, template)
