"""What leaves of the ledger and of collection: statements, reminders, reports as tables, and cases for agencies."""
