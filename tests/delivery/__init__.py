"""Documents on their way to their payers."""
