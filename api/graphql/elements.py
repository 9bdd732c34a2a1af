"""Network elements: which orders go there, and how they are asked."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import strawberry

from api.element_fields import command
from api.graphql import order_words  # noqa: F401  (its enumerations' names)
from api.graphql.context import Info
from api.graphql.ids import global_id
from api.graphql.once import is_kept_key, kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.contracts.subscription import SubscriptionKind
from domain.provisioning.element import ElementKind, NetworkElement
from domain.provisioning.order import OrderKind
from domain.refusal import BadValue
from domain.usecases.put_element import get_element, list_elements, put_element, remove_element


@strawberry.type(name="NetworkHeader", description="A header of a template.")
class HeaderType:
    """One of ``Template.headers``."""

    name: str
    value: str


@strawberry.type(name="NetworkAnswerRule", description="How an answer is read. Paths are such as result.items[0].id.")
class RuleType:
    """``domain.provisioning.template.Rule``."""

    state_path: str | None
    done: list[str]
    accepted: list[str]
    passing: list[str]
    reason_path: str | None
    reference_path: str | None


@strawberry.type(name="NetworkTemplate", description="How orders are asked for by REST or SOAP.")
class TemplateType:
    """``domain.provisioning.template.Template``."""

    orders: list[OrderKind]
    method: str
    path: str
    headers: list[HeaderType]
    content_type: str
    body: str
    operation: str | None
    answer: RuleType


@strawberry.type(name="NetworkCredential", description="A secret's name, and where it lies: kept here, or a reference.")
class NetworkCredentialType:
    """One of ``NetworkElement.credentials``; never its secret."""

    name: str
    reference: str | None


def _id(root: strawberry.Parent[NetworkElement]) -> strawberry.ID:
    return strawberry.ID(global_id("NetworkElement", root.id))


def _headers(values: tuple[tuple[str, str], ...]) -> list[HeaderType]:
    return [HeaderType(name=name, value=value) for name, value in values]


def _templates(root: strawberry.Parent[NetworkElement]) -> list[TemplateType]:
    return [
        TemplateType(
            orders=list(one.orders),
            method=one.method,
            path=one.path,
            headers=_headers(one.headers),
            content_type=one.content_type,
            body=one.body,
            operation=one.operation,
            answer=RuleType(
                state_path=one.answer.state_path,
                done=list(one.answer.done),
                accepted=list(one.answer.accepted),
                passing=list(one.answer.passing),
                reason_path=one.answer.reason_path,
                reference_path=one.answer.reference_path,
            ),
        )
        for one in root.templates
    ]


def _credentials(root: strawberry.Parent[NetworkElement]) -> list[NetworkCredentialType]:
    known = sorted(root.credentials.items())
    return [NetworkCredentialType(name=name, reference=one.reference) for name, one in known]


@strawberry.type(name="NetworkElement", description="What does something for lines. Its secrets are never shown.")
class NetworkElementType:
    """``domain.provisioning.element.NetworkElement``."""

    id: strawberry.ID = strawberry.field(resolver=_id)
    name: str
    kind: ElementKind
    address: str | None
    orders: list[OrderKind] = strawberry.field(description="None: of every kind.")
    lines: list[SubscriptionKind] = strawberry.field(description="None: of every kind.")
    position: int = strawberry.field(description="Elements do their steps by it, then by name.")
    templates: list[TemplateType] = strawberry.field(resolver=_templates)
    wsdl: str | None
    credentials: list[NetworkCredentialType] = strawberry.field(resolver=_credentials)
    instruction: str | None
    undoable: bool
    tries_max: int
    retry_seconds: int
    request_seconds: int
    answer_seconds: int
    active: bool
    version: int

    is_type_of = shows(NetworkElement)


@strawberry.input(description="A name and a value.")
class NetworkPairInput:
    """A header, or a credential."""

    name: str
    value: str


@strawberry.input(description="How an answer is read; without statePath by its status alone: 202 accepted, 2xx done.")
class NetworkAnswerRuleInput:
    """``domain.provisioning.template.Rule``."""

    state_path: str | None = None
    done: list[str] | None = None
    accepted: list[str] | None = None
    passing: list[str] | None = strawberry.field(default=None, description="Failed, and tried again.")
    reason_path: str | None = None
    reference_path: str | None = None


@strawberry.input(
    description="How orders are asked for by REST (method, path, headers, body) or SOAP (operation, body)."
)
class NetworkTemplateInput:
    """``domain.provisioning.template.Template``."""

    orders: list[OrderKind] | None = None
    method: str | None = None
    path: str | None = None
    headers: list[NetworkPairInput] | None = None
    content_type: str | None = None
    body: str | None = strawberry.field(
        default=None, description="With {{number}} and the like; of SOAP a JSON object."
    )
    operation: str | None = None
    answer: NetworkAnswerRuleInput | None = None


@strawberry.input(
    description="An element as a whole: what is left out has its default, but credentials, which stay as they are."
)
class PutNetworkElementInput:
    """``PutElement``."""

    name: str
    kind: ElementKind
    address: str | None = None
    version: int = strawberry.field(default=0, description="The one that was read; 0 for a new element.")
    orders: list[OrderKind] | None = None
    lines: list[SubscriptionKind] | None = None
    position: int | None = None
    templates: list[NetworkTemplateInput] | None = None
    wsdl: str | None = strawberry.field(default=None, description="The document itself, which may import nothing.")
    ca: str | None = strawberry.field(default=None, description="Certificates in PEM, in place of the system's.")
    credentials: list[NetworkPairInput] | None = strawberry.field(
        default=None, description="secret, token, user, password: a secret, a reference, or empty: taken away."
    )
    instruction: str | None = None
    undoable: bool | None = None
    tries_max: int | None = None
    retry_seconds: int | None = None
    request_seconds: int | None = None
    answer_seconds: int | None = None
    active: bool | None = None
    idempotency_key: str | None = kept_key()


def _plain(value: Any) -> Any:
    """Return an input as plain fields; what is left out is left out."""
    if isinstance(value, list):
        if value and isinstance(value[0], NetworkPairInput):
            pairs = {one.name: one.value for one in value}
            if len(pairs) != len(value):
                raise BadValue("a name stands there twice")
            return pairs
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        known = {
            field.name: getattr(value, field.name) for field in dataclasses.fields(value) if not is_kept_key(field)
        }
        return {name: _plain(one) for name, one in known.items() if one is not None and one != []}
    return value


async def _elements(info: Info) -> Any:
    return await info.context.ask(list_elements)


async def _element(info: Info, name: str) -> Any:
    return await info.context.ask(get_element, name)


async def _put(info: Info, asked: Annotated[PutNetworkElementInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    cmd = command(_plain(asked))
    return await info.context.ask(put_element, cmd, clock=wiring.clock, network=wiring.network, vault=wiring.vault)


@strawberry.type(name="NetworkElementRemoved", description="The element is gone with its secrets.")
class NetworkElementRemoved:
    """What was removed."""

    name: str


async def _remove(info: Info, name: str, version: int) -> Any:
    gone = await info.context.ask(remove_element, name, version)
    return NetworkElementRemoved(name=gone.name)


@strawberry.type
class ElementQuery:
    """Network elements."""

    network_elements: list[NetworkElementType] = strawberry.field(resolver=_elements)
    network_element: NetworkElementType | None = strawberry.field(resolver=_element)


@strawberry.type
class ElementMutation:
    """Setting up network elements."""

    put_network_element = strawberry.mutation(
        resolver=_put, graphql_type=outcome("PutNetworkElementResult", NetworkElementType)
    )
    remove_network_element = strawberry.mutation(
        resolver=_remove,
        graphql_type=outcome("RemoveNetworkElementResult", NetworkElementRemoved),
        description="Steps that still need it fail.",
    )
