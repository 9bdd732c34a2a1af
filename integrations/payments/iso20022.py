"""What every ISO 20022 message shares: safe streaming, exact namespaces, flat branches, amounts and dates.

A document type or an entity is refused before any content is read; the network is never asked.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias
from xml.parsers import expat

from domain.refusal import Unreadable

URN: Final = "urn:iso:std:iso:20022:tech:xsd:"
_AMOUNT: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{0,5})?|\.[0-9]{1,5}", re.ASCII)
_BLOCK: Final = 1 << 16
_DEPTH_MAX: Final = 64
_BEFORE: Final = b"\xef\xbb\xbf \t\r\n"

Branch: TypeAlias = dict[str, Any]


def namespace_of(data: bytes) -> str | None:
    """Return the message's name (``camt.054.001.08``) from the root's namespace, None where it is not ISO 20022."""
    found = re.search(rb"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9.]+)", data[:4096])
    return found[1].decode() if found else None


def stream(
    data: bytes, message: str, tags: Mapping[str, str | None], lists: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Branch]]:
    """Yield ``(local name, branch)`` at the end of each element of ``tags``, in document order.

    ``tags`` maps a local name to the parent it must stand in, None for any. A branch holds the leaves below the
    element by their path, the first of each; a leaf's currency stands under ``path@``, all texts of a path that repeats
    under ``path[]``, and elements of ``lists`` as branches of their own. What belongs to an element of ``tags`` further
    in is in that one's branch alone, so that memory does not grow with the file.

    Refuses with: Unreadable (not XML, cut, a document type, another root or namespace).
    """
    gathering = _Gathering(f"{URN}{message} ", tags, lists)
    parser = gathering.parser()
    body = memoryview(data.lstrip(_BEFORE))
    try:
        for start in range(0, len(body), _BLOCK):
            parser.Parse(body[start : start + _BLOCK], False)
            done, gathering.done = gathering.done, []
            yield from done
        parser.Parse(b"", True)
    except expat.ExpatError as wrong:
        raise Unreadable(
            "not whole XML: {wrong}; ask for the file again; nothing was taken from it", wrong=wrong
        ) from None
    yield from gathering.done


class _Gathering:
    """The handlers of one parse: one frame for each open element, leaves put into the branch they belong to."""

    def __init__(self, space: str, tags: Mapping[str, str | None], lists: frozenset[str]) -> None:
        self.done: list[tuple[str, Branch]] = []
        self._space, self._tags, self._lists = space, tags, lists
        self._frames: list[tuple[str, str, Branch, bool]] = []
        self._name, self._path, self._taken = "", "", False
        self._branch: Branch = {}
        self._leaf = False
        self._text: list[str] = []
        self._currency: str | None = None

    def parser(self) -> expat.XMLParserType:
        """Return a parser that calls this; a document type ends it at once."""
        made = expat.ParserCreate(namespace_separator=" ")
        made.buffer_text = True
        made.StartElementHandler = self._start
        made.EndElementHandler = self._end
        made.CharacterDataHandler = self._text.append
        made.StartDoctypeDeclHandler = self._document_type
        return made

    @staticmethod
    def _document_type(*_: object) -> None:
        raise Unreadable("the file has a document type (DTD), which no bank sends; nothing was taken from it")

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        name = full.rpartition(" ")[2]
        frames = self._frames
        if len(frames) <= 1 and (not full.startswith(self._space) or (not frames and name != "Document")):
            raise Unreadable("the file's root is not Document of its own namespace; nothing was taken from it")
        if len(frames) > _DEPTH_MAX:
            raise Unreadable("elements nested too deeply; nothing was taken from the file")
        frames.append((self._name, self._path, self._branch, self._taken))
        self._taken = name in self._tags and self._tags[name] in (None, self._name)
        if self._taken:
            self._branch, self._path = {}, ""
        elif name in self._lists:
            branch: Branch = {}
            self._branch.setdefault(f"{self._path}/{name}" if self._path else name, []).append(branch)
            self._branch, self._path = branch, ""
        else:
            self._path = f"{self._path}/{name}" if self._path else name
        self._name = name
        self._leaf = True
        self._currency = attributes.get("Ccy") if attributes else None
        self._text.clear()

    def _end(self, _: str) -> None:
        name, branch = self._name, self._branch
        if self._leaf:
            self._put("".join(self._text).strip())
            self._leaf = False
        if self._taken:
            self.done.append((name, branch))
        self._name, self._path, self._branch, self._taken = self._frames.pop()

    def _put(self, text: str) -> None:
        path, branch = self._path, self._branch
        if path in branch:
            branch.setdefault(path + "[]", [branch[path]]).append(text)
            return
        branch[path] = text
        if self._currency:
            branch[path + "@"] = self._currency


def texts(branch: Branch, path: str) -> list[str]:
    """Return all texts of a path, none that are empty."""
    every = branch.get(path + "[]") or ([branch[path]] if path in branch else [])
    return [text for text in every if text]


def first(branch: Branch, *paths: str) -> str | None:
    """Return the first text that says something."""
    for path in paths:
        if text := branch.get(path):
            return str(text)
    return None


def amount(text: str | None, where: str) -> Decimal:
    """Read an ISO amount: digits and a point, at most five decimals, no sign. Refuses with: Unreadable."""
    if text is None or not _AMOUNT.fullmatch(text):
        raise Unreadable(
            "{where}: the amount {text!r} is not a number such as 125.50; nothing was taken from the file",
            where=where,
            text=text,
        )
    return Decimal(text)


def date(text: str | None, where: str) -> dt.date | None:
    """Read an ISO date, or the date of a date and time, as the bank wrote it. Refuses with: Unreadable."""
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise Unreadable(
            "{where}: {text!r} is no date; nothing was taken from the file", where=where, text=text
        ) from None
