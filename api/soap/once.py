"""Every operation that changes something under an idempotency key: sent again, the answer that was given (B5 to B8).

``operation`` in ``api.soap.service`` gives each an element ``idempotencyKey``, but those that read, and those whose
command takes the key itself.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from lxml import etree

from api.keeping import TOLD_ONCE, WITHOUT_KEY, claim
from domain.ports.keeping import Kept

KEY: Final = "idempotencyKey"
# The verbs of what only reads; PriceContract changes a contract.
READS: Final = re.compile("(Get|List|Find|Search|Count|Explain|PriceCall|Preview|Compare|Check|Fetch|Read)(?![a-z])")


class Replayed(Exception):  # noqa: N818  (an answer)
    """The operation was answered before; this is the envelope."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer


def takes_key(name: str, arguments: Sequence[str]) -> bool:
    """Tell whether the key of an operation is looked at here."""
    return KEY not in arguments and not READS.match(name) and plain(name) not in WITHOUT_KEY


def plain(name: str) -> str:
    """Return the name of an operation as GraphQL writes it.

    >>> plain("CreateWebhook")
    'createWebhook'
    """
    return name[:1].lower() + name[1:]


def once(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation with one argument more, the key, which answers again what was answered under it."""

    @functools.wraps(function)
    async def keyed(ctx: Any, *arguments: Any) -> Any:
        *given, key = arguments
        if key is None:
            return await function(ctx, *given)
        call = ctx.udc
        found = await claim(call.wiring, call.actor, key, _content(ctx, name))
        if isinstance(found, Kept):
            raise Replayed(found.answer)
        call.answering.append((found, plain(name) in TOLD_ONCE))
        with found.running():
            return await function(ctx, *given)

    return keyed


async def settle(call: Any, answer: bytes, fault: object) -> None:
    """Keep what was answered; a refusal frees the key."""
    for turn, told_once in call.answering:
        if fault is None:
            await turn.finish(None if told_once else answer.decode())
        else:
            refused = str(getattr(fault, "faultcode", "")).startswith("Client")
            await turn.drop(answer.decode() if refused else None)


def _content(ctx: Any, name: str) -> bytes:
    """Return what is asked, without the key and the white space between elements, for one version of SOAP."""
    body = copy.deepcopy(ctx.in_body_doc)
    for one in body.xpath(f"./*[local-name()='{KEY}']"):
        body.remove(one)
    for one in body.iter():
        if len(one) and not (one.text or "").strip():
            one.text = None
        if not (one.tail or "").strip():
            one.tail = None
    return f"{ctx.out_protocol.__class__.__name__} {name} ".encode() + etree.tostring(
        body, method="c14n", exclusive=True
    )
