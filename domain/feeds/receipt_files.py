"""Feeds of receipts: their source is ``receipts``; what printhouses and networks say became of documents."""

from __future__ import annotations

from typing import Final

SOURCE: Final = "receipts"


def tells(source: str) -> bool:
    """Tell whether a feed's files are receipts.

    >>> tells("receipts"), tells("asterisk")
    (True, False)
    """
    return source == SOURCE
