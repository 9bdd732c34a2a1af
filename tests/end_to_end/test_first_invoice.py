"""The page from nothing to a first invoice, typed as it stands: a server, a database and a shell of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import free_port

PAGE = Path(__file__).resolve().parents[2] / "docs" / "first-invoice.md"
# What the page says in words: keep what the key prints, and serve in a terminal of its own.
IN_WORDS = """
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])" < key.json; }
CLIENT=$(field client_id) SECRET=$(field secret)
tollwright serve & SERVER=$!
trap 'kill -INT $SERVER; wait $SERVER' EXIT
until curl -fsS "$URL/readyz"; do kill -0 $SERVER; sleep 0.3; done
"""


def _script(page: str, folder: Path) -> str:
    """Return the page's commands with its files written; only its port and its data directory are others."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tariff,) = [text for kind, text in blocks if kind == "json"]
    (profile,) = [text for kind, text in blocks if kind == "toml"]
    (folder / "tariff.json").write_text(tariff, encoding="utf-8")
    (folder / "my-switch.toml").write_text(profile, encoding="utf-8")
    settings, seller, *rest = [text for kind, text in blocks if kind == "sh"]
    settings = settings.replace("/tmp/nordtel", str(folder / "data")).replace("8090", str(free_port()))
    seller = re.sub(r"^(tollwright key create .*)$", r"\1 > key.json", seller, flags=re.MULTILINE)
    return "\n".join(["set -e", settings, seller, IN_WORDS, *rest])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's calls are made with curl")
def test_the_page_leads_to_the_invoice_it_promises(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", _script(page, tmp_path)],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    promised = re.search(r"`(invoices/invoice-100001\.pdf)` asks for ([0-9.]+) SEK", page)
    assert promised is not None
    assert (tmp_path / promised[1]).read_bytes().startswith(b"%PDF-")
    assert f'"total": "{promised[2]}"' in done.stdout
