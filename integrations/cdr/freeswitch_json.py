"""FreeSWITCH mod_json_cdr: one document per leg, several in a file, in an array or on lines of their own.

The columns are the channel's variables, with ``caller_id_number``, ``destination_number`` and the like from the newest
entry of ``callflow``, and ``core-uuid`` and ``switchname`` from the top. Values may be percent-encoded (the module's
``encode-values``). Where a leg has no epochs in seconds, those in µs serve, then those of ``callflow``, then stamps.

>>> from integrations.cdr.registry import profile
>>> leg = b'{"core-uuid": "c", "variables": {"uuid": "u", "billsec": "9"},'
>>> leg += b' "callflow": [{"caller_profile": {"rdnis": "%2B1"}}]}'
>>> next(decode([leg], profile("freeswitch-json"), records_max=9)).records.select("uuid", "billsec", "rdnis").row(0)
('u', '9', '+1')
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr.delimited import used_columns
from integrations.cdr.documents import Document, documents
from integrations.cdr.flat import text as as_text
from integrations.cdr.rows import Rows

# What switch_url_encode never leaves as it is; a value with such a character was not encoded.
_BARE: Final = re.compile(r"""[\r\n "#&+:;<=>?@\[\\\]^`{|}]""")
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
# A variable and the same time in callflow, in µs.
TIMES: Final = {"start_epoch": "created_time", "answer_epoch": "answered_time", "end_epoch": "hangup_time"}
_TOP: Final = ("core-uuid", "switchname")


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the legs. Refuses with: Unreadable."""
    wanted = frozenset(used_columns(profile))
    rows = Rows(wanted, sparse=True)
    position = 0
    for document in documents(blocks, profile.layout.encoding):
        position = document.end
        _one(document, rows, wanted)
        if rows.full(records_max):
            yield rows.piece(position)
    if not rows.first or rows.held:
        yield rows.piece(position)


def _one(document: Document, rows: Rows, wanted: frozenset[str]) -> None:
    fault, leg = document.fault, None
    if not fault:
        try:
            leg = json.loads(document.raw)
        except (ValueError, RecursionError) as wrong:
            fault = f"no JSON: {wrong}"
    if fault:
        if rows.first:
            raise Unreadable("no JSON document of FreeSWITCH: {fault}", fault=fault)
        reason = "truncated" if document.cut else "unknown_record"
        rows.reject(reason, f"{fault}; fetch or post it again", document.begin, document.raw)
    elif isinstance(leg, dict) and isinstance(leg.get("variables"), dict):
        rows.add(columns(leg, wanted), document.begin, document.raw)
    elif rows.first:
        raise Unreadable("JSON, but no CDR document of FreeSWITCH: it has no variables")
    else:
        rows.reject("unknown_record", "a JSON document without variables", document.begin, document.raw)


def columns(leg: dict[str, Any], wanted: Iterable[str]) -> dict[str, str]:
    """Return the wanted columns of a leg."""
    flow = leg.get("callflow")
    newest = flow[0] if isinstance(flow, list) and flow else flow
    caller = newest.get("caller_profile") if isinstance(newest, dict) else None
    caller = caller if isinstance(caller, dict) else {}
    times = newest.get("times") if isinstance(newest, dict) else None
    times = times if isinstance(times, dict) else {}
    variables = leg["variables"]
    found: dict[str, str] = {}
    for name in wanted:
        value = leg.get(name) if name in _TOP else variables.get(name)
        if value is None:
            value = caller.get(name)
        if value is None and name in TIMES:
            value = _seconds(variables.get(name.replace("_epoch", "_uepoch")))
            value = _seconds(times.get(TIMES[name])) if value is None else value
            value = variables.get(name.replace("_epoch", "_stamp")) if value is None else value
        if value is not None:
            found[name] = decoded(as_text(value))
    return found


def _seconds(micros: Any) -> str | None:
    """Return an epoch in µs as seconds, None where there is none."""
    text = str(micros or "")
    return str(int(text) // 1_000_000) if text.isascii() and text.isdigit() and len(text) < 20 else None


def decoded(value: str) -> str:
    """Return a value without its percent-encoding, where it has one.

    >>> decoded("%2B46701740605"), decoded("50% of <%41>")
    ('+46701740605', '50% of <%41>')
    """
    if "%" not in value or not _ENCODED.search(value) or _BARE.search(value):
        return value
    return unquote(value, errors="replace")
