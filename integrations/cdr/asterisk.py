r"""Asterisk CDR as CSV: cdr_csv (``Master.csv``, main/cdr.c), cdr_custom and exports of the ``cdr`` table.

One row per leg; fields are quoted by doubled quotes, numbers bare, an empty answer is nothing between commas. The key
is uniqueid and sequence (or dstchannel, before Asterisk 1.8): a forked Dial repeats the uniqueid.

>>> from integrations.cdr.registry import profile
>>> row = b'"","101","0701740605","c","","PJSIP/1","PJSIP/2","Dial","","2026-03-01 10:00:00",,"2026-03-01 10:00:09",'
>>> row += b'9,0,"NO ANSWER","DOCUMENTATION","1772359200.1","","","1772359200.1",7\n'
>>> next(decode([row], profile("asterisk"), records_max=10)).records.select("src", "disposition", "sequence").row(0)
('101', 'NO ANSWER', '7')
"""

from integrations.cdr.delimited import decode

__all__ = ["decode"]
