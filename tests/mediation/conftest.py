from __future__ import annotations

import os

import pytest

from tests.mediation.test_fuzz import ROUNDS


@pytest.fixture(scope="session")
def fuzz_rounds() -> int:
    return int(os.environ.get("TOLLWRIGHT_FUZZ_ROUNDS", ROUNDS))
