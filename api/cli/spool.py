"""Things put away in files of a temporary folder while a command runs (``domain.ports.spool``)."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.cli import DISK_FULL, Unreachable


class DiskSpool:
    """A file for each thing, in a folder that nobody else reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, thing: Any) -> None:
        """Keep a thing under a new name."""
        try:
            with (self._folder / name).open("xb") as file:
                pickle.dump(thing, file, protocol=pickle.HIGHEST_PROTOCOL)
        except OSError as fault:
            if fault.errno not in DISK_FULL:
                raise
            raise Unreachable(f"{self._folder} is full: make room, or set TMPDIR to a larger disk") from None

    def get(self, name: str) -> Any:
        """Return what is kept under a name."""
        with (self._folder / name).open("rb") as file:
            return pickle.load(file)  # noqa: S301  (this process wrote it, into a folder of its own)

    def take(self, name: str) -> Any:
        """Return what is kept under a name, and keep it no longer."""
        thing = self.get(name)
        (self._folder / name).unlink()
        return thing


@contextmanager
def spooling() -> Iterator[DiskSpool]:
    """Yield a spool that is gone at the end, also after an error."""
    with tempfile.TemporaryDirectory(prefix="tollwright-rate-") as folder:
        yield DiskSpool(Path(folder))
