"""Resellers: a tree under an operator, each tier buying at the price list of the tier above.

Invariants: the tree has no cycle; ``wholesale`` levels of an event run from the outermost tier to the customer's own
reseller. Does not decide: what an event costs on a tier (``domain.rating``).
"""
