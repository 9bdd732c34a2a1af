"""Intake: a mediated chunk of a CDR file becomes rows of rated usage and of suspense.

Words: a *subscriber* is a subscription with its owner and the lists it is rated by; a *pricing* is one combination of
such lists; a *rater* is all that events are rated with at one revision of catalogue and subscribers; a *chunk* is what
one transaction writes; *known* events are those the database has already.

Invariants: every event of a chunk ends as rated, unrated, duplicate or conflicting, and the balance says how many; an
event goes to whoever had the number at the event's own start; a chunk remembers the catalogue it was rated with, which
is the one that was in force when the chunk was prepared.

Not decided here: how records are read (``mediation``) and what an event costs (``rating``).
"""
