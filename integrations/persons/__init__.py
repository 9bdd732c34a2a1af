"""What is kept of a person, as files that a person and a program can read."""
