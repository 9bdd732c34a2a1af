"""``python -m api.catalogues``: bring the catalogues up to the refusals in the code; new ones are left empty."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from api.catalogues import FOLDER, LANGUAGES
from domain import refusal

ROOT: Final = FOLDER.parents[1]
# What a caller of an API can meet; the command line and the settings speak English, as their documentation does.
FOLDERS: Final = ("domain", "persistence", "integrations", "api")
BESIDE: Final = ("api/cli/", "api/demo/", "api/settings.py", "api/catalogues/")
KINDS: Final = frozenset(name for name, one in vars(refusal).items() if isinstance(one, type)) - {"ClassVar"}


def templates() -> dict[str, list[str]]:
    """Return every template in the code with the files that say it. Raises SyntaxError for one that is not constant."""
    found: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(BESIDE):
                for template in _said(path):
                    places = found.setdefault(template, [])
                    if name not in places:
                        places.append(name)
    return found


def _said(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if name in KINDS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
            elif isinstance(first, ast.JoinedStr):
                raise SyntaxError(f"{path}:{node.lineno}: a refusal is a template with named values, not an f-string")


def main() -> int:
    """Write the catalogues, and return how many sentences are without a translation."""
    wanted, missing = templates(), 0
    for language in LANGUAGES:
        path = FOLDER / f"{language}.po"
        before: dict[str, str] = {}
        if path.exists():
            with path.open("rb") as file:
                before = {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id}
        made = Catalog(locale=language, project="Tollwright", header_comment="# Refusals of Tollwright.")
        for template in sorted(wanted):
            told = before.get(template, "")
            made.add(template, told, locations=[(name, None) for name in wanted[template]])  # type: ignore[misc]  # babel takes no line
            missing += not told
        with path.open("wb") as file:
            write_po(file, made, width=0, sort_output=False, include_lineno=False, omit_header=True)
    print(f"{len(wanted)} sentences, {missing} without a translation", file=sys.stderr)  # noqa: T201
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
