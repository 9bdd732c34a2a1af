"""Rating: what an event costs on each level, by one compiled kernel for any number of events.

Words: a *book* is a catalogue compiled into integer arrays; *parties* are compiled apart, so that a hundred thousand
subscriptions change without compiling the catalogue again; *events* and *rated* are structs of arrays; a *slot* is
one level of an event: 0 retail, 1… the wholesale tiers outermost first, the last one cost. *State* is what buckets
have left and what rings have counted.

Invariants: amounts are integers (nano-units inside, micro-units out), nothing wraps, the result does not depend on the
order of input, and charge, ring shares and bucket draws sum exactly.

It does not decide who the party of a number is in the database, nor what an invoice line says.
"""
