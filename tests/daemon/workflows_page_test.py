"""Every ```sh block of docs/WORKFLOWS.md runs, in order, against a broker, and then its C++ against another."""
import subprocess
import sys

import examples
import harness

PAGE = "docs/WORKFLOWS.md"
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""


class WorkflowsPageTest(harness.BrokerTest):
    def test_its_shell_blocks_run(self):
        (block,) = examples.blocks(PAGE, "sh")
        said = examples.run_shell(self.folder, BROKER + block + "\npawl workflows\npawl workflows cancel $WORKFLOW\npawl workflows retry $WORKFLOW\n")
        for part in ("photo  running  0 of 4 jobs have ended", "thumbnail caption", "4 jobs cancelled", "4 jobs run again"):
            self.assertIn(part, said)

    def test_its_cpp_runs(self):
        (text,) = examples.blocks(PAGE, "cpp")
        broker = self.broker()
        program = examples.build_cpp(self.folder, text.replace("http://127.0.0.1:7711", broker.url))
        ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stdout.splitlines(), ["60", "10"])


if __name__ == "__main__":
    sys.exit(harness.main())
