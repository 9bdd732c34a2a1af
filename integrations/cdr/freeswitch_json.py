"""FreeSWITCH mod_json_cdr: one document per leg, several in a file, in an array or on lines of their own.

The columns are the channel's variables, with ``caller_id_number``, ``destination_number`` and the like from the newest
entry of ``callflow``, and ``core-uuid`` and ``switchname`` from the top.

>>> from integrations.cdr.registry import profile
>>> leg = b'{"core-uuid": "c", "variables": {"uuid": "u", "billsec": "9"},'
>>> leg += b' "callflow": [{"caller_profile": {"rdnis": "1"}}]}'
>>> next(decode([leg], profile("freeswitch-json"), records_max=9)).records.select("uuid", "billsec", "rdnis").row(0)
('u', '9', '1')
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr.delimited import used_columns
from integrations.cdr.flat import text as as_text
from integrations.cdr.rows import Rows
from integrations.cdr.text import refuse_foreign
from integrations.cdr.whole import read_whole

_BLANK: Final = " \t\r\n,\x00"


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the legs. Refuses with: Unreadable, LimitExceeded."""
    data = read_whole(blocks)
    if not data:
        return
    refuse_foreign(data)
    text = _text(data)
    rows = Rows(frozenset(used_columns(profile)))
    decoder = json.JSONDecoder()
    place, done, size = 0, 0, 0
    if text[:1] == "[":
        place = 1
    while True:
        while place < len(text) and text[place] in _BLANK:
            place += 1
        if place >= len(text) or text[place] == "]":
            break
        begin = place
        size += len(text[done:begin].encode())
        try:
            leg, place = decoder.raw_decode(text, begin)
        except (ValueError, RecursionError) as wrong:
            if rows.first:
                raise Unreadable(f"no JSON document: {wrong}") from None
            rows.reject("truncated", f"no JSON: {wrong}", size, text[begin:].encode())
            break
        raw = text[begin:place].encode()
        if isinstance(leg, dict) and isinstance(leg.get("variables"), dict):
            rows.add(_columns(leg), size, raw)
        elif rows.first:
            raise Unreadable("JSON, but no CDR document of FreeSWITCH: it has no variables")
        else:
            rows.reject("unknown_record", "a JSON document without variables", size, raw)
        done, size = place, size + len(raw)
        if rows.held >= records_max:
            yield rows.piece(size)
    yield rows.piece(len(data))


def _text(data: bytes) -> str:
    """Decode as UTF-8, byte by byte where it is none, so that no document is lost for a caller's name."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _columns(leg: dict[str, Any]) -> dict[str, str]:
    flow = leg.get("callflow")
    newest = flow[0] if isinstance(flow, list) and flow else flow
    caller = newest.get("caller_profile") if isinstance(newest, dict) else None
    columns = {name: as_text(value) for name, value in (caller if isinstance(caller, dict) else {}).items()}
    columns.update({name: as_text(value) for name, value in leg["variables"].items()})
    columns.update({name: as_text(leg[name]) for name in ("core-uuid", "switchname") if name in leg})
    return columns
