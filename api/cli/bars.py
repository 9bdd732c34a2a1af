"""Progress bars on stderr, where somebody is looking."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(name: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on stderr where that is a terminal; yield what moves it by a count, and sets the total."""
    if not sys.stderr.isatty():
        yield lambda _count, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=total)

        def step(count: int, of: int | None) -> None:
            progress.update(task, advance=count, total=total if of is None else of)

        yield step
