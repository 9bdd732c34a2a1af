"""ISO 20022 messages that we send, as trees of names and texts: an element without content is left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from integrations.payments.iso20022 import URN

# A name with a text, with nodes, or with nothing; an amount has its currency as a third.
Node: TypeAlias = tuple[Any, ...]


def document(message: str, root: Node) -> bytes:
    """Write a message (``pain.008.001.08``) as UTF-8."""
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n', f'<Document xmlns="{URN}{message}">\n']
    _write(root, out, 1)
    out.append("</Document>\n")
    return "".join(out).encode()


def money(name: str, amount: Decimal, currency: str) -> Node:
    """Return an amount with its currency."""
    return (name, f"{amount:.2f}", currency)


def short(text: str, most: int) -> str:
    """Return a text as a message may hold it: one line of printable letters, cut to ``most``."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:most]


def _write(node: Node, out: list[str], depth: int) -> None:
    name, content = node[0], node[1]
    if content is None or not content:
        return
    indent = "  " * depth
    if isinstance(content, str):
        mark = f" Ccy={quoteattr(node[2])}" if len(node) == 3 else ""
        out.append(f"{indent}<{name}{mark}>{escape(content)}</{name}>\n")
        return
    inner: list[str] = []
    for child in content:
        _write(child, inner, depth + 1)
    if inner:
        out.append(f"{indent}<{name}>\n")
        out.extend(inner)
        out.append(f"{indent}</{name}>\n")
