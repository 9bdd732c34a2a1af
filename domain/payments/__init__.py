"""Payments: what a bank's file says, in one neutral form whatever the format."""
