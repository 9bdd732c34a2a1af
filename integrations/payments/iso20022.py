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
    except LookupError as wrong:  # what the declaration names is no encoding
        raise Unreadable(
            "the file is in a character set that cannot be read: {wrong}; nothing was taken from it", wrong=wrong
        ) from None
    except (expat.ExpatError, ValueError) as wrong:
        raise Unreadable(
            "not whole XML: {wrong}; ask for the file again; nothing was taken from it", wrong=wrong
        ) from None
    yield from gathering.done


class _Node:
    """A place in the message's tree, found once: what stands there again costs a look-up and no more.

    ``path`` is below the branch that the element's leaves are put into; ``taken`` opens a branch that is yielded,
    ``listed`` one that is put into the list ``key`` of the branch above.
    """

    __slots__ = ("children", "depth", "key", "listed", "name", "opens", "parent", "path", "taken")

    def __init__(self, parent: _Node | None, name: str, *, taken: bool, listed: bool) -> None:
        self.parent = parent
        self.name = name
        self.taken = taken
        self.listed = listed and not taken
        self.opens = taken or self.listed
        self.depth: int = 0 if parent is None else parent.depth + 1
        within = parent.path if parent is not None and parent.path else ""
        self.key = f"{within}/{name}" if within else name
        self.path: str = "" if self.opens or parent is None else self.key
        self.children: dict[str, _Node] = {}


class _Gathering:
    """The handlers of one parse: leaves are put into the branch they belong to."""

    def __init__(self, space: str, tags: Mapping[str, str | None], lists: frozenset[str]) -> None:
        self.done: list[tuple[str, Branch]] = []
        self._space, self._tags, self._lists = space, tags, lists
        self._node = _Node(None, "", taken=False, listed=False)
        self._branch: Branch = {}
        self._branches: list[Branch] = []
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

    def _grow(self, full: str) -> _Node:
        """Return a place that is seen for the first time. Refuses with: Unreadable."""
        above, name = self._node, full.rpartition(" ")[2]
        if above.depth <= 1 and (not full.startswith(self._space) or (not above.depth and name != "Document")):
            raise Unreadable("the file's root is not Document of its own namespace; nothing was taken from it")
        if above.depth > _DEPTH_MAX:
            raise Unreadable("elements nested too deeply; nothing was taken from the file")
        taken = name in self._tags and self._tags[name] in (None, above.name)
        made = above.children[full] = _Node(above, name, taken=taken, listed=name in self._lists)
        return made

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        node = self._node.children.get(full)
        if node is None:
            node = self._grow(full)
        self._node = node
        if node.opens:
            self._branches.append(self._branch)
            branch: Branch = {}
            if node.listed:
                self._branch.setdefault(node.key, []).append(branch)
            self._branch = branch
        self._leaf = True
        self._currency = attributes.get("Ccy") if attributes else None
        self._text.clear()

    def _end(self, _: str) -> None:
        node = self._node
        if self._leaf:
            self._leaf = False
            path, branch, text = node.path, self._branch, "".join(self._text).strip()
            if path in branch:
                branch.setdefault(path + "[]", [branch[path]]).append(text)
            else:
                branch[path] = text
                if self._currency:
                    branch[path + "@"] = self._currency
        if node.opens:
            if node.taken:
                self.done.append((node.name, self._branch))
            self._branch = self._branches.pop()
        assert node.parent is not None
        self._node = node.parent


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
