"""Webhooks: every change of an operator's books, told to the addresses he names.

Words: an *event* is one change that was committed; a *webhook* is an address with the kinds it wants and a secret; a
*delivery* is one event on its way to one webhook. Invariants: an event exists if and only if its change was committed;
each webhook is told each event at least once, under the same id, until it takes it or the delivery is dead; nobody is
told of what he could not have asked for. Does not decide: what a change is (``domain.usecases``).
"""
