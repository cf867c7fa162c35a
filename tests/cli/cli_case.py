"""`pawl` run against a broker of the test's own."""
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "daemon"))
from harness import BIN, BrokerTest, eventually, main  # noqa: E402, F401

PAWL = str(BIN / "pawl")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def clean_environment(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")} | {"TZ": "UTC"} | more


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


class Done:
    def __init__(self, completed):
        self.status, self.out, self.err = completed.returncode, completed.stdout, completed.stderr

    @property
    def json(self):
        return json.loads(self.out)


class CliTest(BrokerTest):
    def setUp(self):
        super().setUp()
        self.server = self.broker()

    def pawl(self, *words, status=0, stdin="", **environment):
        done = Done(subprocess.run([PAWL, "--url", self.server.url, *words], input=stdin, capture_output=True, text=True,
                                   timeout=60, env=clean_environment(**environment)))
        self.assertEqual(done.status, status, f"pawl {' '.join(words)}\n{done.out}\n{done.err}")
        return done

    def submit(self, *words):
        job_id = self.pawl("enqueue", *words).out.strip()
        self.assertRegex(job_id, UUID)
        return job_id

    def finish(self, queue, outcome, **body):
        """Leases one job and settles it; its id."""
        (job,) = self.server.lease(queue, wait_ms=5000)
        self.server.call("POST", f"/jobs/{job['jobId']}/{outcome}", {"leaseId": job["leaseId"], **body}, expect=200)
        return job["jobId"]

    def dead_letter(self, queue, kind="bad-input"):
        job_id = self.submit(queue)
        self.finish(queue, "fail", error={"type": kind, "message": "no good"}, permanent=True)
        return job_id

    def worker(self, *words, **environment):
        worker = subprocess.Popen([PAWL, "--url", self.server.url, "work", *words], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=clean_environment(**environment))
        self.addCleanup(self.end_worker, worker)
        return worker

    @staticmethod
    def end_worker(worker):
        if worker.poll() is None:
            worker.kill()
        worker.communicate()

    def ended(self, job_id, status):
        job = self.server.job(job_id, wait_ms=20_000)
        self.assertEqual(job["status"], status, job)
        return job
