"""Contracts: what a customer has agreed to, its services and fees, and which numbers are its.

Words: a *service* is a product that can be sold; a *contract* holds services with quantity and own prices; a
*subscription* is a line in the network under a contract; a *number* is assigned to a subscription for an interval.
Invariants: dates are half-open; a number belongs to one subscription at a time; every change raises ``version`` by one.
Does not decide: how a fee is prorated (invoicing), or what a call costs (rating).
"""
