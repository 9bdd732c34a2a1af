"""What those who sell are paid for it.

Words: a *salesperson* sells, in a *team*, for the operator or for a reseller, and stands on contracts by his code; a
*rule* says what of, how much, for whom and when; a *base* is what a rule is applied to; a *statement* is what a period
came to, kept as it was made. Invariants: every rule that fits a base is paid, each by itself; a line is rounded once,
half up; a statement never changes, and a period has one. It does not decide who sold a contract: the contract says so.
"""
