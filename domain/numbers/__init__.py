"""Numbers an operator holds, and what is ordered about them: series, stock, porting, preselection.

Words: a *series* is a block of numbers that the operator holds; the *stock* has a row for each of its numbers and for
each number that was ported in; an *order* asks another operator, or is asked by one, to port or to preselect a number.
Invariants: a number has one status at any instant, told by facts and instants alone, so that a reservation or a
quarantine that is over needs nobody to end it; what is assigned follows from the assignments of subscriptions; a number
that is given to a reseller is his subtree's; at most one order to port and one to preselect is open per number.
Does not decide: whose number it is (``domain.contracts``: assignments), or what a call costs (rating).
"""
