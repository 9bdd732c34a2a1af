"""The enumerations of provisioning under their names in the schema, where others have an OrderKind of their own."""

from __future__ import annotations

import strawberry

from domain.provisioning.element import ElementKind
from domain.provisioning.order import Bar, CallState, OrderKind, OrderState, Waiting

strawberry.enum(ElementKind, name="NetworkElementKind", description="How an element is asked; manual: a person.")
strawberry.enum(OrderKind, name="NetworkOrderKind", description="What is to be done for a line.")
strawberry.enum(Bar, name="Bar", description="What a line can be barred from.")
strawberry.enum(
    OrderState,
    name="NetworkOrderState",
    description="Compensating: what was done is being undone. Parked: a person must look. The last four are ends.",
)
strawberry.enum(Waiting, name="OrderWaiting", description="What an order waits for.")
strawberry.enum(CallState, name="OrderCallState", description="How far a request to a network element is.")
