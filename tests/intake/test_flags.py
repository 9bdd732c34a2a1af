"""What a person may want to know of good events is told of their file."""

from __future__ import annotations

from tests.intake.conftest import Importer
from tests.intake.world import calls


async def test_flags_are_counted_among_a_files_warnings(load: Importer) -> None:
    right = calls(3).decode()
    # The switch's clock is an hour off what the epochs in its records say.
    wrong = calls(4, first=10).decode().replace(" 08:0", " 09:0")
    done = await load((right + wrong).encode())
    assert done.file.warnings == {"flag.clock_skew": done.file.rated - 3}
    assert done.file.rated == 7
