"""Levels, limits, and a second person."""
