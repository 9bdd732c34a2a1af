"""Buckets and counted discounts over time: what is left when events arrive in whatever files, chunks and order.

Words: a *standing* is what is stored of buckets and volumes of some customers; to *draw* is to rate events by it and
move it; an event that comes after one that stands behind it leaves its subscription *disordered*; to *settle* is to
draw all that a group of subscriptions has not settled yet once more, in order.

Invariants: whoever draws holds the customer's lock from reading the standing to storing the events; what buckets gave
is the sum over all versions of events, and never more than was granted; settling twice changes nothing.
"""
