"""What docs/users.md shows is run as it stands."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.api.conftest import House
from tests.signing_in.people import invited, link_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "users.md"


async def test_the_walk(live: House) -> None:
    live.clock.at = datetime.now(UTC)  # the page's app goes by the real time
    user = await invited(live, "anna@north.example", of="administrator")
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    environment = os.environ | {
        "URL": live.wiring.settings.address,
        "TOKEN": await live.token("operator"),
        "LINK": await link_of(live, user),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, output.decode()
    assert "10 recovery codes" in output.decode()
    assert "'levelName': 'Administrator'" in output.decode()
