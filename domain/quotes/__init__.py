"""Quotes: what is offered to a customer, with fixed prices and for a time; accepted, it becomes a contract.

Invariants: what was sent does not change; a quote is accepted once, and only while it is valid; its contract has the
quote's prices, whatever the services cost by then.
Does not decide: what can stand on a contract together (contracts), or what is billed (invoicing).
"""
