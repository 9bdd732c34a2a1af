"""Records that come one by one instead of in files: pushed over HTTP, or as RADIUS accounting."""
