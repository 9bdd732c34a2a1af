"""GraphQL documents that were read and validated, kept by their text, so that a program's next request need not be.

A client sends the same text with other variables, and reading it takes longer than answering it. Kept is only what the
text alone decides: the document, and what the schema says of it. Who asks, and his variables, are looked at each time,
by ``limits`` and by the use cases. Each schema has a store of its own. It is bounded by the texts' characters, since a
document takes some 100 times as many bytes, and whoever may ask could fill it with large ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, parse
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

DOCUMENTS_MAX: Final = 500
CHARACTERS_MAX: Final = 500_000
LONGEST: Final = 20_000  # a longer text is read each time


@dataclass(slots=True)
class Kept:
    """A document, and what was found wrong in it by these rules; None: it was not validated yet."""

    document: DocumentNode
    rules: tuple[Any, ...] = ()
    errors: list[GraphQLError] | None = None


class Documents:
    """The documents of one schema; the one that was asked for longest ago goes first."""

    def __init__(self, *, documents_max: int = DOCUMENTS_MAX, characters_max: int = CHARACTERS_MAX) -> None:
        self._documents_max = documents_max
        self._characters_max = characters_max
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self.characters = 0

    def get(self, text: str) -> Kept | None:
        """Return the document of exactly this text, if it is kept."""
        if (found := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
        return found

    def put(self, text: str, kept: Kept) -> None:
        """Keep a document."""
        if len(text) > LONGEST or text in self._kept:
            return
        self._kept[text] = kept
        self.characters += len(text)
        while len(self._kept) > self._documents_max or self.characters > self._characters_max:
            gone, _ = self._kept.popitem(last=False)
            self.characters -= len(gone)

    def __len__(self) -> int:
        return len(self._kept)


class Prepared(SchemaExtension):
    """Reads and validates one request's document, unless that was done before."""

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self._documents = documents
        self._mine: Kept | None = None

    def on_parse(self) -> Iterator[None]:
        """Give the document; a text that cannot be read raises what strawberry tells of it, and is not kept."""
        context = self.execution_context
        text = context.query or ""
        if text:
            self._mine = self._documents.get(text)
            if self._mine is None:
                self._mine = Kept(parse(text, **context.parse_options))
                self._documents.put(text, self._mine)
            context.graphql_document = self._mine.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Give what the schema says of the document."""
        context, mine = self.execution_context, self._mine
        if mine is not None and context.graphql_document is mine.document:
            if mine.errors is None or mine.rules != context.validation_rules:
                schema = context.schema._schema  # noqa: SLF001  (strawberry's own way to graphql-core)
                mine.errors = validate_document(schema, mine.document, context.validation_rules)
                mine.rules = context.validation_rules
            context.pre_execution_errors = list(mine.errors)
        yield
