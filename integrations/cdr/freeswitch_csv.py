r"""FreeSWITCH mod_cdr_csv by its template ``example`` (or ``sql``), with or without a row of names.

>>> from integrations.cdr.registry import profile
>>> row = b'"A","101","0701740605","default","2026-03-01 10:00:00","","2026-03-01 10:00:09","9","0",'
>>> row += b'"ORIGINATOR_CANCEL","5f2a","","acme","PCMA","PCMA"\n'
>>> next(decode([row], profile("freeswitch-csv"), records_max=10)).records.select("uuid", "hangup_cause").row(0)
('5f2a', 'ORIGINATOR_CANCEL')
"""

from integrations.cdr.delimited import decode

__all__ = ["decode"]
