"""Files that must be read twice: those that declare their end or their counts, and may be as long as they like.

Nothing is taken from such a file before its end was seen. Its bytes are kept in memory up to a limit and in a temporary
file beyond, read through a window, so that memory stays flat.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final, Self, overload

MEMORY_BYTES_MAX: Final = 8 << 20
WINDOW_BYTES: Final = 1 << 20


class Spool:
    """A file's bytes by their places, like ``bytes``: ``spool[place]``, ``spool[begin:end]``, ``len(spool)``."""

    def __init__(self, blocks: Iterable[bytes], *, memory_max: int = MEMORY_BYTES_MAX) -> None:
        # Without a name, it is gone when it is closed or the process ends, however it ends.
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=memory_max)  # noqa: SIM115  (lives as long as this)
        self._size = 0
        for block in blocks:
            self._file.write(block)
            self._size += len(block)
        self._begin = 0
        self._window = b""

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> bytes: ...

    def __getitem__(self, place: int | slice) -> int | bytes:
        if isinstance(place, int):
            at = place - self._begin
            if not 0 <= at < len(self._window):
                if not 0 <= place < self._size:
                    raise IndexError(place)
                self._move(place)
                at = 0
            return self._window[at]
        begin, end, _ = place.indices(self._size)
        if begin < self._begin or end > self._begin + len(self._window):
            if end - begin > WINDOW_BYTES:
                self._file.seek(begin)
                return self._file.read(end - begin)
            self._move(begin)
        return self._window[begin - self._begin : end - self._begin]

    def _move(self, begin: int) -> None:
        self._file.seek(begin)
        self._begin, self._window = begin, self._file.read(WINDOW_BYTES)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning. Other places may be read meanwhile."""
        for begin in range(0, self._size, WINDOW_BYTES):
            self._file.seek(begin)
            yield self._file.read(WINDOW_BYTES)

    def close(self) -> None:
        """Let the bytes go."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
