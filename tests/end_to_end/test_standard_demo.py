"""The whole month at its full size comes to the figures that stand in the README."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from api.demo import run_main_job
from api.settings import Settings
from api.wiring import on_database

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.slow
async def test_the_month_comes_to_the_figures_of_the_readme(database, tmp_path):
    console = Console(file=io.StringIO(), width=120)
    await run_main_job(on_database(database, Settings(data_dir=tmp_path)), console)
    printed = [re.sub(r"[ │]+", " ", line).strip() for line in console.file.getvalue().splitlines()]
    block = README.read_text(encoding="utf-8").split("```")[3]
    promised = [" ".join(line.split()) for line in block.strip().splitlines()]
    assert len(promised) == 14
    assert [line for line in promised if line not in printed] == []
