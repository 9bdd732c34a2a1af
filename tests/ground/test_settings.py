"""Settings: where they come from, which wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from api import settings
from domain.refusal import BadValue


def test_defaults(tmp_path: Path) -> None:
    one = settings.read({}, tmp_path)
    assert (one.data_dir, one.database_url, one.host, one.port) == (Path(".tollwright"), None, "127.0.0.1", 8080)
    assert one.address == "http://127.0.0.1:8080"
    assert one.files_dir == Path(".tollwright/files")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "tollwright.toml").write_text(
        'port = 9000\nhost = "0.0.0.0"\npublic_url = "https://billing.example/"\n'
    )
    one = settings.read({"TOLLWRIGHT_PORT": "9001", "TOLLWRIGHT_HOST": "", "HOME": "/"}, tmp_path)
    assert (one.port, one.host) == (9001, "0.0.0.0")  # an empty variable is one that is not set
    assert one.address == "https://billing.example"


def test_secrets_from_a_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:hidden@db/x\n")
    one = settings.read({"DATABASE_URL_FILE": str(tmp_path / "url")}, tmp_path)
    assert one.database_url == "postgresql://u:hidden@db/x"
    assert "hidden" not in repr(one)


def test_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 9")
    assert settings.read({"TOLLWRIGHT_CONFIG": str(tmp_path / "other.toml")}, tmp_path).port == 9


@pytest.mark.parametrize(
    ("environment", "field", "words"),
    [
        ({"TOLLWRIGHT_PROT": "1"}, "TOLLWRIGHT_PROT", "did you mean TOLLWRIGHT_PORT?"),
        ({"TOLLWRIGHT_QQQQQQQQQQQQ": "1"}, "TOLLWRIGHT_QQQQQQQQQQQQ", "there are DATABASE_URL"),
        ({"TOLLWRIGHT_PORT": "http"}, "TOLLWRIGHT_PORT", "not a whole number"),
        ({"TOLLWRIGHT_PORT": "٣"}, "TOLLWRIGHT_PORT", "not a whole number"),
        ({"TOLLWRIGHT_PORT": "-1"}, "TOLLWRIGHT_PORT", "not a whole number"),
        ({"TOLLWRIGHT_PORT": "0"}, "TOLLWRIGHT_PORT", "less than 1"),
        ({"TOLLWRIGHT_PORT": "70000"}, "port", "is no port"),
        ({"TOLLWRIGHT_LOG_LEVEL": "loud"}, "log_level", "is none of"),
        ({"TOLLWRIGHT_CONFIG": "/nowhere.toml"}, "TOLLWRIGHT_CONFIG", "is not there"),
        ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL_FILE", "cannot be read"),
        ({"DATABASE_URL": "x", "DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL", "both set"),
    ],
)
def test_what_is_refused(environment: dict[str, str], field: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadValue, match=words.replace("?", r"\?")) as refusal:
        settings.read(environment, tmp_path)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "did you mean port"),
        ("port = true", "not a whole number"),
        ("port = 1.5", "not a whole number"),
        ("host = 1", "not a text"),
        ('host = ""', "not a text"),
        ("port = ", "cannot be read"),
    ],
)
def test_what_is_refused_in_the_file(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "tollwright.toml").write_text(text)
    with pytest.raises(BadValue, match=words) as refusal:
        settings.read({}, tmp_path)
    assert str(tmp_path) in str(refusal.value.field)


def test_every_setting_has_a_line_of_help() -> None:
    assert all(words.help and "\n" not in words.help for words in settings.FIELDS.values())
    assert set(settings.FIELDS) == set(settings.Settings.__dataclass_fields__)
