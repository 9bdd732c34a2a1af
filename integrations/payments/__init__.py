"""Payment files of banks and clearing houses: one module a format, ``read(bytes) -> PaymentFile``."""
