"""What people prove themselves by: passwords, one-time codes, security keys."""
