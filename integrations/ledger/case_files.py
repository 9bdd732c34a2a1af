"""A message of a case as a file for an agency: JSON, XML of the same tree, or CSV with a row for each value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from domain.collection.progress import CaseFormat, Message
from integrations.einvoice.ubl import clean
from integrations.ledger.tables import table


def case_file(message: Message, form: CaseFormat) -> tuple[str, bytes]:
    """Return the file's name, the same for the same message for ever, and its content."""
    name = f"case-{message.of_case}-{message.number:03d}-{message.kind.value}.{form.value}"
    if form is CaseFormat.JSON:
        return name, (json.dumps(message.content, ensure_ascii=False, indent=2) + "\n").encode()
    if form is CaseFormat.XML:
        root = etree.Element("collectionCase")
        _fill(root, message.content)
        return name, etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return name, table(("path", "value"), _flat(message.content, ""))


def _fill(parent: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, part in value.items():
            parts = part if isinstance(part, (list, tuple)) else [part]
            for each in parts:
                _fill(etree.SubElement(parent, name), each)
    elif value is not None:
        parent.text = _said(value)


def _flat(value: Any, path: str) -> Iterator[Sequence[str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else name)
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value, 1):
            yield from _flat(part, f"{path}.{index}")
    elif value is not None:
        yield path, _said(value)


def _said(value: Any) -> str:
    # What XML 1.0 cannot hold has no place in a name or a reason either.
    return clean(str(value))
