"""The command line, run as a program of its own."""

from api.cli import main

main()
