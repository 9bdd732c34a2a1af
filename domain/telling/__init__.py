"""An explanation told to a person: sentences in his language, and data with exact decimals."""
