"""What the pages name is there: links, files, functions, commands with their options, operations and fields."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate
from typer.main import get_command

from api.cli import VERBS
from api.graphql.schema import make_schema

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOLLWRIGHT = re.compile(r"(?:^|[\s(;&|']|bin/)tollwright ((?:[^\n`|;&>#)]|\\\n)+)")
SWITCHES = {"formats.md", "sources.md"}  # they name the columns of others
ROOMS = ("api/", "domain/", "persistence/", "integrations/", "migrations/", "tests/", "benchmarks/", "deploy/", "docs/")


def ids(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def words(text: str) -> str:
    """Return a page without its blocks."""
    return BLOCK.sub("", text)


def heading_anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_link_leads_to_a_page_and_its_heading(page: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", words(page.read_text(encoding="utf-8"))):
        there = (page.parent / link).resolve() if link else page
        assert there.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", words(there.read_text(encoding="utf-8")), re.MULTILINE)
            assert anchor in map(heading_anchor, headings), f"{link}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    for name in re.findall(r"`([\w./-]+/[\w./*-]*)`", words(page.read_text(encoding="utf-8"))):
        if name.startswith(ROOMS):
            assert list(ROOT.glob(name.rstrip("/"))), name


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_function_is_where_it_is_said_to_be(page: Path) -> None:
    text = " ".join(words(page.read_text(encoding="utf-8")).split())
    for names, file in re.findall(r"((?:`\w+`(?: and |, )?)+) in `([\w/]+\.py)`", text):
        source = (ROOT / file).read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names.replace(" and ", " ")):
            assert re.search(rf"^ *(?:async )?(?:def|class) {name}\b|^{name}\b", source, re.MULTILINE), (name, file)


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_command_that_is_shown_has_its_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = [block for language, block in BLOCK.findall(text) if language in {"", "sh"}]
    for command in TOLLWRIGHT.findall("\n".join([*shown, *re.findall(r"`([^`]+)`", words(text))])):
        verb, *rest = _split(command.replace("\\\n", " ")) or [""]
        if not re.fullmatch(r"[a-z]+", verb):
            continue  # an option, or words of a sentence
        assert verb in VERBS, command
        here: Any = get_command(importlib.import_module(VERBS[verb][0]).app)
        for word in rest:
            subs = getattr(here, "commands", None)
            if subs is not None and re.fullmatch(r"[a-z][a-z-]+(\|[a-z-]+)*", word):
                assert set(word.split("|")) <= set(subs), command
                here = subs[word.split("|")[0]]
            elif word.startswith("--"):
                told = {opt for one in here.params for opt in (*one.opts, *one.secondary_opts)} | {"--help"}
                assert word.split("=")[0].rstrip(",.:]") in told, command


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command.replace("[", " ").replace("]", " "))
    except ValueError:
        return command.split()


def test_every_graphql_document_that_is_shown_is_one_of_the_schema() -> None:
    schema = make_schema()._schema  # strawberry's own way to graphql-core
    for page in PAGES:
        for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == "graphql":
                assert validate(schema, parse(text)) == [], (page.name, text)


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_name_in_camel_case_is_one_of_the_apis_or_the_code(page: Path, known_names: set[str]) -> None:
    text = "" if page.name in SWITCHES else words(page.read_text(encoding="utf-8"))
    for name in re.findall(r"`([a-z]+(?:[A-Z][a-z0-9]+)+|(?:[A-Z][a-z0-9]+){2,})(?:\([^`]*\))?`", text):
        assert name in known_names, name


@pytest.fixture(scope="module")
def known_names() -> set[str]:
    """Every word of the schema, the WSDL, the OpenAPI document and the code."""
    files = [ROOT / "schema.graphql", ROOT / "wsdl" / "tollwright.wsdl", ROOT / "docs" / "openapi.json"]
    for room in ("api", "domain", "integrations", "persistence"):
        files += (ROOT / room).rglob("*.py")
    return {word for file in files for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))}
