"""spyne can be imported on every Python we name, by way of the shim."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.soap.spyne_shim import parse_header

SERVICE = """
import api.soap.spyne_shim
from spyne import Application, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11, Soap12
from spyne.server import ServerBase
from spyne.util.six.moves.urllib.parse import quote
from spyne.util.six.moves import http_cookies

class Echo(ServiceBase):
    @rpc(Unicode, _returns=Unicode)
    def echo(ctx, text):
        return text

for protocol in (Soap11, Soap12):
    Application([Echo], "urn:echo", in_protocol=protocol(validator="lxml"), out_protocol=protocol())
print("ok", quote("å"))
"""


def test_spyne_is_imported_in_a_fresh_interpreter() -> None:
    done = subprocess.run([sys.executable, "-c", SERVICE], capture_output=True, text=True, check=False)
    assert done.stdout == "ok %C3%A5\n", done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("text/xml", ("text/xml", {})),
        ("text/xml; charset=utf-8", ("text/xml", {"charset": "utf-8"})),
        (
            'application/soap+xml; charset="utf-8"; action="urn:x"',
            ("application/soap+xml", {"charset": "utf-8", "action": "urn:x"}),
        ),
        ("", ("", {})),
    ],
)
def test_a_header_is_split_as_cgi_did(line: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_header(line) == expected
