"""Where files lie outside the house, and how they are named there.

Words: a *place* is an address with what is public of it (host keys, region); *credentials* are what is not; a *found*
file is one line of a listing. Invariants: a name is one part of a path, safe to show and to store
(:func:`domain.transports.names.safe`); an address holds no secret.
Does not decide: what the files are, when they are fetched, or what becomes of them (``domain.feeds``).
"""
