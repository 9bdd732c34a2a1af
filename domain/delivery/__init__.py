"""How documents reach their payers: by which way, in which form, and what became of each.

Words: a *dispatch* is one document on its way, once; a *channel* is a way that an operator has set up; a *print batch*
is what a printhouse gets at once; a *receipt* is what somebody says became of a dispatch. Invariants: a document has
one dispatch unless it is sent again on purpose; a dispatch goes forward only; what a receipt names that nobody knows is
told.
"""
