"""docs/worker-protocol.md is enough to write a worker in another language: one in Python, and what it must see."""
import os
import pathlib
import signal
import subprocess
import sys

import harness

WORKER = pathlib.Path(__file__).with_name("python_worker.py")


class PythonWorkerTest(harness.BrokerTest):
    def worker(self, broker, queue="py", credit=8):
        environment = dict(os.environ)
        if broker.token:
            environment["PAWL_TOKEN"] = broker.token
        process = subprocess.Popen(["/usr/bin/python3", str(WORKER), broker.url, queue, str(credit)], env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close()))
        process.seen = harness.LineReader(process.stdout)
        process.seen.wait_for(lambda line: line.startswith("welcome"))
        return process

    def end_of(self, broker, job):
        record = broker.job(job, wait_ms=20000)
        self.assertIn(record["status"], ("completed", "failed", "cancelled"), record)
        return record

    def test_it_is_short(self):
        self.assertLess(len(WORKER.read_text(encoding="utf-8").splitlines()), 150)

    def test_it_completes_retries_fails_and_releases(self):
        broker = self.broker(token="a-token-for-this-test-0123456789")
        self.worker(broker)
        jobs = {kind: broker.submit("py", name=kind, payload={"text": "größe", "ms": 100})
                for kind in ("upper", "flaky", "bad", "release", "sleep")}
        ended = {kind: self.end_of(broker, job) for kind, job in jobs.items()}
        self.assertEqual(ended["upper"]["result"], "GRÖSSE")
        self.assertEqual((ended["flaky"]["status"], len(ended["flaky"]["errors"])), ("completed", 1))
        self.assertEqual(ended["flaky"]["errors"][0]["type"], "RuntimeError")
        self.assertEqual((ended["bad"]["status"], ended["bad"]["errors"][0]["type"]), ("failed", "PermanentError"))
        self.assertEqual((ended["release"]["status"], ended["release"]["errors"]), ("completed", []))
        self.assertEqual((ended["sleep"]["status"], ended["sleep"]["progress"]), ("completed", 90))

    def test_many_jobs_pass_through_its_credit(self):
        broker = self.broker()
        broker.call("POST", "/jobs/batch", {"jobs": [{"queue": "py", "name": "upper", "payload": {"text": str(i)}}
                                                     for i in range(500)]}, expect=202)
        self.worker(broker, credit=16)
        counts = lambda: broker.call("GET", "/queues/py", expect=200).json["counts"]
        harness.eventually(lambda: counts()["completed"] == 500)

    def test_it_is_told_to_cancel(self):
        broker = self.broker()
        worker = self.worker(broker)
        job = broker.submit("py", name="sleep", payload={"ms": 60000})
        worker.seen.wait_for(lambda line: line.startswith(f"job {job}"))
        broker.call("POST", f"/jobs/{job}/cancel", {}, expect=200)
        self.assertEqual(self.end_of(broker, job)["status"], "cancelled")

    def test_it_goes_on_with_what_it_holds_after_a_restart_of_the_broker(self):
        broker = self.broker("--stop-grace-ms", "0")
        worker = self.worker(broker)
        job = broker.submit("py", name="sleep", payload={"ms": 3000})
        worker.seen.wait_for(lambda line: line.startswith(f"job {job}"))
        broker.kill()
        broker.start()
        worker.seen.wait_for(lambda line: line == "welcome resumed 1 lost 0")
        record = self.end_of(broker, job)
        self.assertEqual((record["status"], record["attemptsMade"], record["stalls"]), ("completed", 1, 0))
        self.assertEqual(sum(line.startswith("job ") for line in worker.seen.lines), 1)

    def test_sigterm_drains_it(self):
        broker = self.broker()
        worker = self.worker(broker)
        job = broker.submit("py", name="sleep", payload={"ms": 1000})
        worker.seen.wait_for(lambda line: line.startswith(f"job {job}"))
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(20), 0)
        self.assertEqual(broker.job(job)["status"], "completed")
        later = broker.submit("py", name="upper", payload={"text": "x"})
        self.assertEqual(broker.job(later)["status"], "pending")

    def test_a_killed_worker_loses_its_jobs_to_another(self):
        broker = self.broker("--worker-disconnect-grace-ms", "100")
        first = self.worker(broker)
        job = broker.submit("py", name="sleep", payload={"ms": 500})
        first.seen.wait_for(lambda line: line.startswith(f"job {job}"))
        first.kill()
        self.worker(broker)
        record = self.end_of(broker, job)
        self.assertEqual((record["status"], record["stalls"]), ("completed", 1))
        self.assertIn("stalled", [step["status"] for step in record["history"]])


if __name__ == "__main__":
    sys.exit(harness.main())
