"""A network element: which orders of which lines go there, how it is asked, and how long an answer may take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.commands import camel
from domain.contracts.subscription import SubscriptionKind
from domain.feeds.feed import Credential
from domain.ids import ElementId, OperatorId
from domain.provisioning.order import Order, OrderKind, Step
from domain.provisioning.template import Template, check_template
from domain.refusal import BadValue

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)
ELEMENTS_MAX: Final = 100
TEMPLATES_MAX: Final = 20
WSDL_MAX: Final = 1 << 20
INSTRUCTION_MAX: Final = 1000


class ElementKind(StrEnum):
    """How an element is asked; manual: a person does it."""

    WEBHOOK = "webhook"
    REST = "rest"
    SOAP = "soap"
    MANUAL = "manual"


# ``secret`` signs our webhooks and the element's own answers; the others are HTTP's.
CREDENTIALS: Final[dict[ElementKind, frozenset[str]]] = {
    ElementKind.WEBHOOK: frozenset({"secret", "token"}),
    ElementKind.REST: frozenset({"secret", "token", "user", "password"}),
    ElementKind.SOAP: frozenset({"secret", "token", "user", "password"}),
    ElementKind.MANUAL: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkElement:
    """An element. ``orders`` and ``lines``: of which kinds it does something; none named: of all.

    Elements do their steps by ``position``, then by name. ``request_seconds``: how long one request may take;
    ``answer_seconds``: how long an answer may that it promised for later.
    """

    id: ElementId
    operator: OperatorId
    name: str
    kind: ElementKind
    address: str | None = None
    orders: tuple[OrderKind, ...] = ()
    lines: tuple[SubscriptionKind, ...] = ()
    position: int = 100
    templates: tuple[Template, ...] = ()
    wsdl: str | None = field(default=None, repr=False)
    ca: str | None = None
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    instruction: str | None = None
    undoable: bool = True
    tries_max: int = 5
    retry_seconds: int = 5
    request_seconds: int = 10
    answer_seconds: int = 300
    active: bool = True
    version: int = 1
    created_at: datetime
    changed_at: datetime

    def about(self, credential: str) -> str:
        """Return what a sealed secret is bound to: the operator, the element and its address."""
        return f"{self.operator}:network:{self.name}:{self.kind.value}:{self.address or ''}:{credential}"

    def takes(self, order: OrderKind, line: SubscriptionKind) -> bool:
        """Tell whether an order of a line goes here."""
        return self.active and (not self.orders or order in self.orders) and (not self.lines or line in self.lines)

    def template(self, order: OrderKind) -> Template | None:
        """Return how an order of this kind is asked for: the first template that names it, or that names none."""
        named = next((one for one in self.templates if order in one.orders), None)
        return named or next((one for one in self.templates if not one.orders), None)


def steps(elements: Iterable[NetworkElement], order: Order, line: SubscriptionKind) -> tuple[Step, ...]:
    """Return the steps of an order: one for each element that it goes to, in their order."""
    chosen = sorted((one for one in elements if one.takes(order.kind, line)), key=lambda one: (one.position, one.name))
    return tuple(
        Step(
            element=one.name,
            manual=one.kind is ElementKind.MANUAL,
            instruction=one.instruction,
            undoable=one.undoable,
            tries_max=one.tries_max,
            retry_seconds=one.retry_seconds,
            request_seconds=one.request_seconds,
            answer_seconds=one.answer_seconds,
        )
        for one in chosen
    )


def check(element: NetworkElement) -> NetworkElement:
    """Return an element that can be kept; its address is looked at elsewhere. Refuses with: BadValue."""
    if not NAME.fullmatch(element.name):
        raise BadValue("a name has 1 to {most} letters, digits and ._-", most=60, field="name")
    manual, soap = element.kind is ElementKind.MANUAL, element.kind is ElementKind.SOAP
    if manual != (element.address is None):
        raise BadValue("an element has an address, and a person none", field="address")
    if soap != (element.wsdl is not None):
        raise BadValue("an element that speaks SOAP has a WSDL, and no other", field="wsdl")
    if element.wsdl is not None and len(element.wsdl) > WSDL_MAX:
        raise BadValue("a WSDL has at most {most} characters", most=WSDL_MAX, field="wsdl")
    if not manual and element.instruction is not None:
        raise BadValue("only a person reads an instruction", field="instruction")
    if element.instruction is not None and len(element.instruction) > INSTRUCTION_MAX:
        raise BadValue("an instruction has at most {most} characters", most=INSTRUCTION_MAX, field="instruction")
    templated = element.kind in {ElementKind.REST, ElementKind.SOAP}
    if templated != bool(element.templates) or len(element.templates) > TEMPLATES_MAX:
        raise BadValue(
            "REST and SOAP need 1 to {most} templates, a webhook and a person none",
            most=TEMPLATES_MAX,
            field="templates",
        )
    for index, one in enumerate(element.templates):
        check_template(one, field=f"templates.{index}", soap=soap)
    for name, least, most in (
        ("position", 0, 10_000),
        ("tries_max", 1, 100),
        ("retry_seconds", 1, 3600),
        ("request_seconds", 1, 120),
        ("answer_seconds", 1, 30 * 86_400),
    ):
        if not least <= getattr(element, name) <= most:
            raise BadValue("is from {least} to {most}", least=least, most=most, field=camel(name))
    for name in element.credentials:
        if name not in CREDENTIALS[element.kind]:
            known = ", ".join(sorted(CREDENTIALS[element.kind])) or "none"
            raise BadValue("such an element takes the credentials {known}", known=known, field="credentials")
    if element.kind is ElementKind.WEBHOOK and "secret" not in element.credentials:
        raise BadValue("a webhook is signed: give a secret", field="credentials.secret")
    return element
