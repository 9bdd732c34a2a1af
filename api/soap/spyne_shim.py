"""Lets spyne 2.14 be imported on Python 3.12 and 3.13; import this module before it.

Its bundled ``six`` finds ``spyne.util.six.moves`` by an import protocol that 3.12 has dropped, and it imports ``cgi``,
which 3.13 has dropped, for one function. Mended upstream (arskom/spyne 700, 708, 711) and not released; with a release
that has it, this module goes.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from email.message import Message
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

MOVES: Final = "spyne.util.six.moves"


def _bundled() -> Any:
    return sys.modules["spyne.util.six"]._importer  # noqa: SLF001  (six keeps it private; there is no other way in)


class _Moves(MetaPathFinder, Loader):
    """Answer for ``six.moves`` from the modules that spyne's own six knows."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != MOVES and not fullname.startswith(f"{MOVES}."):
            return None
        return importlib.util.spec_from_loader(fullname, self) if fullname in _bundled().known_modules else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module: ModuleType = _bundled().load_module(spec.name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: six has made the module already."""


def parse_header(line: str) -> tuple[str, dict[str, str]]:
    """Split a header's value from its parameters, as ``cgi.parse_header`` did.

    >>> parse_header('text/xml; charset="utf-8"')
    ('text/xml', {'charset': 'utf-8'})
    """
    message = Message()
    message["content-type"] = line
    (value, _), *rest = message.get_params(failobj=[("", "")])
    return value, dict(rest)


def install() -> None:
    """Put both in place, once."""
    if not any(isinstance(finder, _Moves) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Moves())
    if sys.version_info >= (3, 13) and "cgi" not in sys.modules:
        cgi = ModuleType("cgi", "What spyne needs of the module that Python 3.13 has dropped.")
        cgi.parse_header = parse_header  # type: ignore[attr-defined]  # a module made here
        sys.modules["cgi"] = cgi


install()
