r"""Cisco BroadWorks accounting CDR CSV: no quotes, ``\,`` for a comma, Start and End records, encoding on line 1.

Fields are read by position, further ones of later releases are left aside. A file without its End record is not
complete and is refused whole, unless the profile's ``file.complete`` says otherwise. Times are UTC.

>>> from integrations.cdr.registry import profile
>>> rows = b"version=23.0 encoding=UTF-8\n1,,Start\n2,A\\, B,Normal,+46846500401,,Originating"
>>> rows += b"," * 60 + b"\n3,,End\n"
>>> piece = next(decode([rows], profile("broadworks"), records_max=9))
>>> piece.records.select("recordId", "type").rows(), piece.ignored
([('2', 'Normal')], {'control': 3})
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from domain.mediation.profile import Profile
from domain.ports.reader import Decoded
from domain.refusal import Unreadable
from integrations.cdr import delimited
from integrations.cdr.spool import WINDOW_BYTES, Spool

_VERSION: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?version=\S+\s+encoding=([\w-]+)", re.IGNORECASE)
_END: Final = re.compile(rb"[^,\r\n]*,[^,\r\n]*,End[,]*[\r\n\0]*$")
_CONTROL: Final = re.compile(r"(?:[^,]*,[^,]*,(?:Start|End),*|version=.*)\s*", re.ASCII)


def decode(blocks: Iterable[bytes], profile: Profile, *, records_max: int) -> Iterator[Decoded]:
    """Yield the records. Refuses with: Unreadable (also: no End record), BadValue."""
    with Spool(blocks) as data:
        if not len(data):
            return
        declared = _VERSION.match(data[0:4096])
        if declared is not None and "file.encoding" not in profile.own:
            profile = replace(profile, layout=replace(profile.layout, encoding=_encoding(declared[1].decode("ascii"))))
        if profile.layout.complete == "end-marker" and _END.search(_tail(data)) is None:
            raise Unreadable("the file has no End record, so it is not complete; nothing was read")
        other = pl.when(pl.col("type") == "Normal").then(pl.lit("")).otherwise(pl.lit("yes"))
        also = frozenset({"type"})
        for piece in delimited.decode(data.blocks(), profile, records_max=records_max, control=_control, also=also):
            records = piece.records
            yield replace(piece, records=records.with_columns(_other=other) if records.height else records)


def _tail(data: Spool) -> bytes:
    """Return the file's last bytes, zero bytes at its end left aside."""
    end = len(data)
    while end and not data[max(0, end - WINDOW_BYTES) : end].strip(b"\0"):
        end = max(0, end - WINDOW_BYTES)
    return data[max(0, end - WINDOW_BYTES) : end].rstrip(b"\0")[-4096:]


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise Unreadable("the file declares the unknown encoding {name}; set file.encoding", name=name) from None


def _control(raw: str) -> str | None:
    return "control" if _CONTROL.fullmatch(raw) else None
