"""Limits of a queue on the real broker: e-mails at 50 a second, with a 429 from the provider and a SIGKILL of the broker in between; what is in use says by whom"""
import os
import subprocess
import sys
import threading
import time

import harness
from harness import eventually

EMAILS = int(os.environ.get("PAWL_EMAILS", 500))  # 10 000 take some 200 s
RATE, WINDOW_S, BURST = 50, 1.0, 5
HOLD_S = 1.5
LEASE_S = 5  # a lease whose answer the kill took away is lost for so long
WORKERS = 4


class Provider:
    """Takes e-mails; answers one of them with 429 and Retry-After, and counts what comes before that is over."""

    def __init__(self, refuses):
        self.lock = threading.Lock()
        self.sent, self.refuses, self.calls, self.refused_at = [], refuses, 0, None

    def send(self, email):
        """Nothing, or for how many seconds to stay away."""
        with self.lock:
            self.calls += 1
            if self.calls == self.refuses:
                self.refused_at = time.time()
                return HOLD_S
            self.sent.append(email)
            return None


class LimitsTest(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.held_from = None  # when the broker had heard of the 429
        self.late = []  # settlements that came when the lease was over: their jobs run again

    def work(self, broker, provider, stop):
        """One worker: HTTP polls, and nothing that the broker's absence would end."""
        while not stop.is_set():
            try:
                jobs = broker.lease("mail", worker=threading.current_thread().name, max_jobs=10, wait_ms=500)
            except (OSError, harness.http.client.HTTPException):
                stop.wait(0.02)
                continue
            for job in jobs:
                wait_s = provider.send(job["payload"]["to"])
                path, body = "complete", {"leaseId": job["leaseId"]}
                if wait_s is not None:
                    path, body = "rate-limited", body | {"retryAfterMs": int(wait_s * 1000)}
                self.settle(broker, f"/jobs/{job['jobId']}/{path}", body, stop)
                if wait_s is not None:
                    self.held_from = time.time()  # the broker has answered that it holds the queue

    def settle(self, broker, path, body, stop):
        while not stop.is_set():
            try:
                answer = broker.call("POST", path, body)
                if answer.status == 409:
                    self.late.append(path)
                elif answer.status != 200:
                    raise AssertionError(f"{path}: {answer.status}: {answer.body[:500]!r}")
                return
            except (OSError, harness.http.client.HTTPException):  # sent again until it is answered
                stop.wait(0.02)

    def records(self, broker):
        """Of all e-mails, with their histories."""
        jobs, cursor = [], ""
        while cursor is not None:
            page = broker.call("GET", f"/jobs?queue=mail&limit=500&include=details{cursor}", expect=200).json
            jobs += page["jobs"]
            cursor = f"&cursor={page['nextCursor']}" if page["nextCursor"] else None
        return jobs

    def test_emails_keep_to_their_rate_through_a_429_and_a_kill(self):
        broker = self.broker()
        broker.call("PUT", "/queues/mail", {"rateLimit": {"max": RATE, "perMs": int(WINDOW_S * 1000), "burst": BURST}}, expect=200)
        for begin in range(0, EMAILS, 1000):
            numbers = range(begin, min(begin + 1000, EMAILS))
            jobs = [{"queue": "mail", "leaseMs": LEASE_S * 1000, "payload": {"to": f"user{i}@example.com"}} for i in numbers]
            broker.call("POST", "/jobs/batch", {"jobs": jobs}, expect=202)
        provider, stop = Provider(refuses=EMAILS // 4), threading.Event()
        workers = [threading.Thread(target=self.work, args=(broker, provider, stop), name=f"w{i}") for i in range(WORKERS)]
        began = time.time()
        for worker in workers:
            worker.start()
        try:
            eventually(lambda: len(provider.sent) >= EMAILS // 2, timeout=EMAILS / RATE + 60, what="half of the e-mails")
            broker.kill()
            broker.start()
            done = lambda: broker.call("GET", "/queues/mail").json["counts"]["completed"] == EMAILS
            eventually(done, timeout=EMAILS / RATE + 60, what="all e-mails")
            took = time.time() - began
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        records = self.records(broker)
        starts = sorted(harness.seconds_of(step["at"]) for job in records for step in job["history"] if step["status"] == "active")
        print(f"{len(starts)} starts in {took:.1f} s, {harness.fullest_window(starts, WINDOW_S)} in the fullest second", flush=True)
        # Never more, and not much less.
        self.assertLessEqual(harness.fullest_window(starts, WINDOW_S), RATE)
        self.assertLess(took, 1.25 * EMAILS / RATE + HOLD_S + 5)
        # Nobody started while the provider wanted peace, from when the broker had heard of it.
        self.assertLess(self.held_from, provider.refused_at + HOLD_S)
        held = [at for at in starts if self.held_from < at < provider.refused_at + HOLD_S - 0.001]
        self.assertEqual(held, [])
        # Each was sent, and the 429 has cost no attempt.
        self.assertEqual(sorted(set(provider.sent)), sorted(f"user{i}@example.com" for i in range(EMAILS)))
        self.assertEqual({job["attemptsMade"] for job in records}, {1})
        self.assertLessEqual(len(self.late), sum(job["stalls"] for job in records))
        broker.kill()
        self.assert_store_is_sound(broker.data)

    def test_no_more_run_at_once_than_allowed_over_a_restart(self):
        broker = self.broker()
        broker.call("PUT", "/queues/video", {"maxConcurrency": 3}, expect=200)
        for _ in range(6):
            broker.submit("video", leaseMs=600_000)
        held = broker.lease("video", max_jobs=10)
        self.assertEqual(len(held), 3)
        broker.kill()
        broker.start()
        self.assertEqual(broker.lease("video", max_jobs=10), [])
        waiting = threading.Thread(target=lambda: held.extend(broker.lease("video", max_jobs=10, wait_ms=20_000)))
        waiting.start()
        broker.call("POST", f"/jobs/{held[0]['jobId']}/complete", {"leaseId": held[0]["leaseId"]}, expect=200)
        waiting.join()
        self.assertEqual(len(held), 4)

    def in_use(self, broker, path, *users):
        """It is not deleted, and says by whom it is used."""
        problem = broker.call("DELETE", path, expect=409).json
        self.assertEqual(problem["type"], f"urn:pawl:error:{path.split('/')[1].removesuffix('s')}-in-use")
        for user in users:
            self.assertIn(user, problem["detail"])
        return problem["detail"]

    def test_a_limit_in_use_says_by_whom(self):
        broker = self.broker()
        for limit in ("shared", "other"):
            broker.call("PUT", f"/limits/{limit}", {"concurrency": 1}, expect=200)
        broker.call("PUT", "/schedules/nightly-sums", {"queue": "sums", "everyMs": 3_600_000, "limits": ["shared"]}, expect=200)
        self.assertEqual(self.in_use(broker, "/limits/shared"), "it is named by schedule nightly-sums")
        broker.call("PUT", "/triggers/on-upload", {"event": "upload", "queue": "thumbs", "limits": ["other", "shared"]}, expect=200)
        waiting = broker.submit("letters", limits=["shared"])
        later = broker.submit("invoices", limits=["shared"], delayMs=3_600_000)
        for _ in range(2):
            self.in_use(broker, "/limits/shared", "schedule nightly-sums", "trigger on-upload", "queue letters", "queue invoices")
            self.assertEqual(self.in_use(broker, "/limits/other"), "it is named by trigger on-upload")
            broker.kill()
            broker.start()
        # One user less each time, until there is none.
        broker.call("DELETE", "/schedules/nightly-sums", expect=200)
        self.assertNotIn("nightly-sums", self.in_use(broker, "/limits/shared", "trigger on-upload", "queue letters", "queue invoices"))
        broker.call("DELETE", "/triggers/on-upload", expect=200)
        broker.call("DELETE", "/limits/other", expect=200)
        self.assertNotIn("on-upload", self.in_use(broker, "/limits/shared", "queue letters", "queue invoices"))
        (lease,) = broker.lease("letters")
        self.assertEqual(lease["jobId"], waiting)
        self.in_use(broker, "/limits/shared", "queue letters")
        broker.call("POST", f"/jobs/{waiting}/complete", {"leaseId": lease["leaseId"]}, expect=200)
        self.assertEqual(self.in_use(broker, "/limits/shared"), "it is named by jobs of queue invoices")
        broker.call("POST", f"/jobs/{later}/cancel", expect=200)
        broker.call("DELETE", "/limits/shared", expect=200)
        broker.call("GET", "/limits/shared", expect=404)

    def test_a_queue_in_use_says_by_whom(self):
        broker = self.broker()
        for queue in ("sums", "thumbs", "served", "mail"):
            broker.call("PUT", f"/queues/{queue}", {}, expect=200)
        broker.call("PUT", "/schedules/nightly-sums", {"queue": "sums", "everyMs": 3_600_000}, expect=200)
        broker.call("PUT", "/triggers/on-upload", {"event": "upload", "queue": "thumbs"}, expect=200)
        job_id = broker.submit("mail")
        worker = subprocess.Popen([str(harness.BIN / "pawl"), "work", "served", "--exec", "cat", "--worker-id", "worker-17", "--quiet"],
                                  env=broker.environment | {"PAWL_URL": broker.url}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (worker.kill(), worker.wait()))
        eventually(lambda: broker.call("GET", "/queues/served").json["workers"] == 1, what="the worker")
        for forced in ("", "?force=true"):  # that is about jobs
            self.in_use(broker, "/queues/sums" + forced, "schedule nightly-sums")
            self.in_use(broker, "/queues/thumbs" + forced, "trigger on-upload")
            self.in_use(broker, "/queues/served" + forced, "worker worker-17")
        self.in_use(broker, "/queues/mail", "1 waiting")
        (lease,) = broker.lease("mail")
        self.in_use(broker, "/queues/mail?force=true", "workers hold 1")
        broker.call("POST", f"/jobs/{job_id}/complete", {"leaseId": lease["leaseId"]}, expect=200)
        broker.call("DELETE", "/schedules/nightly-sums", expect=200)
        broker.call("DELETE", "/triggers/on-upload", expect=200)
        worker.terminate()
        self.assertEqual(worker.wait(20), 0)
        eventually(lambda: broker.call("GET", "/queues/served").json["workers"] == 0, what="the worker's end")
        for queue in ("sums", "thumbs", "served", "mail"):
            broker.call("DELETE", f"/queues/{queue}", expect=200)
            broker.call("GET", f"/queues/{queue}", expect=404)


if __name__ == "__main__":
    sys.exit(harness.main())
