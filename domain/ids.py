"""Keys of stored things. Plain 64-bit integers, one sequence per kind, distinct to the type checker."""

from __future__ import annotations

from typing import NewType

OperatorId = NewType("OperatorId", int)
ResellerId = NewType("ResellerId", int)
CustomerId = NewType("CustomerId", int)
ContractId = NewType("ContractId", int)
ServiceId = NewType("ServiceId", int)
SubscriptionId = NewType("SubscriptionId", int)
SourceId = NewType("SourceId", int)
FileId = NewType("FileId", int)
ChunkId = NewType("ChunkId", int)
SuspenseId = NewType("SuspenseId", int)
InvoiceId = NewType("InvoiceId", int)
BillRunId = NewType("BillRunId", int)
ReratingId = NewType("ReratingId", int)
JobId = NewType("JobId", int)
AlarmId = NewType("AlarmId", int)
SimulationId = NewType("SimulationId", int)
FeedId = NewType("FeedId", int)
FeedRunId = NewType("FeedRunId", int)
PaymentFileId = NewType("PaymentFileId", int)
PaymentId = NewType("PaymentId", int)
AllocationId = NewType("AllocationId", int)
EventId = NewType("EventId", int)
WebhookId = NewType("WebhookId", int)
OrderId = NewType("OrderId", int)
ElementId = NewType("ElementId", int)
QuoteId = NewType("QuoteId", int)
ContractChangeId = NewType("ContractChangeId", int)
