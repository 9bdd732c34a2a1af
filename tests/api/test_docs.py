"""What the documentation shows is run as it stands."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.api.conftest import SECRET, House
from tests.api.month import call, make_month
from tests.api.test_push import leg

ROOT = Path(__file__).resolve().parents[2]
OF_A_MACHINE = {"plans.md", "buckets.md", "numbers.md", "contracts.md"}
PAGES = [
    "plans.md",
    "buckets.md",
    "numbers.md",
    "contracts.md",
    "api-graphql.md",
    "api-soap.md",
    "api-rest.md",
    "streams.md",
    "customers.md",
    "languages.md",
    "audit.md",
]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


async def run(command: list[str], folder: Path, house: House) -> str:
    environment = os.environ | {
        "URL": house.wiring.settings.address,
        "CLIENT": "operator",
        "SECRET": SECRET.format("operator"),
        "TOKEN": await house.token("operator"),
    }
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_what_is_shown_works(live: House, tmp_path: Path) -> None:
    await make_month(live)
    (tmp_path / "Master.csv").write_text(call("46850000001", "46701740605", "1772442000.777"))
    (tmp_path / "call.json").write_text(json.dumps(leg(1)).replace("46850000001", "46850099999"))
    outputs = {}
    # What the other pages show on a command line needs a machine of its own.
    for page in [page for page in PAGES if page not in OF_A_MACHINE]:
        if script := "".join(blocks(page, "sh")):
            outputs[page] = await run(["sh", "-euc", script], tmp_path, live)
    assert '"operator": {"name": "North Telecom AB"}' in outputs["api-graphql.md"].replace('":{', '": {').replace(
        '":"', '": "'
    )
    assert '"state":"done"' in outputs["api-rest.md"]
    assert '"records":1' in outputs["streams.md"]
    assert len(set(re.findall(r'"detail":"([^"]*)"', outputs["languages.md"]))) == 2
    assert (tmp_path / "invoice.pdf").read_bytes().startswith(b"%PDF")
    for script in blocks("api-soap.md", "python"):
        assert "4 events" in await run([sys.executable, "-c", script], tmp_path, live)


def test_every_test_that_security_names_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+\.py)::(\w+)`", text)
    assert len(named) > 30
    for file, name in named:
        source = (ROOT / "tests" / "api" / file).read_text(encoding="utf-8")
        assert re.search(rf"def {name}\(", source), (file, name)


@pytest.mark.parametrize("word", ["/healthz", "/readyz", "/metrics", "/rest/v1/files", "/rest/v1/rate"])
def test_the_page_on_rest_names_the_routes(word: str) -> None:
    assert word in (ROOT / "docs" / "api-rest.md").read_text(encoding="utf-8")
