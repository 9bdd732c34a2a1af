"""The database is not there, or cannot go on. Its own module: the command line names it without loading a driver."""

from __future__ import annotations


class DatabaseAway(Exception):  # noqa: N818  (read as an answer: it is away)
    """Unreachable, refused the password, out of disk, out of connections, restarting."""
