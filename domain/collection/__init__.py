"""Collection: what happens to an invoice that is not paid, day by day, until it is paid, written off or handed over.

Words: a *rule* says for customers of a kind, group or country which *steps* follow a due date, and what they cost; a
*limit* is what the law lets a step cost, and when; a *claim* is a fee or interest, owed beside the invoice; a *hold*
stops the steps (a dispute, a promise to pay, an instalment plan, somebody's word); a *case* is what is handed over to a
collection agency. Does not decide: what is owed (the ledger), or how a payment is applied.
"""
