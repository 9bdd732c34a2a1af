"""The SOAP interface of the simulated network element: one operation, by spyne as a codec."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from spyne import Application, Fault, MethodContext, ServiceBase, Unicode, rpc
from spyne.interface.wsdl import Wsdl11
from spyne.model.complex import ComplexModel
from spyne.protocol.soap import Soap11
from spyne.server import ServerBase

from integrations.provisioning.simulated import CODES, Asked, Reaction, listed

NAMESPACE: Final = "urn:tollwright:simulated-network"


class Result(ComplexModel):
    """What an order came to."""

    __namespace__ = NAMESPACE

    code = Unicode
    text = Unicode
    reference = Unicode


class _Orders(ServiceBase):
    """The operations."""

    __service_name__ = "SimulatedNetwork"

    @rpc(*(Unicode,) * 7, _returns=Result, _operation_name="Provision")  # type: ignore[untyped-decorator]  # spyne has no types
    def provision(
        ctx: Any,
        request: str,
        action: str,
        line: str,
        numbers: str | None,
        bars: str | None,
        undoes: str | None,
        callback: str | None,
    ) -> Any:
        """Take an order; what becomes of it is awaited."""
        return ctx.udc(
            Asked(
                request=request,
                kind=action,
                subscription=line,
                numbers=listed(numbers),
                bars=listed(bars),
                undoes=undoes or None,
                callback=callback or None,
            )
        )


class _Server(ServerBase):
    transport = "http://schemas.xmlsoap.org/soap/http"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer."""

    status: int
    body: bytes


class SimulatedSoap:
    """The interface at an address."""

    def __init__(self, address: str) -> None:
        application = Application(
            [_Orders], NAMESPACE, in_protocol=Soap11(validator="lxml"), out_protocol=Soap11(), name="SimulatedNetwork"
        )
        self._server = _Server(application)
        writer = Wsdl11(application.interface)
        writer.build_interface_document(address)
        self.wsdl = bytes(writer.get_interface_document())

    async def answer(self, body: bytes, take: Callable[[Asked], Awaitable[Reaction]]) -> Envelope | None:
        """Return the answer to an envelope; None where the element loses it."""
        first = MethodContext(self._server, MethodContext.SERVER)
        first.in_string = [body]
        ctx = self._server.generate_contexts(first, "utf-8")[0]
        ctx.udc = take
        if not ctx.in_error:
            self._server.get_in_object(ctx)
        if ctx.in_error:
            ctx.out_error = ctx.in_error
        else:
            self._server.get_out_object(ctx)
        if ctx.out_error is None:
            reaction: Reaction = await ctx.out_object[0]
            if reaction.state is None:
                return None
            if reaction.state == "busy":
                ctx.out_object, ctx.out_error = None, Fault("Server.Busy", "the element is busy")
            else:
                code = CODES[reaction.state]
                ctx.out_object = [Result(code=code, text=reaction.reason, reference=reaction.reference)]
        self._server.get_out_string(ctx)
        return Envelope(500 if ctx.out_error else 200, b"".join(ctx.out_string))
