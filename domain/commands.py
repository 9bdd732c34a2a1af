"""What commands have in common: plain texts, fields that may be left as they are, and being repeated under a key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from domain.ports.access import Answers
from domain.refusal import BadValue, LimitExceeded

KEY_MAX = 64
TEXT_MAX = 2000
YEAR_MIN = 1900
YEAR_MAX = 9998
_KEY = re.compile(rf"[!-~]{{1,{KEY_MAX}}}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

T = TypeVar("T")


class Unchanged(Enum):
    """Stands for a field that a change does not touch; None empties a field."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
Change: TypeAlias = T | Unchanged


class Keyed(Protocol):
    """A command that may be sent again under its key. It is a dataclass."""

    @property
    def idempotency_key(self) -> str | None: ...  # noqa: D102


def given(command: Any, *names: str) -> dict[str, Any]:
    """Return the named fields of a change that are to be changed."""
    values = {name: getattr(command, name) for name in names}
    return {name: value for name, value in values.items() if value is not UNCHANGED}


def check_texts(command: Any) -> None:
    """Check that every text and time of a command can be kept. Refuses with: BadValue, naming the field.

    Control characters, lone surrogates and texts of more than ``TEXT_MAX`` characters are refused, and days and times
    so far away that another offset would be beyond the calendar.
    """
    for path, value in _texts(command, ""):
        if isinstance(value, date):
            if not YEAR_MIN <= value.year <= YEAR_MAX:
                raise BadValue(
                    "a time lies between the years {year_min} and {year_max}",
                    year_min=YEAR_MIN,
                    year_max=YEAR_MAX,
                    field=path,
                )
        elif len(value) > TEXT_MAX:
            raise BadValue("a text has at most {text_max} characters", text_max=TEXT_MAX, field=path)
        elif found := _UNPRINTABLE.search(value):
            raise BadValue("a text holds no control characters (U+{found:04X})", found=ord(found[0]), field=path)


def camel(name: str) -> str:
    """Write a field's name as the APIs do.

    >>> camel("payment_terms_days")
    'paymentTermsDays'
    """
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def few_enough(there: int, most: int, *, field: str) -> None:
    """Let one more be made where there are not so many already. Refuses with: LimitExceeded."""
    if there >= most:
        raise LimitExceeded("there are {most} of these at most", most=most, field=field)


def check_key(key: str) -> None:
    """Check the form of an idempotency key. Refuses with: BadValue."""
    if not _KEY.fullmatch(key):
        raise BadValue(
            "a key is 1 to {key_max} printable ASCII characters without spaces", key_max=KEY_MAX, field="idempotencyKey"
        )


async def answered(answers: Answers, command: Keyed) -> int | None:
    """Return the id that this command was answered with before; None where it is new or has no key.

    Refuses with: BadValue (a key that is none), Conflict (the key came with other content).
    """
    if command.idempotency_key is None:
        return None
    check_key(command.idempotency_key)
    return await answers.claim(command.idempotency_key, fingerprint(command))


async def remember(answers: Answers, command: Keyed, answer: int) -> None:
    """Record the id that the command is answered with."""
    if command.idempotency_key is not None:
        await answers.keep(command.idempotency_key, answer)


def fingerprint(command: Keyed) -> bytes:
    """Return the SHA-256 of what a command says, its key left out. Equal values in other notations are equal."""
    content = [type(command).__name__, _plain(dataclasses.replace(command, idempotency_key=None))]  # type: ignore[type-var]  # a dataclass, which a Protocol cannot say
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Decimal():
            return format(value.normalize(), "f")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case frozenset() | set():
            return sorted(map(_plain, value))
        case tuple() | list():
            return list(map(_plain, value))
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case None | bool() | int() | str():
            return value
    assert dataclasses.is_dataclass(value), f"{type(value)} in a command"
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}


def _texts(value: Any, path: str) -> Iterator[tuple[str, str | date]]:
    if isinstance(value, date) or (isinstance(value, str) and not isinstance(value, Enum)):
        yield path, value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            below = camel(field.name)
            yield from _texts(getattr(value, field.name), f"{path}.{below}" if path else below)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield path, str(key)
            yield from _texts(one, f"{path}.{key}")
    elif isinstance(value, (tuple, list)):
        for index, one in enumerate(value):
            if path == "fields" and isinstance(one, tuple) and one and isinstance(one[0], str):
                yield f"{path}.{index}", one[0]  # a field of the operator's own and its value: told by its name
                yield from (each for part in one[1:] for each in _texts(part, f"{path}.{one[0]}"))
            else:
                yield from _texts(one, f"{path}.{index}")
