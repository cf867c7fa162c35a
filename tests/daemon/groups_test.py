"""Groups of a queue on the real broker: a small tenant beside a large one, and strict orders, both over a SIGKILL"""
import sys
import threading
import time

import harness

LARGE = 20_000


class GroupsTest(harness.BrokerTest):
    def batch(self, broker, jobs):
        for begin in range(0, len(jobs), 1000):
            broker.call("POST", "/jobs/batch", {"jobs": jobs[begin:begin + 1000]}, expect=202)

    def complete(self, broker, job):
        broker.call("POST", f"/jobs/{job['jobId']}/complete", {"leaseId": job["leaseId"]}, expect=200)

    def test_a_small_tenant_does_not_wait_behind_a_large_one(self):
        broker = self.broker()
        self.batch(broker, [{"queue": "q", "group": "large", "payload": n} for n in range(LARGE)])
        for _ in range(20):
            for job in broker.lease("q"):
                self.complete(broker, job)
        broker.kill()
        broker.start()
        small = {broker.submit("q", group=f"small-{n}") for n in range(50)}
        served = []
        began = time.monotonic()
        while small - set(served):
            (job,) = broker.lease("q", wait_ms=5_000)
            served.append(job["jobId"])
            self.complete(broker, job)
        print(f"51 groups, {len(served)} jobs until each small one was served, {time.monotonic() - began:.1f} s", flush=True)
        # Each small group has one job; between two of them the large one may have had its turn.
        self.assertLessEqual(len(served), 2 * 50 + 2)
        self.assertEqual(broker.call("GET", "/queues/q").json["counts"]["pending"], LARGE + 50 - 20 - len(served))
        broker.kill()
        self.assert_store_is_sound(broker.data)

    def test_worker_time_is_what_is_shared(self):
        broker = self.broker()
        self.batch(broker, [{"queue": "q", "group": group, "payload": ms} for ms, group in ((200, "slow"), (20, "quick")) for _ in range(150)])
        counts = {"slow": 0, "quick": 0}
        for _ in range(110):
            (job,) = broker.lease("q", wait_ms=5_000)
            time.sleep(job["payload"] / 1000)  # the work
            counts[job["group"]] += 1
            self.complete(broker, job)
        print(counts, flush=True)
        self.assertGreater(counts["quick"], 3 * counts["slow"])  # ten times by the lengths; the calls take their time too

    def test_a_strict_order_is_kept_by_many_workers_over_kills(self):
        broker = self.broker()
        orders = [f"account-{n}" for n in range(8)]
        for number in range(25):
            for group in orders:
                broker.submit("ledger", group=group, ordered=True, payload=number, maxAttempts=3,
                              leaseMs=2_000, backoff={"type": "fixed", "delayMs": 10, "jitter": 0})
        ran = {group: [] for group in orders}
        lock, stop = threading.Lock(), threading.Event()

        def work(name):
            while not stop.is_set():
                try:
                    for job in broker.lease("ledger", worker=name, wait_ms=300):
                        with lock:
                            ran[job["group"]].append(job["payload"])
                        outcome, body = "complete", {"leaseId": job["leaseId"]}
                        if job["payload"] % 7 == 3 and job["attempt"] == 1:
                            outcome, body = "fail", body | {"error": {"message": "once"}}
                        while not stop.is_set():
                            try:
                                broker.call("POST", f"/jobs/{job['jobId']}/{outcome}", body)
                                break
                            except (OSError, harness.http.client.HTTPException):
                                stop.wait(0.02)
                except (OSError, harness.http.client.HTTPException):
                    stop.wait(0.02)

        workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
        for worker in workers:
            worker.start()
        try:
            for _ in range(2):
                time.sleep(0.4)
                broker.kill()
                broker.start()
            done = lambda: broker.call("GET", "/queues/ledger").json["counts"]["completed"] == 25 * len(orders)
            harness.eventually(done, timeout=60, what="all jobs of the orders")
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        for group in orders:
            self.assertEqual(ran[group], sorted(ran[group]), group)
            self.assertEqual(sorted(set(ran[group])), list(range(25)))
        broker.kill()
        self.assert_store_is_sound(broker.data)


if __name__ == "__main__":
    sys.exit(harness.main())
