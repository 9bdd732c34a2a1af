"""The command ``tollwright``: one module per verb or group of verbs, imported only when it is called.

Exit codes: 0 done; 1 done, but something needs attention; 2 wrong call or unreadable input; 3 could not reach what it
needs; 70 a fault of the program itself, with its traceback. An error is one line on stderr; results go to stdout,
messages and progress bars to stderr.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import importlib.metadata
import io
import os
import re
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Final, cast

import typer

from domain.ports.transports import TransportFault
from domain.refusal import Refusal
from persistence.away import DatabaseAway

DONE: Final = 0
ATTENTION: Final = 1
WRONG: Final = 2
UNREACHABLE: Final = 3
BROKEN: Final = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED: Final = 130
DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

# What a wrong option or argument raises; typer names only its leaves.
WrongCall: Final = cast(
    "type[typer.BadParameter]", next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
)
# verb -> (module, one line of help); the module has a typer app named ``app``.
VERBS: Final[dict[str, tuple[str, str]]] = {
    "rate": ("api.cli.rate", "Rate events with a tariff document; no database."),
    "mediate": ("api.cli.mediate", "Read CDR files and print normalised events."),
    "source": ("api.cli.source", "Check what a source profile reads."),
    "explain": ("api.cli.explain", "Say why an event costs what it costs."),
    "serve": ("api.cli.serve", "Serve GraphQL, SOAP and REST, with the embedded database unless DATABASE_URL is set."),
    "worker": ("api.cli.worker", "Do the jobs of the queue, such as imports; any number of processes."),
    "radius": ("api.cli.radius", "Take RADIUS accounting; each request is answered when it is stored."),
    "jobs": ("api.cli.jobs", "List the jobs of the queue; try one again that is dead."),
    "feed": ("api.cli.feed", "Fetch files by schedule from folders, SFTP, FTP and S3: set up, try, poll."),
    "order": ("api.cli.order", "Place, follow and tend orders to the network."),
    "network": ("api.cli.network", "Set up network elements; simulate one."),
    "import": ("api.cli.imports", "Load CDR files and tariffs into the database, exactly once."),
    "catalogue": ("api.cli.catalogue", "Draft, validate, publish and export prices; read suppliers' rate sheets."),
    "rerate": ("api.cli.rerate", "Rate events again: late or wrong prices, changed contracts; preview first."),
    "simulate": ("api.cli.simulate", "Rate a past period by another tariff: revenue and margin before and after."),
    "bill": ("api.cli.bill", "Run bills and export invoices."),
    "selfbill": ("api.cli.selfbill", "Write the invoices of those whom the operator owes: trunks, commissions."),
    "vat": ("api.cli.vat", "Declare VAT of sales abroad, and check VAT ids."),
    "einvoice": ("api.cli.einvoice", "Check e-invoices by schema and business rules; send documents, follow them."),
    "print": ("api.cli.printing", "Make batches for a printhouse, drop them, read its receipts."),
    "credit": ("api.cli.credit", "Limit credit, see what is used of it, and override it."),
    "customer": ("api.cli.customer", "Write out everything that is kept of a customer; erase a person."),
    "bulk": ("api.cli.bulk", "Bring customers, contracts, lines and numbers as sheets, and take them out."),
    "payments": ("api.cli.payments", "Read payment files of banks and clearing houses."),
    "ledger": ("api.cli.ledger", "Check that the ledger ties; statements, ageing; lock its months."),
    "collect": ("api.cli.collect", "Remind of, bar and hand over what is not paid; look at it first."),
    "suspense": ("api.cli.suspense", "List, correct, release and discard the records that are not rated."),
    "file": (
        "api.cli.file",
        "Look after CDR files that are in: balances, withdrawing one, sessions whose time is out.",
    ),
    "number": ("api.cli.number", "Number series, the stock of numbers, and orders to port."),
    "rates": ("api.cli.rates", "Import and list exchange rates for margins."),
    "alarms": ("api.cli.alarms", "List, acknowledge and close alarms."),
    "approvals": ("api.cli.approvals", "List and decide what waits for a second person; say what needs one."),
    "documents": ("api.cli.documents", "Register documents of GraphQL, list and forget them."),
    "audit": ("api.cli.audit", "Look at the audit trail, and whether nobody has touched it."),
    "schema": ("api.cli.schema", "Print the GraphQL schema, the WSDL or the OpenAPI document."),
    "bench": ("api.cli.bench", "Measure speed beside the physical limit of this machine."),
    "db": ("api.cli.db", "Migrate, inspect, back up and restore the database."),
    "demo": ("api.cli.demo", "Generate the demo operator's files."),
    "operator": ("api.cli.operator", "Create, change and list operators."),
    "meter": ("api.cli.meter", "Read what an operator has used; export it as the basis of an invoice."),
    "basis": ("api.cli.basis", "Give another system what was priced since the last time, exactly once."),
    "user": ("api.cli.user", "Invite people who sign in; shut them out, help who lost a second factor."),
    "key": ("api.cli.key", "Create, list and revoke API clients; change the keys that sign and seal."),
    "apikey": ("api.cli.apikey", "Make, list, replace and revoke API keys, for programs that cannot fetch tokens."),
    "reseller": ("api.cli.reseller", "List resellers; see and set what they pay for services."),
    "portal": ("api.cli.portal", "Make portals, through which people sign in."),
}


class Unreachable(Exception):  # noqa: N818  (read as an answer: it could not be reached)
    """Something outside is not there: the database, a host, a disk with space. The sentence says what to do."""


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"tollwright: {message}", file=sys.stderr)


def usage() -> str:
    """Return the list of verbs."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in VERBS.items()]
    return "\n".join(["usage: tollwright VERB [--help] ...", "", *lines])


