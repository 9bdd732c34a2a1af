"""The business says no. Every refusal has a stable code and a sentence that says what to do.

    Refusal
    ├── BadValue            bad_value            a value is not of its form
    ├── NotAllowed          not_allowed          the caller lacks the permission
    ├── NotFound            not_found            no such thing, or not the caller's to see
    ├── Conflict            conflict             it exists already, or the same id came with other content
    │   ├── Stale           stale                somebody changed it since it was read
    │   └── Overlap         overlap              two intervals or prefixes claim the same
    ├── WrongState          wrong_state          not possible in the state it is in
    ├── LimitExceeded       limit_exceeded       larger, longer or more than is accepted
    └── Unreadable          unreadable           a file or document that cannot be read at all

A record that is bad is a *reject*, not a refusal (``domain.mediation``). A bug is an assert or a crash.
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):  # noqa: N818  (a refusal is an answer, not an error; its name says so)
    """A business no. ``field`` is the path of the argument it concerns, in the words of the API, dots between.

    ``template`` is the English sentence with the names of ``values`` in braces, under which translations find it.

    >>> BadValue("a name has 1 to {most} characters", most=200, field="name").message
    'a name has 1 to 200 characters'
    """

    code: ClassVar[str] = "refused"

    def __init__(self, template: str, *, field: str | None = None, **values: object) -> None:
        self.template = template
        self.values = values
        self.message = template.format_map(values) if values else template
        self.field = field
        super().__init__(self.message)


class BadValue(Refusal):
    """A value is not of its form."""

    code = "bad_value"


class NotAllowed(Refusal):
    """The caller lacks the permission."""

    code = "not_allowed"


class NotFound(Refusal):
    """No such thing, or not the caller's to see; the two are never told apart."""

    code = "not_found"


class Conflict(Refusal):
    """It exists already, or the same id came with other content."""

    code = "conflict"


class Stale(Conflict):
    """Somebody changed it since it was read; read it again."""

    code = "stale"


class Overlap(Conflict):
    """Two intervals or prefixes claim the same."""

    code = "overlap"


class WrongState(Refusal):
    """Not possible in the state it is in."""

    code = "wrong_state"


class LimitExceeded(Refusal):
    """Larger, longer or more than is accepted."""

    code = "limit_exceeded"


class Unreadable(Refusal):
    """A file or document that cannot be read at all."""

    code = "unreadable"
