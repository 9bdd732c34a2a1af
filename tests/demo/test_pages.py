"""What the README and the pages name exists: files, functions in them, links; and every page stands in the index."""

import re
from pathlib import Path

import pytest

from domain.demo.prices import tariff_document
from domain.demo.register import make_register
from domain.demo.size import STANDARD

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TOP = {path.name for path in ROOT.iterdir()} - {".venv", ".tollwright", ".git"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_a_page_names_exists(page):
    named = re.findall(r"`([\w.-]+/[\w./-]*)`", page.read_text(encoding="utf-8"))
    missing = [path for path in named if path.split("/")[0] in TOP and not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
            assert anchor in slugs, link


def test_every_function_the_readme_points_at_is_where_it_says():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    pointed = re.findall(r"`(\w+)`(?: and `(\w+)`)? (?:in|\() ?`([\w/]+\.py)`", text)
    assert len(pointed) >= 8
    for first, second, path in pointed:
        source = (ROOT / path).read_text(encoding="utf-8")
        for name in filter(None, (first, second)):
            assert re.search(rf"(?:def|class) {name}\b", source), f"{name} is not in {path}"


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w.-]+)\)", index))
    assert {path.name for path in (ROOT / "docs").iterdir() if path.is_file()} - {"README.md"} <= linked


def test_the_demo_s_figures_in_the_pages_are_those_of_the_demo():
    document = tariff_document()
    register = make_register(STANDARD)
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{len(register.subscriptions)} lines" in readme
    assert f"over {len(document['destinations'])} destinations" in readme
    assert len(document["price_lists"]) == 10
    demo = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    prefixes = sum(len(place["prefixes"]) for place in document["destinations"].values())
    assert f"{len(document['destinations'])} destinations with {prefixes} prefixes" in demo
