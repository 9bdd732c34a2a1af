"""Price plans in force: which contract or subscription is on which plan of the catalogue, and since when.

Words: an *assignment* puts a contract, or one subscription of it, on a plan; a line's own comes before its contract's.
What a plan grants stands in the catalogue; this says whom it concerns.

Invariants: a contract, and a subscription by itself, is on one plan at a time; days are those of the operator's zone.
"""
