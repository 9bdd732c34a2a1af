"""SOAP 1.1 and 1.2, document/literal, by spyne as a codec.

Words: an *operation* is a use case as WSDL names it; a *fault* is how SOAP says a refusal. Things are named by the
operator's own numbers (customer, contract, invoice), which is what SOAP's callers know.
"""

from __future__ import annotations

# Importing it is what makes spyne importable, so it comes before any module here that imports spyne.
from api.soap import spyne_shim as spyne_shim
