"""A made-up Swedish operator with a month in it, the same bytes on every run.

Words: a *size* says how many customers and calls; the *register* is who buys what under which number; *traffic* is
what was really dialled; a *file* is how a switch wrote it down, with what real files have: forked and local legs,
overlapping exports, a line that was cut, rows that are wrong; the *truth* is how many records of each kind were
written.
Invariants: nothing is drawn from a clock or from the outside, only from the seed, by integer arithmetic alone, so that
no machine's rounding can change a byte; every person, company, address and number is fictitious, the numbers from the
series that the Swedish regulator keeps for that wherever they suffice; identity numbers are well-formed.
Does not decide: what a record means (``domain.mediation``) or costs (``domain.rating``): the truth is counted while
writing, never by reading what was written.
"""
