"""Work that is promised now and done by a worker: what a job is, and when one that failed is tried again.

Invariants: of one kind and ``dedupe`` word one job is open (waiting or running) at a time; a job runs under one worker,
and only that worker's answer counts; a job ends done, or dead with its error, which a person sees and may try again.
What a job does may happen twice (a worker can die after doing it and before saying so), so every kind is idempotent.

It does not decide what kinds there are: whoever drives the domain names them.
"""
