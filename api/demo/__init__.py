"""The demo operator in a running installation: loaded once through the use cases, its month's main job done, and shown.

Each step asks first whether it was done, so that a start after a crash continues and a start after success is quick.
"""

from api.demo.job import run_main_job

__all__ = ["run_main_job"]
