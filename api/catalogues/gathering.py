"""Every sentence of the code that a caller or a customer can come to read, with the files that say it.

Two kinds. Refusals and ``Said`` must be constant templates with named values. All else that reads
as a sentence (three words or more) is gathered as it stands, an f-string with its expressions as places, and is known
again by its words when it is told. What nobody outside reads is named here, each with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from api.catalogues.foreign import SENTENCES
from domain import refusal

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("domain", "persistence", "integrations", "api")
# The command line and the settings speak English, as their documentation does.
BESIDE: Final = ("api/cli/", "api/demo/", "api/settings.py", "api/catalogues/", "domain/demo/")
KINDS: Final = frozenset(name for name, one in vars(refusal).items() if isinstance(one, type)) - {"ClassVar"}
# Where the template stands among the arguments.
CONSTANT: Final = dict.fromkeys(KINDS | {"Said"}, 0)
# Modules whose sentences, other than refusals, reach no caller.
UNREAD: Final = (
    "persistence/",  # SQL, and faults of the database, which the operator's engineers read in the log
    "domain/telling/",  # languages of its own, each whole
    "domain/invoicing/words.py",  # likewise
    "integrations/printing/",  # likewise
    "integrations/ledger/words.py",  # likewise
    "domain/collection/shipped.py", "domain/collection/reference_rates.py",  # names of laws and where they stand
    "api/rest/openapi.py",  # the interface's description is English
    "api/rest/metrics.py",  # Prometheus' help texts
    "api/serving.py", "api/wiring.py", "api/warming.py",  # told to who starts the server
    "api/streams/",  # likewise
    "api/simulated_network.py", "api/soap/simulated.py",  # a network element for trials
    "api/auth/token_endpoint.py",  # RFC 6749 § 5.2: error_description is for the developer, in ASCII
    "api/soap/security.py",  # why a token is refused is logged, not told
    "api/soap/spyne_shim.py", "api/soap/wsdl.py", "api/soap/codec.py",  # names of XML
    "domain/rating/vectors.py", "domain/rating/compiled.py",  # the engineer's own check of the kernel
    "integrations/transports/sigv4.py", "integrations/cdr/asterisk_cel.py",  # words of protocols
    "integrations/cdr/layouts.py",  # names of columns' orders, as their publishers have them
    "integrations/accounting/",  # names of accounts, in the language of the chart
)  # fmt: skip
# What reads as a sentence and is none: words of protocols and forms, and codes.
NOT_SAID: Final = re.compile(
    r"attachment; filename.*|.*realm=.*|default-src .*|at\+jwt|application/.*|Content Too Large|Unprocessable Content"
    r"|PRIVATE KEY|OPTS UTF8 ON|AVVISADE BET UPPDR|sv, en, nb, da, fi, de"
    r"|pdf, email, print, peppol, finvoice, oioubl, erp"
    r"|none, summary, itemised|mobile, fixed, sip, trunk|payment \{id\}.*|\{\{.*|(?:payment|payout) (?:all|paid)"
    r"|(?:prefix prefixes|countrycode cc|destination destinationname|price rate|setup connectfee|first initialincrement"
    r"|next subsequentincrement|increments billingincrements|minimum mincharge|validfrom effectivefrom"
    r"|validto effectiveto|enabled active) .*|Undantag från moms|Kreditfaktura, ingen betalning"
    r"|Credit note, nothing to be paid|two letters, ISO 3166-1"
    r"|totp of user .*|token of the command.*|Connection initialisation timeout|Too many initialisation requests"
    r"|.*\. \{later\}|Subscriber for \{value\} already exists"
    r"|[A-Z]+(?:,? [A-Z]+)+|[0-9]{3} [A-Z][A-Za-z ]+|neither a token nor a Security header|verifier of .*"
    r"|secret of .*|Awaitable\[Any\]|idp\+mfa|JSON Lines"
    r"|(?:session ended|user disabled, or portal revoked|not this session's|not an API key|API key unknown.*"
    r"|more than an operation|more than a mutation|a mutation that needs a token|a document that cannot be read"
    r"|more than \{name\} allows|client (?:revoked|moved)"
    r"|not an? (?:bearer|access) token|not a pair of.*|unknown client, wrong.*|no token"
    r"|more than one token|too long|longer than we sign|no such key)",  # why a token is refused is logged, not told
    re.DOTALL,
)
# Why a token is refused is logged, not told.
_LOGS: Final = frozenset(("debug", "info", "warning", "error", "exception", "critical", "log", "TokenRefused"))
_ASIDE: Final = frozenset(("description", "deprecation_reason", "summary", "help", "doc", "directives"))
_BUGS: Final = frozenset(("AssertionError", "RuntimeError", "TypeError", "NotImplementedError", "KeyError"))
_DIALECT: Final = re.compile(
    r"\s*(?:select|insert|update|delete|with|create|lock|copy|set|alter|drop|and|or|from|where|order by|left join)\b"
    r".*(?:=|\$1|\bfrom\b.*\bwhere\b|\bselect\b)",
    re.IGNORECASE | re.DOTALL,
)
_WORD: Final = re.compile(r"(?<![\w./:#@-])[A-Za-z]{2,}(?![\w/@#]|[.:-]\w)")
_WORDS_MIN: Final = 2


def gathered() -> dict[str, list[str]]:
    """Return every template with the files that say it. Raises SyntaxError for a refusal that is not constant."""
    found: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith(BESIDE):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            said = list(_constant(tree, name))
            if not name.startswith(UNREAD):
                # A text of the interface that ends with a full stop describes it; those that tell end without.
                said += (one for one in _sentences(tree) if not (name.startswith("api/") and one.endswith(".")))
            for template in said:
                places = found.setdefault(template, [])
                if name not in places:
                    places.append(name)
    for template in SENTENCES:
        found.setdefault(template, []).append("api/catalogues/foreign.py")
    return found


def _constant(tree: ast.AST, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (place := CONSTANT.get(_called(node))) is not None:
            first = node.args[place] if len(node.args) > place else None
            choices = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            for one in choices:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value
                elif isinstance(one, ast.JoinedStr):
                    wrong = f"{name}:{node.lineno}: this is a template with named values, not an f-string"
                    raise SyntaxError(wrong)  # noqa: TRY004  (what is wrong is the source's text)


def _sentences(tree: ast.AST) -> Iterator[str]:
    aside = _aside(tree)
    for node in ast.walk(tree):
        if id(node) in aside:
            continue
        if isinstance(node, ast.JoinedStr):
            aside.update(id(part) for part in node.values if isinstance(part, ast.Constant))
            template = _template(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            template = node.value
        else:
            continue
        if is_sentence(template):
            yield template


def is_sentence(template: str) -> bool:
    """Tell whether a text reads as one: three words in a row of letters, and no SQL, pattern or name of XML."""
    bare = re.sub(r"\{[a-z_0-9]+(?:![a-z])?\}", " ", template)
    if "\n" in template or bare != bare.strip("\t") or "://" in bare or "urn:" in bare or "(?:" in bare or "\\" in bare:
        return False
    if NOT_SAID.fullmatch(template):
        return False
    return len(_WORD.findall(bare)) >= _WORDS_MIN and not _DIALECT.match(bare)


def _aside(tree: ast.AST) -> set[int]:
    """Return the nodes that nobody is told: documentation, asserts, logs, bugs, and the templates gathered above."""
    found: set[int] = set()

    def leave(node: ast.AST) -> None:
        found.update(id(part) for part in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            leave(node)
        elif isinstance(node, ast.Assert):
            if node.msg is not None:
                leave(node.msg)
        elif isinstance(node, ast.Call):
            called = _called(node)
            if called in _LOGS or called in _BUGS or called in {"compile", "TypeVar", "NewType"}:
                leave(node)
            elif called in CONSTANT and len(node.args) > CONSTANT[called]:
                leave(node.args[CONSTANT[called]])
            for keyword in node.keywords:
                if keyword.arg in _ASIDE:
                    leave(keyword.value)
    return found


def _template(node: ast.JoinedStr) -> str:
    """Write an f-string as a template, with its expressions as named places."""
    parts: list[str] = []
    names: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("{", "{{").replace("}", "}}"))
            continue
        assert isinstance(part, ast.FormattedValue)
        value = part.value
        name = value.id if isinstance(value, ast.Name) else getattr(value, "attr", "value")
        name = re.sub(r"[^a-z0-9]", "", name.lower()) or "value"
        alike = sum(one.partition("_")[0] == name for one in names)
        names.append(f"{name}_{alike + 1}" if alike else name)
        parts.append(f"{{{names[-1]}}}")
    return "".join(parts)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
