"""Printing: an issued invoice as PDF, and as PDF/A-3 with its e-invoice inside.

Words: a *sheet* is the document while it is drawn, page by page; a *face* is a typeface that is embedded; a *slip* is
the part one pays with. Invariants: the same invoice gives the same bytes; text from outside is drawn as text and can
name no file or address; what does not fit a column is cut, never drawn over another.
"""
