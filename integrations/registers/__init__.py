"""Public registers that are asked over HTTP."""
