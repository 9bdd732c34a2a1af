"""Explanations told."""
