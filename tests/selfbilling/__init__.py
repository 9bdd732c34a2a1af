"""Self-billing."""
