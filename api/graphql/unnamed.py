"""What may be asked without a token: signing in, and what leads to it. One such mutation, and nothing beside it.

The document is looked at before anything of it is executed. Aliases and fragments are no way round: a document with a
thousand logins is refused whole, and none of them is tried (attack G1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)
from starlette.requests import Request

from api.auth.tokens import TokenRefused
from domain.access.actor import Actor
from domain.ids import OperatorId

TOKENS_MAX: Final = 500
UNNAMED_MAX: Final = 65_536
SIGNING_IN: Final = frozenset(
    {
        "login",
        "answerChallenge",
        "askSecurityKey",
        "enrolTotp",
        "confirmTotp",
        "enrolSecurityKey",
        "confirmSecurityKey",
        "requestReset",
        "resetPassword",
        "acceptInvitation",
        "signInElsewhere",
    }
)
# A code or a password is guessed by these, so that each document tries once.
ALONE: Final = SIGNING_IN | {"changePassword", "removeFactor", "renewRecoveryCodes"}


def check_unnamed(query: str) -> None:
    """Let a document pass that is one mutation of those above. Raises TokenRefused."""
    try:
        document = parse(query, max_tokens=TOKENS_MAX, no_location=True)
    except GraphQLError:
        raise TokenRefused("a document that cannot be read") from None
    if len(document.definitions) != 1 or not isinstance(one := document.definitions[0], OperationDefinitionNode):
        raise TokenRefused("more than an operation")
    fields = one.selection_set.selections
    if one.operation is not OperationType.MUTATION or len(fields) != 1:
        raise TokenRefused("more than a mutation")
    field = fields[0]
    if not isinstance(field, FieldNode) or field.name.value not in SIGNING_IN:
        raise TokenRefused("a mutation that needs a token")


def nobody(request: Request) -> Actor:
    """Return who has not said who he is: of no operator, with no permission, from his address."""
    address = request.client.host if request.client else None
    return Actor(operator=OperatorId(0), client="", scopes=frozenset(), address=address)


def stands_alone(document: DocumentNode) -> bool:
    """Tell whether whatever tries a password or a code in a document is all there is in its operation."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode) and one.operation is OperationType.MUTATION:
            names = list(_roots(one.selection_set, fragments, set()))
            if len(names) > 1 and not ALONE.isdisjoint(names):
                return False
    return True


def _roots(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[str]:
    """Yield the names of an operation's fields, through its fragments; one spread twice is executed once."""
    for one in selections.selections:
        if isinstance(one, FieldNode):
            yield one.name.value
        elif isinstance(one, InlineFragmentNode):
            yield from _roots(one.selection_set, fragments, seen)
        elif isinstance(one, FragmentSpreadNode) and one.name.value in fragments and one.name.value not in seen:
            seen.add(one.name.value)
            yield from _roots(fragments[one.name.value].selection_set, fragments, seen)
