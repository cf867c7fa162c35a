"""Every ```sh block of docs/LIMITS.md and docs/FAIRNESS.md runs, in order, against a broker."""
import re
import sys

import examples
import harness

BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""


class LimitsPageTest(harness.BrokerTest):
    def run_page(self, page, *more):
        blocks = examples.blocks(page, "sh")
        self.assertTrue(blocks)
        return examples.run_shell(self.folder, BROKER + "\n".join(blocks) + "\n".join(more))

    def test_limits(self):
        said = self.run_page("docs/LIMITS.md", "pawl limits")
        for part in ("openai:tenant-7", "at most 500 in 1m", "of a group at once", "at most 10 in 1m"):
            self.assertIn(part, said)

    def test_fairness(self):
        said = self.run_page("docs/FAIRNESS.md")
        line = int(re.search(r"^(\d+):.*globex", said, re.M)[1])
        self.assertLess(line, 30)
        self.assertIn("one priority higher every 1m", said)
        self.assertRegex(said, r"(?m)^acme .*since .*: their storage is down$")
        self.assertIn("Its group acme is paused: their storage is down", said)


if __name__ == "__main__":
    sys.exit(harness.main())
