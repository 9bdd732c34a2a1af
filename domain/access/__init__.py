"""Who is calling and what they may do.

Words: an *actor* is the caller of a use case, already authenticated; an *action* is one use case's permission; a
*scope*
is how an OAuth2 token carries an action (RFC 6749 § 3.3).
Invariants: every use case asks :func:`domain.access.actor.allow` before it reads or writes; a machine cannot hold a
scope its client was not given; a reseller's actor never acts for another reseller that is not in his subtree.
Does not decide: how a token looks or is signed (``api.auth``), or which rows the database shows (row-level
security does that again).
"""
