"""Credit limits, reservations and unusual traffic."""
