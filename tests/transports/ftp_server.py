"""A real FTP server for the tests, in a process of its own: ``python ftp_server.py FOLDER OPTIONS-AS-JSON``.

It prints its port. Options: ``pem`` (certificate and key), ``implicit``, ``reuse`` (data without the control channel's
TLS session is refused, as vsftpd's require_ssl_reuse does), ``tls12``, ``cut_after`` (bytes of a download after which
the connection is dropped), ``plain_listing`` (no MLSD).
"""

from __future__ import annotations

import json
import sys
from typing import Any

from OpenSSL import SSL
from OpenSSL._util import lib
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer


def main() -> None:
    folder, options = sys.argv[1], json.loads(sys.argv[2])
    handler = secured(options) if "pem" in options else plain(options)
    authorizer = DummyAuthorizer()
    authorizer.add_user("cdr", "pässword", folder, perm="elradfmwMT")
    handler.authorizer = authorizer
    if options.get("plain_listing"):
        handler.proto_cmds = {name: one for name, one in handler.proto_cmds.items() if name not in {"MLSD", "MLST"}}
    server = FTPServer(("127.0.0.1", 0), handler)
    print(server.socket.getsockname()[1], flush=True)  # noqa: T201  (what the tests read)
    server.serve_forever()


def cutting(kind: Any, after: int | None) -> Any:
    """A data channel that drops everything after so many bytes of a download."""

    class Cutting(kind):
        sent = 0

        def use_sendfile(self) -> bool:
            return after is None and super().use_sendfile()

        def send(self, data: bytes) -> int:
            if after is not None and self.sent + len(data) > after and self.file_obj is not None:
                self.cmd_channel.close()
                self.close()
                return 0
            done = super().send(data)
            self.sent += done
            return done

    return Cutting


def plain(options: dict[str, Any]) -> Any:
    class Plain(FTPHandler):
        dtp_handler = cutting(DTPHandler, options.get("cut_after"))

    return Plain


def secured(options: dict[str, Any]) -> Any:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(options["pem"])
    context.use_privatekey_file(options["pem"])
    context.set_session_id(b"cdr")
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    if options.get("tls12"):
        context.set_max_proto_version(SSL.TLS1_2_VERSION)

    class Data(cutting(TLS_DTPHandler, options.get("cut_after"))):
        def handle_ssl_established(self) -> None:
            if options.get("reuse") and not lib.SSL_session_reused(self.socket._ssl):
                self.cmd_channel.respond("522 SSL connection failed: session reuse required")
                self.close()

    class Control(TLS_FTPHandler):
        ssl_context = context
        tls_control_required = True
        tls_data_required = True
        dtp_handler = Data

        def handle(self) -> None:
            if options.get("implicit"):
                self.secure_connection(context)
            else:
                super().handle()

        def handle_ssl_established(self) -> None:
            if options.get("implicit"):
                super().handle()

    return Control


main()
