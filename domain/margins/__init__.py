"""What is left of what is sold: margins, in one currency, and exchange rates to get there.

Words: the *seller* is the operator, or a reseller who sells on; what he *earns* is the charge of the next level towards
the end user, what he *pays* the charge of his own level (the operator's is cost); the *margin* is the first less the
second. The *buyer* is the reseller next below the seller, or nobody: his own customers.
Invariants: both amounts of an event are converted into the operator's currency apart, at the rate of the event's local
day, each rounded once to a micro-unit, half away from zero; a margin is the difference of the two, and a sum of margins
the sum of the events'. So grouping never changes a total, and a reversal takes back exactly what was there.
An event that lacks either amount, or a rate, has no margin; it is counted, never taken as zero.
It does not decide prices, and nothing that is billed is converted.
"""
