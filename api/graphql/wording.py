"""Sentences that were kept as they were made, told in the caller's language."""

from __future__ import annotations

from collections.abc import Callable

import strawberry

from api.catalogues import told


def in_words(name: str) -> Callable[[object], str]:
    """Return the resolver of a sentence that is always there."""

    def resolve(root: strawberry.Parent[object]) -> str:
        return told(getattr(root, name))

    return resolve


def perhaps_in_words(name: str) -> Callable[[object], str | None]:
    """Return the resolver of a sentence that may be missing."""

    def resolve(root: strawberry.Parent[object]) -> str | None:
        text = getattr(root, name)
        return None if text is None else told(text)

    return resolve