def place_compiled_code() -> None:
    """Keep compiled kernels below the data directory where the source cannot be written; before numba is imported.

    Otherwise numba would look for a home, which a service has not, and refuse.
    """
    beside = Path(__file__).resolve().parents[2] / "domain" / "rating"
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(beside, os.W_OK):
        from api import settings

        os.environ["NUMBA_CACHE_DIR"] = str((settings.read().data_dir / "numba").resolve())


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    verb, *rest = arguments or ["--help"]
    if verb in {"-h", "--help"}:
        print(usage())
        return DONE
    if verb == "--version":
        print(importlib.metadata.version("tollwright"))
        return DONE
    if verb not in VERBS:
        complain(f"no verb {verb!r}; tollwright --help lists them")
        return WRONG
    try:
        place_compiled_code()
        app = importlib.import_module(VERBS[verb][0]).app
        code = app(rest, prog_name=f"tollwright {verb}", standalone_mode=False)
        sys.stdout.flush()  # what cannot be written any more is told here, and not by the interpreter at its end
    except typer.Exit as end:
        return end.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except WrongCall as wrong:
        said = wrong.format_message()
        if said.startswith("Usage:"):  # a group of commands was named without any of them: this is its help
            print(said, file=sys.stderr)
        else:
            complain(" ".join(said.split()))
        return WRONG
    except Refusal as no:
        complain(f"{option(verb, rest, no.field)}: {no.message}" if no.field else no.message)
        return WRONG
    except (Unreachable, DatabaseAway) as away:
        complain(str(away))
        return UNREACHABLE
    except TransportFault as sealed:
        # What was sealed here cannot be opened, as behind a backup that came back without its master key.
        complain(f"{sealed} (or bring back the key that sealed it: TOLLWRIGHT_MASTER_KEY, or data_dir/master.key)")
        return UNREACHABLE
    except BrokenPipeError:
        # The reader of our output went away (``| head``): not an error, and nothing more can be said to it.
        _leave_output()
        return DONE
    except OSError as wrong:
        # A file or folder that the caller named. Where no file is at fault, it is a bug and shall be seen.
        if wrong.errno in DISK_FULL:
            complain(f"{wrong.filename or 'what was being written'}: {wrong.strerror}; make room and call it again")
            _leave_output()
            return UNREACHABLE
        if wrong.filename is None:
            raise
        complain(f"{wrong.filename}: {wrong.strerror}")
        return WRONG
    return code if isinstance(code, int) else DONE


def option(verb: str, rest: list[str], field: str) -> str:
    """Return the option that a refusal's field is on the command line; the field itself where it is none.

    A use case names the fields of its command, as ``validFrom``; the command line has ``--valid-from``, or ``--from``.
    """
    from typer.main import get_command

    here: Any = get_command(importlib.import_module(VERBS[verb][0]).app)
    for word in rest:
        here = getattr(here, "commands", {}).get(word, here)
    first, dot, inner = field.partition(".")
    name = re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", first)
    for one in here.params:
        told = [text for text in one.opts if text.startswith("--")]
        if told and name in {one.name, told[0].removeprefix("--").replace("-", "_")}:
            return f"{told[0]}{dot}{inner}"
    return field


def _leave_output() -> None:
    """Let what is still to be printed go nowhere, where output goes to a file at all."""
    with contextlib.suppress(io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the process's own command line and end it with the exit code.

    Being terminated is being interrupted: what was started, as the embedded database, is stopped on the way out.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # and not ignored, as under nohup
            signal.signal(number, signal.default_int_handler)
    try:
        code = run(sys.argv[1:])
    except Exception:  # noqa: BLE001  (whatever it is, it is told)
        traceback.print_exc()
        complain("this is a fault of the program, not of the call: please report what stands above")
        code = BROKEN
    sys.exit(code)
