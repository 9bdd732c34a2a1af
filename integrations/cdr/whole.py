"""Files that must be seen whole before anything is taken from them: those that declare their end or their counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.refusal import LimitExceeded

WHOLE_BYTES_MAX: Final = 512 << 20


def read_whole(blocks: Iterable[bytes], *, bytes_max: int = WHOLE_BYTES_MAX) -> bytes:
    """Return all of a file's bytes. Refuses with: LimitExceeded."""
    parts, size = [], 0
    for block in blocks:
        size += len(block)
        if size > bytes_max:
            raise LimitExceeded(f"a file of this format is read whole and may not be over {bytes_max} bytes")
        parts.append(block)
    return b"".join(parts)
