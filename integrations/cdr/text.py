"""Bytes in a declared encoding made into UTF-8, with the way back to the file's own byte offsets.

UTF-8 with a byte-preserving fallback: a line that is not UTF-8 is read as ISO 8859-1, in which every byte is a
character, so that no row is lost for a name in a code page. A byte order mark decides over the profile, and so do zero
bytes at every second place of what would be UTF-8.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.refusal import Unreadable

Places = NDArray[np.int64]
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SNIFF_BYTES: Final = 4_096
_TWO_BYTES_MIN: Final = 32
_LINE_END: Final = re.compile(rb"([\r\n])")
_FOREIGN: Final = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive inside another"),
    (b"\x1f\x8b", "a gzip file inside another"),
    (b"\x28\xb5\x2f\xfd", "a zstd file inside another"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet or document"),
)


def refuse_foreign(head: bytes, *, markup: bool = False) -> None:
    """Refuse what is no text at all, and a web page where records should be. Refuses with: Unreadable."""
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            raise Unreadable("this is {name}, not a file of records", name=name)
    start = head[:_SNIFF_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not markup and start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        raise Unreadable("this is a web page or XML, not a file of records; was an error page downloaded?")
    sample = head[:_SNIFF_BYTES].rstrip(b"\0")
    if head and not sample:
        raise Unreadable("the file begins with nothing but zero bytes: its content was lost; fetch it again")
    odd = sum(sample.count(bytes([code])) for code in (*range(9), 11, 12, *range(14, 27), *range(28, 32)))
    if odd > max(2, len(sample) // 10):
        raise Unreadable("this is binary data, not a file of text records")


def mark_of(head: bytes) -> tuple[str | None, int]:
    """Return the encoding that a byte order mark declares, and the mark's length."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    return None, 0


def two_byte_encoding(head: bytes) -> str | None:
    r"""Return the UTF-16 that a text without a mark is written in: every second byte of it is zero.

    >>> two_byte_encoding("2026-03-02 10:00;9".encode("utf-16-be")), two_byte_encoding(b"a\0" * 2)
    ('utf-16-be', None)
    """
    sample = head[: len(head) & ~1]
    if len(sample) < _TWO_BYTES_MIN:
        return None
    half = len(sample) // 2
    high, low = sample[::2].count(0), sample[1::2].count(0)
    if min(high, low) * 20 > half:
        return None
    return "utf-16-le" if low * 10 > 7 * half else "utf-16-be" if high * 10 > 7 * half else None


