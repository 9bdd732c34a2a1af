"""The meter of an operator: what he has used of the installation, day by day.

Words: a *measure* is what is counted; a *meter day* is a local day of the operator's with what was counted on it.
Invariants: subscriptions, events and invoices are counted from what is stored, so that asking again says the same;
calls are counted by the processes that answer them and added up. It does not decide what anything costs: whoever asks
gives prices, or none.
"""
