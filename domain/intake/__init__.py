"""Intake: a mediated chunk of a CDR file becomes rows of rated usage and of suspense.

Words: a *subscriber* is a subscription with its owner and the lists it is rated by; a *pricing* is one combination of
such lists; a *chunk* is what one transaction writes; *known* events are those the database has already.

Invariants: every event of a chunk ends as rated, unrated, duplicate or conflicting, and the balance says how many; an
event goes to whoever had the number at the event's own start; what the chunk was rated with is what its transaction
sees (``Revision``), or it is rated again.

Not decided here: how records are read (``mediation``) and what an event costs (``rating``).
"""
