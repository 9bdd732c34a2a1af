"""What goes along when a customer is merged into another, and what stays with who bought it; by table.

``tests/customers/test_every_table.py`` fails for a table with a customer that is in neither.
"""

from __future__ import annotations

from typing import Final

# What goes on: with the survivor from now on.
GOES: Final = frozenset(
    {
        "contract", "contract_service", "contract_change", "plan_assignment", "quote",
        "subscription", "subscription_state", "subscription_barring", "number_assignment", "number_reservation",
        "number_order", "number_order_step", "network_order", "network_order_note",
        "draw_customer", "draw_party", "bucket_balance", "bucket_loss", "bucket_grant", "bucket_given", "bucket_move",
        "bucket_crossing", "ring_volume", "reseller_term", "customer_group",
        "charge", "mandate", "bill_carried",
        "credit_limit", "credit_override", "credit_account", "credit_bar", "credit_reservation", "fraud_alarm",
    }
)  # fmt: skip
# It was issued, booked, sent, claimed or has happened, or it is what the double itself was.
STAYS: Final = frozenset(
    {
        "customer_place", "customer_note", "customer_term",
        "usage", "usage_share", "basis_line", "basis_fee", "basis_counted", "basis_stay", "wholesale_fee",
        "bill_parked", "bill_run_stay", "bill_run_unpriced", "bill_run_usage", "billed_through",
        "invoice", "invoice_line", "invoice_dispute", "dispatch",
        "ledger_entry", "payment", "allocation", "settlement", "claim", "debit_order", "refund", "instalment_plan",
        "collection_letter", "collection_step", "collection_hold", "collection_case", "collection_message",
    }
)  # fmt: skip
