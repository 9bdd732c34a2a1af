"""The main job and its database, killed at seeded moments: the books are those of an undisturbed run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.kills import trial, undisturbed


@pytest.mark.slow
def test_killed_jobs_end_with_the_same_books() -> None:
    expected, seconds = undisturbed()
    assert expected["usage"][0][0] > 0
    assert expected["ledger"]
    # The database, the job, both, and the job again; ``make prove`` has other seeds.
    assert trial(9, expected, seconds) == []


@pytest.mark.slow
def test_killed_runs_of_collection_remind_nobody_twice() -> None:
    command = [sys.executable, "-m", "benchmarks.collection_kills", "--seeds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["differing"] == []


@pytest.mark.slow
def test_killed_bill_runs_end_with_the_same_invoices() -> None:
    # Ten storms; ``make prove`` has a thousand. It forks, and so is no part of this process.
    command = [sys.executable, "-m", "benchmarks.bill_kills", "--seeds", "10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["differing"] == []
