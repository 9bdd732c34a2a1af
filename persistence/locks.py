"""The classes of our transaction-scoped advisory locks, ``pg_advisory_xact_lock(class, operator)``.

``CHUNKS``: whoever commits a chunk of usage draws its id under the shared lock; a bill run reads its horizon under the
exclusive one. So below a horizon every chunk is there for good or never will be.
``BILLS``: units of bill runs of one operator follow one another.
``SESSIONS``: who joins parts of a source, or moves counts between its files, under a hash of operator and source.
``SUPPLIERS``: units that keep suppliers of one operator follow one another.
``PAYMENTS``: units that apply payments of one operator follow one another.
``LEDGER``: who posts holds it shared, and who locks a period alone; so nothing comes into a month that is locked.
``WORKERS``: a worker holds ``(WORKERS, his number)`` for his session, and so is known to live.
"""

from __future__ import annotations

from typing import Final

CHUNKS: Final = 0x746F6C01
BILLS: Final = 0x746F6C02
WORKERS: Final = 0x746F6C03
SESSIONS: Final = 0x746F6C0D
SUPPLIERS: Final = 0x746F6C0F
PAYMENTS: Final = 0x746F6C05
LEDGER: Final = 0x746F6C72
