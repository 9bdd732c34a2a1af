"""What a refusal calls a field is told as the option that the command line has for it; a crash is no refusal."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.cli import BROKEN, option


@pytest.mark.parametrize(
    ("words", "field", "told"),
    [
        (["rerate"], "priceList", "--list"),
        (["rerate"], "until", "--to"),
        (["rerate"], "since", "--from"),
        (["rerate"], "unrated", "--unrated"),
        (["simulate"], "until", "--to"),
        (["simulate"], "draft", "--draft"),
        (["explain"], "number", "--number"),
        (["catalogue", "publish", "autumn"], "validFrom", "--from"),
        (["catalogue", "publish", "autumn"], "acceptWarnings", "--accept-warnings"),
        (["explain"], "event", "--event"),
        (["explain"], "--language", "--language"),
        (["rerate"], "rates.0.validFrom", "rates.0.validFrom"),
    ],
)
def test_a_field_is_told_as_its_option(words: list[str], field: str, told: str) -> None:
    assert option(words[0], words[1:], field) == told


def test_a_crash_ends_with_a_code_of_its_own_and_says_that_it_is_one() -> None:
    script = (
        "import api.cli as c; c.VERBS = {'rate': ('no.such.module', '')}; import sys; sys.argv[1:] = ['rate']; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == BROKEN == 70
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("tollwright: this is a fault of the program")
