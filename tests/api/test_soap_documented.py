"""The page of SOAP names every operation there is, and none that is not."""

from __future__ import annotations

import re
from pathlib import Path

from api.soap.codec import codec

PAGE = Path(__file__).parents[2] / "docs" / "api-soap.md"


def test_every_operation_stands_on_the_page_and_no_other() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row.split("|")[1])}
    there = {method.operation_name for (method,) in codec("1.1").interface.service_method_map.values()}
    assert there - told == set(), "say in docs/api-soap.md what these do"
    assert told - there == set(), "these are named in docs/api-soap.md and are gone"
