"""spyne as a codec: XML to arguments, arguments to an operation, its answer to XML. No transport, no threads.

One application per version of SOAP over the same operations. What is in the envelope has been checked
(``api.soap.reading``), and the schema of the WSDL checks it again here.
"""

from __future__ import annotations

import inspect
import logging
import secrets
from functools import cache
from typing import Any, Final

from spyne import Application, Fault, MethodContext
from spyne.protocol.soap import Soap11, Soap12
from spyne.server import ServerBase

from api.soap.access import Access
from api.soap.accounting import Accounting
from api.soap.agreements import Agreements
from api.soap.authorising import Authorising
from api.soap.bank_orders import BankOrders
from api.soap.basis import Basis
from api.soap.bill_runs import BillRuns
from api.soap.billing_rules import RulesOfBilling
from api.soap.bulk import Bulk
from api.soap.charges import Charges
from api.soap.collection import CollectionDesk
from api.soap.collection_rules import CollectionRules
from api.soap.commissions import Commissions
from api.soap.contract_changes import ContractChanges
from api.soap.credit import Credit
from api.soap.customers import Customers
from api.soap.debit_schedules import SchedulesOfDebits
from api.soap.deliveries import Deliveries
from api.soap.faults import NAMESPACE, internal, refused, unfit
from api.soap.feeds import Feeds
from api.soap.fraud import FraudRules
from api.soap.instalments import Instalments
from api.soap.invoices import Invoices
from api.soap.jobs import Jobs
from api.soap.ledger import LedgerReports
from api.soap.levels import UserLevels
from api.soap.lines import Lines
from api.soap.mandates import Mandates
from api.soap.margins import Margins
from api.soap.number_orders import NumberOrders
from api.soap.numbers import Numbers
from api.soap.once import Replayed, settle
from api.soap.operators import Operators
from api.soap.orders import Provisioning
from api.soap.payment_rules import RulesOfPayments
from api.soap.payment_work import PaymentDesk
from api.soap.payments import Payments
from api.soap.people import People
from api.soap.plans import Plans
from api.soap.quotes import Quotes
from api.soap.refunds import Refunds
from api.soap.resellers import Resellers
from api.soap.self_billing import SelfBilling
from api.soap.series import Series
from api.soap.service import Billing, Call
from api.soap.services import Services
from api.soap.settlements import Settlements
from api.soap.sources import Sources
from api.soap.suspense import Suspense
from api.soap.taxes import Taxes
from api.soap.trail import Trail
from api.soap.webhooks import Webhooks
from api.soap.wholesale import WholesaleFees
from domain.refusal import Refusal
from persistence.away import DatabaseAway

NAME: Final = "Tollwright"
faults = logging.getLogger("tollwright.faults")
# It logs whole requests that it cannot read.
logging.getLogger("spyne").setLevel(logging.CRITICAL)


class _Soap12(Soap12):
    """spyne's SOAP 1.2, which fails on its own words about an invalid request, because they are bytes."""

    def schema_validation_error_to_parent(
        self, ctx: Any, cls: Any, inst: Any, parent: Any, *args: Any, **more: Any
    ) -> Any:
        """Put a validation fault into the answer."""
        if isinstance(inst.faultstring, bytes):
            inst.faultstring = inst.faultstring.decode("utf-8", "replace")
        return self.fault_to_parent(ctx, cls, inst, parent, *args, **more)


class _Server(ServerBase):
    transport = "http://schemas.xmlsoap.org/soap/http"


class Codec:
    """Answers envelopes of one version of SOAP."""

    def __init__(self, version: str) -> None:
        incoming, outgoing = (Soap11, Soap11) if version == "1.1" else (_Soap12, _Soap12)
        application = Application(
            [
                Billing,
                BillRuns,
                Charges,
                RulesOfBilling,
                Bulk,
                Customers,
                Services,
                Agreements,
                ContractChanges,
                Quotes,
                Feeds,
                Suspense,
                Sources,
                Invoices,
                Deliveries,
                Taxes,
                Accounting,
                Jobs,
                Margins,
                Lines,
                Numbers,
                NumberOrders,
                Plans,
                Payments,
                PaymentDesk,
                RulesOfPayments,
                SchedulesOfDebits,
                Settlements,
                Refunds,
                Instalments,
                Mandates,
                BankOrders,
                LedgerReports,
                CollectionDesk,
                CollectionRules,
                People,
                Webhooks,
                Access,
                Provisioning,
                Credit,
                Authorising,
                FraudRules,
                Series,
                Resellers,
                Commissions,
                SelfBilling,
                Basis,
                Trail,
                WholesaleFees,
                Operators,
                UserLevels,
            ],
            NAMESPACE,
            name=NAME,
            in_protocol=incoming(validator="lxml"),
            out_protocol=outgoing(),
        )
        self.interface = application.interface
        self._server = _Server(application)

    async def answer(self, body: bytes, call: Call) -> tuple[bytes, Any]:
        """Return the answer's envelope, and the fault in it where there is one."""
        first = MethodContext(self._server, MethodContext.SERVER)
        first.in_string = [body]
        ctx = self._server.generate_contexts(first, "utf-8")[0]
        ctx.udc = call
        if not ctx.in_error:
            self._server.get_in_object(ctx)
        if ctx.in_error:
            ctx.out_error = unfit(ctx.in_error)
        else:
            try:
                await self._run(ctx)
            except Replayed as known:
                return known.answer.encode(), None
        self._server.get_out_string(ctx)
        answer = b"".join(ctx.out_string)
        await settle(call, answer, ctx.out_error)
        return answer, ctx.out_error

    async def _run(self, ctx: Any) -> None:
        self._server.get_out_object(ctx)
        waiting = ctx.out_object[0] if ctx.out_error is None and ctx.out_object else None
        if not inspect.isawaitable(waiting):
            return
        try:
            ctx.out_object = [await waiting]
        except Refusal as no:
            ctx.out_object, ctx.out_error = None, refused(no)
        except Fault as fault:
            ctx.out_object, ctx.out_error = None, fault
        except (DatabaseAway, Replayed):
            raise
        except Exception:  # noqa: BLE001  (the last place before the answer; it tells nothing but an id)
            identity = secrets.token_hex(8)
            faults.exception("error %s", identity)
            ctx.out_object, ctx.out_error = None, internal(identity)


@cache
def codec(version: str) -> Codec:
    """Return the codec of a version: made once in a process, since that takes a while and it knows no installation."""
    return Codec(version)
