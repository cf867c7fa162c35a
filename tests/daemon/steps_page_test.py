"""Every ```sh block of docs/STEPS.md runs, in order, against a broker, and then its C++ against another."""
import json
import subprocess
import sys

import examples
import harness

PAGE = "docs/STEPS.md"
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""
LOOK = """
curl -s 'localhost:7711/jobs?queue=mail&include=payload' > mail.json
curl -s 'localhost:7711/jobs?queue=reports&include=payload' > reports.json
"""


class StepsPageTest(harness.BrokerTest):
    def payloads(self, name):
        return [job["payload"] for job in json.loads((self.folder / name).read_text())["jobs"]]

    def test_its_shell_blocks_run(self):
        examples.run_shell(self.folder, BROKER + "\n".join(examples.shell_lines(PAGE)) + LOOK)
        self.assertEqual(self.payloads("mail.json"), [{"event": "signup", "data": {"user": 7, "plan": "pro"}}])
        self.assertEqual(self.payloads("reports.json"),
                         [{"event": "signup", "events": [{"user": 7, "plan": "pro"}, {"user": 8, "plan": "free"}]}])

    def test_its_cpp_runs(self):
        (text,) = examples.blocks(PAGE, "cpp")
        broker = self.broker()
        program = examples.build_cpp(self.folder, text.replace("http://127.0.0.1:7711", broker.url))
        ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stdout.splitlines(), ["charging", "shipping inv-1", '{"shipped":true}'])
        (job,) = broker.call("GET", "/jobs?queue=orders", expect=200).json["jobs"]
        whole = broker.call("GET", f"/jobs/{job['jobId']}", expect=200).json
        self.assertEqual(whole["attemptsMade"], 1)
        self.assertEqual(whole["steps"], {"invoice": "inv-1", "cool-down": None, "paid": {"eur": 12, "invoice": "inv-1"},
                                          "label": "label for inv-1", "ship": None})


if __name__ == "__main__":
    sys.exit(harness.main())
