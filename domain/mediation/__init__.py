"""Mediation: what switches write, made into events that can be rated.

Words: a *record* is one line, block or document of a file; an *event* is one call, message or session in the form of
``events.EVENT_SCHEMA``; a *reject* is a record that is bad, with its reason and raw text; a *profile* says how one
source writes.

Invariants: a record ends in exactly one of event, merged, pending, duplicate, reject or ignored (``events.Balance``).
A record is never dropped because a number looks wrong, and never mended in silence: what is doubtful but usable is
flagged, what is not usable is a reject. The same bytes give the same events whatever the size of the blocks.

Not decided here: who the caller is, what it costs, and whether another file brought the event before.
"""
