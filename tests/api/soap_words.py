"""What the elements of SOAP's operations name: a kind of thing, by the element's name or within one operation."""

from __future__ import annotations

from typing import Final

_OWN_IDS: Final = {
    "Alarm": ("AcknowledgeAlarm", "CloseAlarm"),
    "BulkImport": ("GetBulkImport", "ListBulkFaults"),
    "ContractChange": ("CancelContractChange",),
    "Grant": ("WithdrawGrant",),
    "NumberReservation": ("CancelReservation",),
    "NumberSeries": ("ChangeNumberSeries",),
    "Order": ("GetOrder", "CancelOrder", "RetryOrder", "AbandonOrder", "CompleteOrderStep"),
    "Subscription": (
        *("GetSubscription", "GetSubscriptionHistory", "AssignNumbers", "ReleaseNumbers", "StepSubscription"),
        *("ChangeSubscription", "SwapSim"),
    ),
    "Suspended": ("ListSuspense", "CorrectSuspense", "ReleaseSuspense", "DiscardSuspense", "GetSuspenseHistory"),
}
# By the element's name, or Operation.element where it differs there.
KINDS: Final[dict[str, str]] = {
    **{f"{operation}.id": kind for kind, operations in _OWN_IDS.items() for operation in operations},
    **dict.fromkeys(
        (
            *("customerNumber", "parentNumber", "billedThroughNumber", "doubleNumber", "survivorNumber", "payerNumber"),
            *("customer", "takerCustomerNumber"),
        ),
        "customer number",
    ),
    **dict.fromkeys(("contractNumber", "PutOnPlan.number", "GrantUnits.chargedTo"), "contract number"),
    **dict.fromkeys(("invoiceNumber",), "invoice number"),
    **dict.fromkeys(("quoteNumber",), "quote number"),
    **dict.fromkeys(("callingNumber", "giverNumber", "takerNumber"), "telephone number"),
    **dict.fromkeys(("GetNumber.number", "TakeBackNumber.number"), "number of the stock"),
    **dict.fromkeys(
        tuple(
            f"{operation}.customer"
            for operation in (
                *("SetCreditLimit", "ListCreditLimits", "OverrideCredit", "GetExposures", "TopUpCredit"),
                *("ListReservations", "ListFraudSuspicions"),
            )
        ),
        "Customer",
    ),
    "serviceCode": "service code",
    **dict.fromkeys(("GetService.code", "ChangeService.code"), "service code"),
    **dict.fromkeys(("GrantUnits.service", "PutResellerServicePrice.service"), "service code"),
    **dict.fromkeys(("reseller", "ChangeReseller.code", "ChangeResellerTerms.code"), "reseller code"),
    **dict.fromkeys(("CreateReseller.parent", "ChangeResellerTerms.parent"), "reseller code"),
    "ExplainEvent.event": "event",
    "ReplayDeliveries.event": "Event",
    "subscription": "Subscription",
    **dict.fromkeys(("TransferNumber.source", "TransferNumber.target"), "Subscription"),
    "series": "NumberSeries",
    "StepPort.order": "PortOrder",
    "StepPreselection.order": "PreselectionOrder",
    "job": "Job",
    "file": "File",
    "webhook": "Webhook",
    **dict.fromkeys(("SelfBill.supplier", "ListSelfBilled.supplier"), "supplier code"),
    **dict.fromkeys(("CreditSelfBilled.number", "AnswerSelfBilled.number"), "number of what is self-billed"),
    "user": "User",
    "level": "UserLevel",
    "copyOf": "UserLevel",
    "approval": "Approval",
    "batch": "BasisBatch",
    **dict.fromkeys(
        tuple(
            f"{operation}.number"
            for operation in (
                *("ListAllowances", "ListBucketHistory", "ListNumberOrders"),
                *("OrderPreselection",),
            )
        ),
        "telephone number",
    ),
    "SetFields.of": "customer number",
    **dict.fromkeys(("RotateApiKey.prefix", "RevokeApiKey.prefix"), "ApiKey"),
    "ExplainRefusal.clientId": "Client",
    "charge": "Charge",
    "claim": "Claim",
    "EndInstalments.plan": "InstalmentPlan",
    "refund": "Refund",
    "GetReservation.id": "CreditReservation",
    "dispute": "Dispute",
    "run": "BillRun",
    "agency": "CollectionAgency",
    "creditNote": "CreditNote",
    "dispatch": "Dispatch",
    "hold": "CollectionHold",
    "invoice": "invoice number",
    "mandate": "Mandate",
    "payment": "Payment",
    "printBatch": "PrintBatch",
    "reservation": "CreditReservation",
    "rule": "Rule",
    "settlement": "Settlement",
    "marker": "InvoiceBatch",
    **dict.fromkeys(
        ("GetCollectionCase.id", "TakeCollectionReceipt.id", "WithdrawCollectionCase.id"), "CollectionCase"
    ),
}
# What names nothing that is anybody's: a text of one's own, a word of the catalogue, a position, a count.
WORDS: Final = frozenset({"PutFeed.marker"}) | frozenset(
    """
    accent accessOperator account action address after agency area attention bankgiro before betweenDays bic
    billingDay bindingMonths blockAfter bucket bundleCode buyerReference ca calledNumber carryMonths checkedDays
    choice city client code conditions consumer contains costCentre count country creditorId currency customerNo cvr
    cycle days debtorGroup decision direction document doneFolder doubleVersion email endpoint endsWith
    exchangeTolerance excludes expected feesAheadMonths first firstDays firstNumber format goodsGroup graceDays
    group holder hostKey hour iban iccid id idempotencyKey identity identityNumber ignored imsi internationalPrefix
    intervalMonths key kind label language lastNumber law leadDays line logo maskDigits mode month months most
    mostPercent name nationalPrefix needs netsAccount netsSender next note noticeMonths number numberClass ocrLevel
    operation orderReference organisationNumber other outcome pattern payDays paymentTermsDays pbsNumber per
    permission perMonth phone plan position postcode prefix priceList productGroup profile PutAccountRule.service
    quantity quarantineDays raw reason records remark reference referenceLength refusedFolder region renewalMonths
    retries retryDays salesperson schedule scheme scope seconds secret seller sequence sequenceColumn sequenceLast short
    signatory signature silentAfterMinutes source stableSeconds state status street street2 subject survivorVersion
    target team termsDays text to told trunk units url used value vatCategory vatId vatPercent version visited warnAt
    why windowSeconds
    """.split()  # noqa: SIM905  (a hundred words in quotes would not be easier to read)
)
# What else stands in an operation's envelope, so that it gets as far as to look for the thing.
CODES: Final[dict[str, dict[str, str]]] = {
    **{name: {"calledNumber": "46701740605"} for name in ("PriceCall", "ExplainCall")},
    **{name: {"number": "46701740605"} for name in ("AuthorizeCall", "ReserveCall")},
    "ExplainRefusal": {"operation": "create_contract"},
}
# Which test of a room asks for things of a kind as another, where making one takes what only that room's tests have.
ROOMS: Final[dict[str, str]] = {
    **dict.fromkeys(("BillRun", "Charge"), "tests/api/test_billing.py"),
    **dict.fromkeys(("Dispute", "InvoiceBatch", "CreditNote"), "tests/api/test_crediting.py"),
    **dict.fromkeys(("Dispatch", "PrintBatch"), "tests/delivery/test_send.py"),
    **dict.fromkeys(("CollectionAgency", "CollectionHold"), "tests/api/test_collection.py"),
    **dict.fromkeys(("Mandate", "Payment", "Settlement"), "tests/api/test_giro.py"),
    **dict.fromkeys(("Claim", "InstalmentPlan", "Refund"), "tests/api/test_soap_payments.py"),
    "CreditReservation": "tests/credit/test_authorising.py",
    "Rule": "tests/api/test_ledger.py",
    "ApiKey": "tests/api/test_machines.py",
    **dict.fromkeys(("supplier code", "number of what is self-billed"), "tests/selfbilling/test_self_billing.py"),
    "Approval": "tests/access/test_approvals.py",
    "BasisBatch": "tests/api/test_trade.py",
    "Client": "tests/access/test_why_refused.py",
    "Grant": "tests/buckets/test_plan_protocols.py",
}
# Which test asks for it as another, where what else must be said is more than an envelope made of the schema has.
ELSEWHERE: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("GetSuspenseHistory.id", "DiscardSuspense.id", "DiscardSuspense.file"), "tests/api/test_mediation.py"
    ),
    **dict.fromkeys(("ListUserSessions.user",), "tests/signing_in/test_users.py"),
    "ListAudit.user": "tests/trail/test_activity.py",
    "RunBills.reseller": "tests/api/test_billing.py",
    **dict.fromkeys(
        (
            *("CreateService.serviceCode", "ExchangeContractService.subscription", "CreateContract.serviceCode"),
            *("CreateContract.subscription", "CreateQuote.serviceCode"),
        ),
        "tests/api/test_soap_agreements.py",
    ),
    **dict.fromkeys(
        ("TransferNumber.number", "ReserveNumbers.series", "OrderPreselection.number"), "tests/api/test_numbers.py"
    ),
    **dict.fromkeys(
        ("PutOnPlan.number", "GrantUnits.service", "GrantUnits.chargedTo"), "tests/buckets/test_plan_protocols.py"
    ),
    **dict.fromkeys(
        ("AllocatePayment.invoice", "AllocatePayment.customerNumber", "OffsetCredit.invoice", "TakeOrderFile.file"),
        "tests/api/test_giro.py",
    ),
    **dict.fromkeys(
        tuple(
            f"{operation}.id" for operation in ("GetCollectionCase", "WithdrawCollectionCase", "TakeCollectionReceipt")
        ),
        "tests/api/test_collection.py",
    ),
    **dict.fromkeys(
        ("ListCreditLimits.customer", "OverrideCredit.subscription", "TopUpCredit.customer"),
        "tests/credit/test_protocols.py",
    ),
    "ChangeUserLevel.reseller": "tests/access/test_levels.py",
}
