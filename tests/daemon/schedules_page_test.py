"""Every ```sh block of docs/SCHEDULES.md runs, in order, against a broker, and then its C++ against another."""
import subprocess
import sys

import examples
import harness

PAGE = "docs/SCHEDULES.md"
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""


class SchedulesPageTest(harness.BrokerTest):
    def test_its_shell_blocks_run(self):
        said = examples.run_shell(self.folder, BROKER + "\n".join(examples.shell_lines(PAGE)))
        for part in ("heartbeat  next run ", "schedule:heartbeat", "cleanup  paused", "every 1h", "heartbeat  deleted"):
            self.assertIn(part, said)

    def test_its_cpp_runs(self):
        (text,) = examples.blocks(PAGE, "cpp")
        broker = self.broker()
        program = examples.build_cpp(self.folder, text.replace("http://127.0.0.1:7711", broker.url))
        ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("cleanup", ran.stdout)
        (schedule,) = broker.call("GET", "/schedules", expect=200).json["schedules"]
        self.assertEqual((schedule["scheduleId"], schedule["everyMs"], schedule["overlap"]), ("cleanup", 1_800_000, "skip"))
        self.assertEqual(len(broker.call("GET", "/jobs?tag=schedule:cleanup", expect=200).json["jobs"]), 1)


if __name__ == "__main__":
    sys.exit(harness.main())
