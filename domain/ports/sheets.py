"""Files of rows: delimited text and workbooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.catalogue.rate_sheet import SheetRow


class Sheets(Protocol):
    """Reads the rows of a file, whatever its form."""

    def rows(self, content: bytes, *, sheet: str | None = None) -> Sequence[SheetRow]:
        """Return every row as texts; ``sheet``: of a workbook, the first where it is None.

        Refuses with: Unreadable, LimitExceeded, NotFound (sheet).
        """
        ...
