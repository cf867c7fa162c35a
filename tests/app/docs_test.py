"""The tables that stand both in the code and in the docs: docs_test.py SOURCE_FOLDER APP_TESTS

Settings and metrics are printed by APP_TESTS and must be the rows of docs/OPERATIONS.md, in order; the edges of
broker/core/states.h must be the rows, and the arrows of the picture, of docs/STATE_MACHINE.md.
"""
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
APP_TESTS = sys.argv[2]


def printed(what):
    return subprocess.run([APP_TESTS, f"--print-{what}"], check=True, capture_output=True, text=True).stdout.splitlines()


def rows_under(text, heading):
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


class DocsTest(unittest.TestCase):
    maxDiff = None

    def test_operations_lists_every_setting_and_metric(self):
        text = (SOURCE / "docs/OPERATIONS.md").read_text(encoding="utf-8")
        for what, heading in (("settings", "Every setting"), ("metrics", "Every metric")):
            with self.subTest(what):
                self.assertEqual(rows_under(text, heading), printed(what))

    def test_state_machine_lists_every_edge(self):
        header = (SOURCE / "broker/core/states.h").read_text(encoding="utf-8")
        code = re.findall(r"Edge\{Status::(\w+), Event::(\w+), Status::(\w+)\}", header)
        self.assertGreater(len(code), 20)
        text = (SOURCE / "docs/STATE_MACHINE.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \| \S", text, re.M)
        arrows = re.findall(r"^ +(\w+) --> (\w+): (\w+)$", text, re.M)
        self.assertEqual(rows, code)
        self.assertEqual(sorted((a, event, b) for a, b, event in arrows), sorted(code))

    def test_state_machine_describes_every_state(self):
        header = (SOURCE / "broker/core/states.h").read_text(encoding="utf-8")
        body = re.search(r"enum class Status[^{]*\{(.*?)\};", header, re.S).group(1)
        text = (SOURCE / "docs/STATE_MACHINE.md").read_text(encoding="utf-8")
        described = re.findall(r"^\| `(\w+)` \|", text.split("## States")[1].split("## Every edge")[0], re.M)
        self.assertEqual(sorted(described), sorted(re.findall(r"(\w+) = \d+", body)))

    def test_numbered_records_are_complete(self):
        records = sorted((SOURCE / "docs/adr").glob("*.md"))
        self.assertEqual([int(r.name[:4]) for r in records], list(range(1, len(records) + 1)))
        for record in records:
            text = record.read_text(encoding="utf-8")
            for part in ("## Context", "## Decision", "## Alternatives", "## Consequences"):
                self.assertIn(part, text, record.name)

    def test_links_between_the_pages_lead_somewhere(self):
        for page in [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                self.assertTrue((page.parent / target).exists(), f"{page.name} → {target}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
