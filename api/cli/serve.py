"""``tollwright serve``: the database, its migrations, and GraphQL, SOAP and REST on one port."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from api import settings as installation

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for every interface.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo operator and run its month.")] = False,
) -> int:
    """Serve until Ctrl-C, with the embedded database unless DATABASE_URL is set."""
    settings = installation.read()
    settings = replace(settings, host=host or settings.host, port=port or settings.port)
    # The libraries behind the server take a moment to load; --help and wrong options do not wait for them.
    import uvloop

    from api.serving import listen, set_up_logging
    from api.serving import serve as run

    set_up_logging(settings.log_level)
    job = None
    if demo:
        from api.demo.job import run_main_job

        job = run_main_job
    with listen(settings.host, settings.port) as taken, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(settings, taken, job))
