"""A phrase for people that can be told in their language: English text that knows its template and its values."""

from __future__ import annotations

from typing import Self


class Said(str):
    """English text, under whose ``template`` translations find it. It is stored and compared as the text it is.

    >>> said = Said("{left} of {bucket} is left", left="2 GB", bucket="Surf")
    >>> said, said.template
    ('2 GB of Surf is left', '{left} of {bucket} is left')
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        """Fill a template; one without values stands as it is, braces and all."""
        self = super().__new__(cls, template.format_map(values) if values else template)
        self.template = template
        self.values = values
        return self
