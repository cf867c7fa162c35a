"""Every ```sh block of docs/LIMITS.md and docs/FAIRNESS.md runs, in order, against a broker."""
import json
import re
import sys

import examples
import harness

BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""
LOOK = """
pawl limits
curl -fsS localhost:7711/queues/mail > mail.json
curl -fsS localhost:7711/jobs/$JOB > job.json
"""


class LimitsPageTest(harness.BrokerTest):
    def run_page(self, page, *more):
        blocks = examples.blocks(page, "sh")
        self.assertTrue(blocks)
        return examples.run_shell(self.folder, BROKER + "\n".join(blocks) + "\n".join(more))

    def test_limits(self):
        said = self.run_page("docs/LIMITS.md", LOOK)
        for part in ("openai:tenant-7", "at most 500 in 1m", "of a group at once", "at most 10 in 1m", "told to slow down; its queue mail goes on at"):
            self.assertIn(part, said)
        mail, job = (json.loads((self.folder / name).read_text()) for name in ("mail.json", "job.json"))
        self.assertEqual((mail["settings"]["maxConcurrency"], mail["settings"]["rateLimit"]), (20, {"max": 50, "perMs": 1000, "burst": 5}))
        self.assertIsNotNone(mail["heldUntil"])
        self.assertEqual((job["queue"], job["status"], job["attemptsMade"]), ("mail", "pending", 0))

    def test_fairness(self):
        said = self.run_page("docs/FAIRNESS.md")
        line = int(re.search(r"^(\d+):.*globex", said, re.M)[1])
        self.assertLess(line, 30)
        self.assertIn("one priority higher every 1m", said)
        self.assertRegex(said, r"(?m)^acme .*since .*: their storage is down$")
        self.assertIn("Its group acme is paused: their storage is down", said)


if __name__ == "__main__":
    sys.exit(harness.main())
