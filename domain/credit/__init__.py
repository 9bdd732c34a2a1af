"""Credit: what somebody may owe and use up, what he does, and what he may still do."""