def repaired(block: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    r"""Return a block of whole lines as UTF-8, and up to which places how many bytes were gained.

    >>> repaired(b"a\xa5\n\xc3\xa5\n")
    (b'a\xc2\xa5\n\xc3\xa5\n', [(3, 1)])
    """
    if block.isascii():
        return block, []
    try:
        block.decode()
    except UnicodeDecodeError:
        pass
    else:
        return block, []
    parts: list[bytes] = []
    gains: list[tuple[int, int]] = []
    length = gained = 0
    # Every second part is a line end: lines are judged one by one whichever ends a file uses.
    for line in _LINE_END.split(block):
        read = line if line.isascii() else _as_utf_8(line)
        parts.append(read)
        length += len(read)
        if len(read) != len(line):
            gained += len(read) - len(line)
            gains.append((length, gained))
    return b"".join(parts), gains


def _as_utf_8(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1").encode()
    return line


class Source:
    """A file's text in UTF-8, piece by piece, and the byte offsets of its places in the file."""

    def __init__(self, blocks: Iterable[bytes], encoding: str, *, markup: bool = False) -> None:
        self._blocks = iter(blocks)
        self._rest = b""
        self._over = False
        self._pull(_SNIFF_BYTES)
        marked, skip = mark_of(self._rest)
        unmarked = two_byte_encoding(self._rest[:_SNIFF_BYTES]) if marked is None and encoding == "utf-8" else None
        self._encoding = marked or unmarked or encoding
        self._base = skip
        self._rest = self._rest[skip:]
        self._decoder = None
        self.empty = not self._rest
        if self._encoding not in {"utf-8", "ascii", "utf-8-sig"}:
            self._decoder = codecs.getincrementaldecoder(self._encoding)(errors="replace")
            self._rest = self._decode(self._rest)
        refuse_foreign(self._rest[:_SNIFF_BYTES], markup=markup)
        self._text = b""
        self._gains: list[tuple[int, int]] = []
        self.stripped = 0

    def _decode(self, block: bytes, *, final: bool = False) -> bytes:
        return self._decoder.decode(block, final).encode("utf-8", "replace") if self._decoder is not None else block

    def _pull(self, target: int) -> None:
        """Read blocks until ``target`` bytes are held or the file ends."""
        parts, held = [self._rest], len(self._rest)
        while held < target and not self._over:
            block = next(self._blocks, None)
            if block is None:
                self._over = True
                block = b""
            if getattr(self, "_decoder", None) is not None:
                block = self._decode(block, final=self._over)
            parts.append(block)
            held += len(block)
        self._rest = b"".join(parts)

    def fill(self, target: int) -> tuple[bytes, bool]:
        """Return the text from the current place, some ``target`` bytes of it, and whether the file ends there.

        Unless it ends there it stops after a line end, so that the text can be repaired by lines.
        """
        self._pull(target)
        raw = self._rest
        if self._over:
            self.stripped = len(raw) - len(raw.rstrip(b"\0"))
            raw = raw[: len(raw) - self.stripped]
        else:
            raw = raw[: raw.rfind(b"\n") + 1] or raw[: raw.rfind(b"\r") + 1] or raw
        self._text, self._gains = repaired(raw) if self._decoder is None else (raw, [])
        return self._text, self._over

    def offsets(self, places: Places) -> Places:
        """Return the file's byte offsets of places in the text last filled."""
        if self._decoder is None:
            if not self._gains:
                return places + self._base
            bounds, gains = (np.array(column, dtype=np.int64) for column in zip(*self._gains, strict=True))
            return places + self._base - np.concatenate(([0], gains))[np.searchsorted(bounds, places, side="right")]
        data = np.frombuffer(self._text, dtype=np.uint8)
        # In UTF-8 every character has one byte that is not a continuation; four-byte ones are two units of UTF-16.
        characters = np.concatenate(([0], np.cumsum((data & 0xC0) != 0x80)))
        if self._encoding.startswith("utf-16"):
            return self._base + 2 * (characters + np.concatenate(([0], np.cumsum(data >= 0xF0))))[places]
        return self._base + (4 if self._encoding.startswith("utf-32") else 1) * characters[places]

    def offset(self, place: int) -> int:
        """Return the file's byte offset of one place in the text last filled."""
        if self._decoder is None and not self._gains:
            return place + self._base
        return int(self.offsets(np.array([place], dtype=np.int64))[0])

    def take(self, place: int) -> None:
        """Go on after ``place`` of the text last filled."""
        end = int(self.offsets(np.array([place]))[0])
        self._rest = self._rest[end - self._base :] if self._decoder is None else self._rest[place:]
        self._base = end

    def skip_line(self) -> tuple[bytes, int, bool]:
        """Leave a line that is too long to hold; return its first bytes, its length, and whether it is all NUL."""
        head, length, blank = self._rest[:_SNIFF_BYTES], 0, True
        while True:
            found = min((at for at in (self._rest.find(b"\n"), self._rest.find(b"\r")) if at >= 0), default=-1)
            dropped = len(self._rest) if found < 0 else found
            length += dropped
            blank = blank and not self._rest[:dropped].strip(b"\0")
            self._base += dropped
            self._rest = self._rest[dropped:]
            if found >= 0 or self._over:
                return head, length, blank
            self._pull(_SNIFF_BYTES)

    @property
    def fallback(self) -> bool:
        """Whether the text last filled has lines that were not UTF-8."""
        return bool(self._gains)

    @property
    def position(self) -> int:
        """The byte of the file at the current place."""
        return self._base
