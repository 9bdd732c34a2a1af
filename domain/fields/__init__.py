"""Fields of the operator's own, on customers, contracts, services, subscriptions and resellers.

Words: a *definition* says what a field of an aggregate is called and what it holds; a *value* is text in the one form
that its kind has, so that it is the same in every protocol and file. Invariants: no value without a definition; a
required field that is in force is never empty after a write. Does not decide: anything. Nothing is charged by them.
"""
