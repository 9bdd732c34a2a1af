"""The process that runs compiled Schematron (ISO/IEC 19757-3, as XSLT) by Saxon: one JSON request per line, one answer.

    {"sheets": ["/path/rules.xslt"], "xml": "<Invoice…"}  →  {"findings": [["BR-CO-15", "fatal", "/:Invoice…", "…"], …]}

Run as ``python -m integrations.einvoice.saxon_process``. Saxon's native code can take a process down with it, so no
other process ever loads it. What it is given has been read by ``reading.parse`` and written anew: no DTD reaches it.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
NAMED = re.compile(r"\[(([FW])-[A-Z]+[0-9]+)\]", re.ASCII)


def main() -> None:
    """Answer requests until standard input ends."""
    from lxml import etree  # noqa: PLC0415  (only this process needs them)
    from saxonche import PySaxonProcessor  # noqa: PLC0415  (likewise)

    compiled: dict[str, Any] = {}
    with PySaxonProcessor(license=False) as processor:
        for request in sys.stdin:
            asked = json.loads(request)
            try:
                findings = []
                document = processor.parse_xml(xml_text=asked["xml"])
                for sheet in asked["sheets"]:
                    if sheet not in compiled:
                        compiled[sheet] = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=sheet)
                    try:
                        report = compiled[sheet].transform_to_string(xdm_node=document)
                    except Exception as fault:  # noqa: BLE001  (a document that the rules cannot digest breaks them)
                        findings.append(["rules_failed", "fatal", "/", " ".join(str(fault).split())[:500]])
                        continue
                    # A rule is broken where an assertion fails, and where a report comes true.
                    for told in etree.fromstring(report.encode()).iter(
                        f"{SVRL}failed-assert", f"{SVRL}successful-report"
                    ):
                        text = " ".join("".join(map(str, told.itertext())).split())
                        rule, flag = told.get("id") or "", told.get("flag") or ""
                        if named := NAMED.match(text):  # OIOUBL says rule and severity in the sentence
                            rule, flag = named[1], flag or ("warning" if named[2] == "W" else "fatal")
                        findings.append([rule, flag or "fatal", told.get("location", ""), text])
                answer: dict[str, Any] = {"findings": findings}
            except Exception as trouble:  # noqa: BLE001  (whatever Saxon says goes back to the asking process)
                answer = {"trouble": " ".join(str(trouble).split())[:500]}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
