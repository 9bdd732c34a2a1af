"""The pure core: what a telecom bill is. No I/O, no clock, no environment, no framework.

Words: see README.md, "Words".
Each package's docstring names its own words, its invariants, and what it does *not* decide.
"""
