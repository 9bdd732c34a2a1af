"""The end of a socket, raised wherever it is found that it must end."""

from __future__ import annotations


class Closing(Exception):  # noqa: N818  (the end of a conversation, not an error)
    """End the socket with a code and a reason of at most 123 bytes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
