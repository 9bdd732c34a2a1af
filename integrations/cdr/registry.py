"""Which reader reads which profile: the shipped ones here, others through the entry-point group ``tollwright.readers``.

An operator's own kind of switch is a package with an entry point ``name = "module"`` in that group: the module has a
``decode`` (``domain.ports.reader``) and may have a ``PROFILE``, the TOML text that profiles of that kind start from.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from domain.mediation.profile import Profile, merge, read_profile
from domain.ports.reader import Reader
from domain.refusal import BadValue, NotFound

_GROUP: Final = "tollwright.readers"
_MODULES: Final = {
    "asterisk": "integrations.cdr.asterisk",
    "asterisk-cel": "integrations.cdr.asterisk_cel",
    "freeswitch-csv": "integrations.cdr.freeswitch_csv",
    "freeswitch-json": "integrations.cdr.freeswitch_json",
    "freeswitch-xml": "integrations.cdr.freeswitch_xml",
    "cucm": "integrations.cdr.cucm",
    "broadworks": "integrations.cdr.broadworks",
    "ribbon-act": "integrations.cdr.ribbon_act",
    "acme-sbc": "integrations.cdr.acme_sbc",
    "opensips": "integrations.cdr.opensips",
    "3cx": "integrations.cdr.threecx",
    "radius": "integrations.cdr.radius",
    "huawei-msc": "integrations.cdr.huawei_msc",
    "pgw-3gpp": "integrations.cdr.pgw_3gpp",
    "generic-csv": "integrations.cdr.generic_csv",
    "generic-jsonl": "integrations.cdr.generic_jsonl",
    "generic-fixed": "integrations.cdr.generic_fixed",
}
_TEXT_LENGTH_MAX: Final = 1 << 20


def names() -> list[str]:
    """Return the names of the shipped profiles, and of the kinds that installed packages bring."""
    shipped = importlib.resources.files("integrations.cdr") / "profiles"
    found = {entry.name.removesuffix(".toml") for entry in shipped.iterdir() if entry.name.endswith(".toml")}
    return sorted(found | {one.name for one in importlib.metadata.entry_points(group=_GROUP)})


def text_of(name: str) -> str:
    """Return a shipped profile's TOML text. Refuses with: NotFound."""
    if name not in names():
        raise NotFound("no profile {name!r}; there are {listed}", name=name, listed=" ".join(names()), field="reader")
    shipped = importlib.resources.files("integrations.cdr") / "profiles" / f"{name}.toml"
    if not shipped.is_file():
        return f'name = "{name}"\nreader = "{name}"\n' + str(getattr(_entry_point(name), "PROFILE", ""))
    return shipped.read_text(encoding="utf-8")


def profile(name_or_text: str) -> Profile:
    """Return a shipped profile by name, or read an operator's own from its TOML text.

    Refuses with: NotFound, BadValue.
    """
    if "\n" in name_or_text or "=" in name_or_text:
        return profile_of_text(name_or_text)
    # A shipped profile says for no file in particular which columns it has.
    return replace(read_profile(_document(name_or_text), _document), own=frozenset())


def profile_of_text(text: str) -> Profile:
    """Read an operator's own profile from its TOML text. Refuses with: NotFound, BadValue."""
    return read_profile(_toml(text), _document)


def reader(of: Profile) -> Reader:
    """Return the reader of a profile's format. Refuses with: NotFound."""
    if of.format in _MODULES:
        return cast("Reader", importlib.import_module(_MODULES[of.format]))
    module = _entry_point(of.format)
    if module is None:
        raise NotFound("no reader {format!r}", format=of.format, field="reader")
    return cast("Reader", module)


def _toml(text: str) -> dict[str, Any]:
    if len(text) > _TEXT_LENGTH_MAX:
        raise BadValue("profile: over {text_length_max} characters", text_length_max=_TEXT_LENGTH_MAX)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise BadValue("profile: not TOML: {wrong}", wrong=wrong) from None
    except RecursionError:
        raise BadValue("profile: nested too deeply") from None


@functools.lru_cache(maxsize=128)
def _document(name: str) -> Mapping[str, Any]:
    """Return a shipped profile's document, laid over the one it starts from in its turn."""
    file = importlib.resources.files("integrations.cdr") / "profiles" / f"{name}.toml"
    if "/" in name or "\\" in name or not file.is_file():
        module = _entry_point(name)
        if module is None:
            raise NotFound(
                "no profile {name!r}; there are {listed}, or give a file's path",
                name=name,
                listed=" ".join(names()),
                field="reader",
            )
        return {"name": name, "reader": name, **_toml(getattr(module, "PROFILE", ""))}
    document = _toml(file.read_text(encoding="utf-8"))
    if document["reader"] == name:
        return document
    base = _document(document["reader"])
    return {**merge(base, document), "reader": base["reader"]}


def _entry_point(name: str) -> object | None:
    for found in importlib.metadata.entry_points(group=_GROUP):
        if found.name == name:
            return cast("object", found.load())
    return None
