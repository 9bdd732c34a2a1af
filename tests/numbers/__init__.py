"""Subscriptions' life, identifiers, the stock of numbers and orders about them."""
