"""JSON values (RFC 8259) as text columns: inner names joined by dots, lists as JSON text.

>>> flat({"a": {"b": 1, "c": [2]}, "d": None, "e": True})
{'a.b': '1', 'a.c': '[2]', 'd': '', 'e': 'true'}
"""

from __future__ import annotations

import json
from typing import Any, Final

_DEPTH_MAX: Final = 8
_FIELDS_MAX: Final = 5_000


def text(value: Any) -> str:
    """Return a scalar or list as the text of a column."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


def flat(record: dict[str, Any]) -> dict[str, str]:
    """Flatten an object; what is nested too deeply stays JSON text."""
    columns: dict[str, str] = {}
    _add(columns, record, "", 0)
    return columns


def _add(columns: dict[str, str], record: dict[str, Any], prefix: str, depth: int) -> None:
    for name, value in record.items():
        if len(columns) >= _FIELDS_MAX:
            return
        if isinstance(value, dict) and depth < _DEPTH_MAX:
            _add(columns, value, f"{prefix}{name}.", depth + 1)
        else:
            columns[f"{prefix}{name}"] = text(value)


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refused)


def parse(line: str) -> Any:
    """Parse JSON; numbers keep their text, constants that are not JSON are refused. Raises ValueError."""
    return _DECODER.decode(line)
