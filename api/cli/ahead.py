"""Reading ahead: a thread of its own makes the next items while the present one is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

T = TypeVar("T")
ITEMS_AHEAD: Final = 2
_WAIT_SECONDS: Final = 0.2


def ahead(items: Iterable[T], depth: int = ITEMS_AHEAD) -> Iterator[T]:
    """Yield the items in their order, of which at most ``depth`` wait. What making one raises is raised here.

    Whoever stops asking ends the thread with the item it makes.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not stopped.is_set():
            try:
                waiting.put((kind, value), timeout=_WAIT_SECONDS)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put("item", item)
                if stopped.is_set():
                    return
        except BaseException as wrong:  # noqa: BLE001  (it is raised again where the items are asked for)
            put("wrong", wrong)
        else:
            put("end", None)

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind == "end":
                return
            if kind == "wrong":
                raise value
            yield value
    finally:
        stopped.set()
        thread.join()
