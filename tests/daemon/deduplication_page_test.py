"""Every ```sh block of docs/DEDUPLICATION.md runs, in order, against a broker, and then its C++ against another."""
import json
import subprocess
import sys

import examples
import harness

PAGE = "docs/DEDUPLICATION.md"
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""
LOOK = """
curl -s 'localhost:7711/jobs?queue=reports' > reports.json
curl -s 'localhost:7711/jobs?queue=index&include=payload' > index.json
"""


class DeduplicationPageTest(harness.BrokerTest):
    def jobs(self, name):
        return json.loads((self.folder / name).read_text())["jobs"]

    def test_its_shell_blocks_run(self):
        examples.run_shell(self.folder, BROKER + "\n".join(examples.shell_lines(PAGE)) + LOOK)
        self.assertEqual(len(self.jobs("reports.json")), 1)
        (index,) = self.jobs("index.json")
        self.assertEqual((index["status"], index["payload"]), ("delayed", {"document": 12, "revision": 3}))

    def test_its_cpp_runs(self):
        (text,) = examples.blocks(PAGE, "cpp")
        broker = self.broker()
        program = examples.build_cpp(self.folder, text.replace("http://127.0.0.1:7711", broker.url))
        ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        (job,) = broker.call("GET", "/jobs?queue=index&include=payload", expect=200).json["jobs"]
        self.assertEqual(ran.stdout.split(), [job["jobId"], job["jobId"], "again", job["jobId"], "again"])
        self.assertEqual(job["payload"], {"document": 12, "revision": 3})


if __name__ == "__main__":
    sys.exit(harness.main())
