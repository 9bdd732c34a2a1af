"""``python -m api.catalogues``: bring the catalogues up to what the code says; new sentences are left empty."""

from __future__ import annotations

import sys

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from api.catalogues import FOLDER, LANGUAGES
from api.catalogues.gathering import gathered


def main() -> int:
    """Write the catalogues, and return how many sentences are without a translation."""
    wanted, missing = gathered(), 0
    for language in LANGUAGES:
        path = FOLDER / f"{language}.po"
        before: dict[str, str] = {}
        if path.exists():
            with path.open("rb") as file:
                before = {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id}
        made = Catalog(locale=language, project="Tollwright", header_comment="# What Tollwright tells people.")
        for template in sorted(wanted):
            told = before.get(template, "")
            made.add(template, told, locations=[(name, None) for name in wanted[template]])  # type: ignore[misc]  # babel takes no line
            missing += not told
        with path.open("wb") as file:
            write_po(file, made, width=0, sort_output=False, include_lineno=False, omit_header=True)
    print(f"{len(wanted)} sentences, {missing} without a translation", file=sys.stderr)  # noqa: T201  (a command's answer)
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
