"""Documents kept by their text: bounded, each schema's own, and nothing of who asked kept with them."""

from __future__ import annotations

from typing import Any

import pytest
import strawberry
from graphql import parse
from strawberry.extensions import MaxTokensLimiter

from api.graphql import documents as module
from api.graphql.documents import Documents, Kept, Prepared
from api.graphql.limits import Limits


def _kept(text: str) -> Kept:
    return Kept(parse(text))


def test_the_one_asked_for_longest_ago_goes_first() -> None:
    documents = Documents(documents_max=2)
    for text in ("{ a }", "{ b }"):
        documents.put(text, _kept(text))
    documents.get("{ a }")
    documents.put("{ c }", _kept("{ c }"))
    assert documents.get("{ b }") is None
    assert documents.get("{ a }") is not None
    assert len(documents) == 2


def test_characters_are_bounded_and_long_texts_are_not_kept() -> None:
    documents = Documents(characters_max=100)
    for place in range(50):
        text = "{ name" + " " * place + "}"
        documents.put(text, _kept(text))
    assert 0 < documents.characters <= 100
    assert documents.characters == sum(len(text) for text in documents._kept)
    documents = Documents()
    text = "{ name" + " " * module.LONGEST + "}"
    documents.put(text, _kept(text))
    assert len(documents) == 0


def _schema(documents: Documents, *fields: str) -> strawberry.Schema:
    async def told(info: strawberry.Info) -> str:
        return str(info.context["who"])

    known: dict[str, Any] = {name: strawberry.field(resolver=told) for name in fields}
    query = strawberry.type(type("Query", (), known | {"__annotations__": {}}))
    return strawberry.Schema(query, extensions=[lambda: MaxTokensLimiter(30), lambda: Prepared(documents), Limits])


async def test_a_text_is_read_and_validated_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    validated: list[object] = []

    def reading(text: str, **more: Any) -> Any:
        read.append(text)
        return parse(text, **more)

    def validating(*arguments: Any) -> Any:
        validated.append(arguments)
        return kept_validate(*arguments)

    kept_validate = module.validate_document
    monkeypatch.setattr(module, "parse", reading)
    monkeypatch.setattr(module, "validate_document", validating)
    schema = _schema(Documents(), "name")
    for who in ("one", "two", "one"):
        result = await schema.execute("{ name }", context_value={"who": who})
        assert result.errors is None
        assert result.data == {"name": who}
    assert (len(read), len(validated)) == (1, 1)
    await schema.execute("{ name  }", context_value={"who": "one"})
    assert (len(read), len(validated)) == (2, 2)


async def test_what_is_wrong_is_told_each_time() -> None:
    documents = Documents()
    schema = _schema(documents, "name")
    for _ in range(3):
        wrong = await schema.execute("{ nobody }", context_value={})
        assert "nobody" in str((wrong.errors or [])[0])
        unreadable = await schema.execute("{ name", context_value={})
        assert "Syntax" in str((unreadable.errors or [])[0])
        many = await schema.execute("{ " + "name " * 40 + "}", context_value={})
        assert "tokens" in str((many.errors or [])[0])
    assert len(documents) == 1


async def test_each_schema_validates_by_itself() -> None:
    first, second = _schema(Documents(), "name"), _schema(Documents(), "title")
    for _ in range(2):
        assert (await first.execute("{ name }", context_value={"who": "x"})).errors is None
        assert (await second.execute("{ name }", context_value={"who": "x"})).errors


@strawberry.type
class Row:
    """A row below which there are rows."""

    @strawberry.field
    def rows(self, first: int) -> list[Row]:
        """Return rows."""
        return [Row()] * min(first, 2)


async def test_limits_see_the_variables_of_each_request() -> None:
    documents = Documents()
    schema = strawberry.Schema(Row, extensions=[lambda: Prepared(documents), Limits])
    text = "query($n: Int!) { rows(first: $n) { rows(first: $n) { rows(first: $n) { __typename } } } }"
    for size, refused in ((2, False), (100, True), (2, False), (100, True)):
        result = await schema.execute(text, variable_values={"n": size}, root_value=Row())
        assert bool(result.errors) is refused, size
        if result.errors:
            assert (result.errors[0].extensions or {})["code"] == "LIMIT_EXCEEDED"
    assert len(documents) == 1
