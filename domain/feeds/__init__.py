"""Where files of a source are fetched, when, and what becomes of them.

Words: a *feed* is a source with a place, a schedule and the rules for its files; a *sighting* is what is known of one
name in the place; a *run* is one look at it. A file is *ready* when its rule says that nobody writes it any more,
*taken* when what it holds is committed, *done* when it was put away after that, *held* when it could not be read.
Invariants: a file is put away only after its commit; a crash in between finds it again by its content and changes
nothing; one run of a feed goes on at a time; a secret is never shown.
Does not decide: what a record means (``domain.mediation``), or how bytes travel (``integrations.transports``).
"""
