"""Memory and restart with a million waiting jobs of 200 bytes: resident size, time until ready after kill -9, lease speed

    million.py [--bin FOLDER] [--jobs N] [--check]

--check fails when pawld holds more than 250 MiB, is not ready again within 2 s, or leases the first 20 000 jobs slower than
half of what a queue that fits in memory does. Both are measured up to three times, the best of each counts: a fraction of a
second each, which a machine that stands still for once would spoil.
"""
import argparse
import http.client
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "daemon"))

BATCH = 5000
LEASE = 1000
HEAD = 20_000
ROUNDS = 3


class Connection:
    def __init__(self, url):
        self.http = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)

    def post(self, path, text):
        self.http.request("POST", path, text, {"Content-Type": "application/json"})
        answer = self.http.getresponse()
        body = answer.read()
        if answer.status not in (200, 202):
            raise SystemExit(f"{path}: {answer.status} {body[:500]!r}")
        return body


def submit(broker, queue, jobs):
    job = {"queue": queue, "payload": "x" * 198}  # 200 bytes with its quotes
    text = json.dumps({"jobs": [job] * BATCH})
    connection, began = Connection(broker.url), time.monotonic()
    for _ in range(jobs // BATCH):
        connection.post("/jobs/batch", text)
    return jobs / (time.monotonic() - began)


def lease_and_settle(broker, queue, jobs):
    """Leases so many jobs and completes them; jobs a second, leases and settles together."""
    connection, began, taken = Connection(broker.url), time.monotonic(), 0
    ask = json.dumps({"workerId": "bench", "max": LEASE, "waitMs": 0})
    while taken < jobs:
        got = json.loads(connection.post(f"/queues/{queue}/lease", ask))["jobs"]
        if not got:
            raise SystemExit(f"{queue} has no more jobs after {taken}")
        taken += len(got)
        settlements = [{"jobId": job["jobId"], "leaseId": job["leaseId"], "outcome": "complete"} for job in got]
        results = json.loads(connection.post("/leases/settle", json.dumps({"settlements": settlements})))["results"]
        if any(result.get("status") != "completed" for result in results):
            raise SystemExit(f"a settle was refused: {results[:3]}")
    return taken / (time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    os.environ["PAWL_BIN"] = arguments.bin
    import harness

    folder = pathlib.Path(tempfile.mkdtemp(prefix="pawl-bench-"))
    broker = harness.Broker(folder).start()
    try:
        small_rates = []
        for _ in range(ROUNDS):
            submit(broker, "small", HEAD)
            small_rates.append(lease_and_settle(broker, "small", HEAD))
        small_rate = max(small_rates)
        submit_rate = submit(broker, "big", arguments.jobs)
        resident_full = broker.resident_mib()
        print(f"submitted {arguments.jobs} jobs of 200 bytes, {submit_rate:,.0f}/s; resident {resident_full:.0f} MiB", flush=True)
        restart, big_rate, resident, left = float("inf"), 0, resident_full, arguments.jobs
        for _ in range(ROUNDS):
            broker.kill()
            began = time.monotonic()
            broker.start()
            ready = time.monotonic() - began
            resident_ready = broker.resident_mib()
            rate = lease_and_settle(broker, "big", HEAD)
            left -= HEAD
            print(f"ready {ready:.2f} s after kill -9; resident {resident_ready:.0f} MiB; then the first {HEAD} jobs leased and "
                  f"completed: {rate:,.0f}/s (a queue of {HEAD} jobs: {small_rate:,.0f}/s); resident {broker.resident_mib():.0f} MiB",
                  flush=True)
            restart, big_rate = min(restart, ready), max(big_rate, rate)
            resident = max(resident, broker.resident_mib())
            pending = broker.call("GET", "/queues/big").json["counts"]["pending"]
            if pending != left:
                raise SystemExit(f"{pending} jobs are pending, not {left}")
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.check:
        bounds = [(resident < 250, f"{resident:.0f} MiB resident"), (restart < 2, f"ready after {restart:.2f} s"),
                  (big_rate > small_rate / 2, f"{big_rate:,.0f} jobs/s against {small_rate:,.0f}")]
        failed = [text for good, text in bounds if not good]
        if failed:
            raise SystemExit("over the bound: " + "; ".join(failed))


if __name__ == "__main__":
    main()
