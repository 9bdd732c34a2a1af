"""What the use cases need of the world, as Protocols. An adapter in ``persistence`` or ``integrations`` keeps each.

Words: a *unit* is one transaction with every store in it; a *page* is a slice of a list after a key, in key order.
"""
