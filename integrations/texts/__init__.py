"""Text messages by whatever gateway an operator has."""
