"""Provisioning: what the network is asked to do for a line, and what became of it.

Words: a *network element* is what does something for lines: a program that is asked by webhook, REST or SOAP, or a
person; an *order* is one thing to be done for one subscription; its *steps* are the elements that must do it, one
after the other; a *request* is what a step sends, under an id that stays the same however often it is sent; to *undo*
is to ask an element that has done its step for the opposite.

Invariants: at most one order of a subscription is being done at a time, in the order they were placed; nothing is
sent before what it waits for is confirmed; a subscription changes when its order is confirmed as a whole, and never
before; an order that fails leaves nothing done that its elements can undo, or it is parked for a person; an answer
counts once, whenever and however often it comes.

Does not decide: what a subscription's states mean (``domain.contracts``), nor what is billed (``domain.invoicing``).
"""
