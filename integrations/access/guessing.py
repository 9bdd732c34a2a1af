"""Which passwords are guessed soon: those of breaches, and those that are made as everybody makes them.

Without any setting zxcvbn says it, which knows the 30 000 most common passwords, names and words, and how people change
them (``P@ssw0rd2026!`` is one guess of many); what it gives fewer than 10^8 guesses is refused. Where the installation
has the list of breached passwords (Pwned Passwords, ordered by hash: lines of ``SHA1:COUNT`` in capitals), every
password in it is refused too. The file is searched in place, whatever its size, and nothing is asked of the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from zxcvbn import zxcvbn

GUESSES_MIN: Final = 10**8
# Beyond it the estimate takes long and a password is long enough to be judged by its beginning.
JUDGED_MAX: Final = 72
_DIGEST: Final = 40


class KnownPasswords:
    """Tells whether a password is guessed soon. ``breached``: the list, where there is one."""

    def __init__(self, breached: Path | None = None) -> None:
        self._breached = breached

    def guessable(self, password: str, words: Sequence[str]) -> bool:
        """Tell whether it is known, or soon guessed by who knows the words."""
        found = zxcvbn(password[:JUDGED_MAX], user_inputs=list(words), max_length=JUDGED_MAX)
        return bool(found["guesses"] < GUESSES_MIN) or self.breached(password)

    def breached(self, password: str) -> bool:
        """Tell whether it stands in the list. A list that cannot be read is a fault, and not a pass."""
        if self._breached is None:
            return False
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        with self._breached.open("rb") as file:
            return _stands(file, wanted)


def _stands(file: BinaryIO, wanted: bytes) -> bool:
    """Search lines that are in order, by the places where they may begin."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        if _line(file, middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return _line(file, low) == wanted


def _line(file: BinaryIO, place: int) -> bytes:
    """Return the hash of the first line that begins at a place or behind it; behind the last one, what follows all."""
    file.seek(max(place - 1, 0))
    if place:
        file.readline()  # to the end of the line that the byte before belongs to
    return file.readline()[:_DIGEST].upper() or b"~"
