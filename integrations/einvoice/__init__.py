"""Electronic invoices: writing them, reading them safely, and checking them before they leave.

Words: a *finding* is a rule that a document breaks, with its place; a *rule set* is the publisher's own file, chosen by
the document's issue date. Invariants: no document with a DTD is read; official rules run in a process of their own.
"""
