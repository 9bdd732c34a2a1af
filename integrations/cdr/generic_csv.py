r"""Delimited text of any switch (RFC 4180 or its relatives): the profile names the columns.

>>> from integrations.cdr.registry import profile
>>> text = 'name = "pbx"\nreader = "generic-csv"\n[map]\nstart = "when"\nused = "secs"\na = "from"\nb = "to"\n'
>>> next(decode([b"when,from,to,secs\n2026-03-01 10:00,1,2,9\n"], profile(text), records_max=9)).records["secs"].item()
'9'
"""

from integrations.cdr.delimited import decode

__all__ = ["decode"]
