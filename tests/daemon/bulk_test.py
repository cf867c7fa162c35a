"""Bulk operations on the real broker: exactly once through SIGKILLs, never faster than asked; and the page's example"""
import datetime
import sys
import time

import examples
import harness
from harness import eventually

JOBS, RATE = 400, 100
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""


class BulkTest(harness.BrokerTest):
    def bulk(self, broker, **body):
        return broker.call("POST", "/bulk", body, expect=202).json["bulkId"]

    def ended(self, broker, bulk):
        def look():
            view = broker.call("GET", f"/bulk/{bulk}", expect=200).json
            return view["status"] != "running" and view
        return eventually(look, 60, "the end of the operation")

    def test_each_job_once_through_kills(self):
        broker = self.broker()
        for first in range(0, JOBS, 200):
            jobs = [{"queue": "q", "delayMs": 3_600_000, "tags": [f"t{n % 2}"]} for n in range(first, first + 200)]
            broker.call("POST", "/jobs/batch", {"jobs": jobs}, expect=202)
        began = time.monotonic()
        bulk = self.bulk(broker, filter={"queue": "q", "tag": "t1"}, action="promote", perSecond=RATE)
        for share in (0.2, 0.5):
            eventually(lambda: broker.call("GET", f"/bulk/{bulk}").json["done"] >= share * JOBS / 2, 30, "progress")
            broker.kill()
            broker.start()
        view = self.ended(broker, bulk)
        took = time.monotonic() - began
        self.assertEqual((view["done"], view["skipped"], view["refused"], view["left"]), (JOBS // 2, 0, 0, 0))
        self.assertGreaterEqual(took, JOBS / 2 / RATE - 1)
        counts = broker.call("GET", "/queues/q", expect=200).json["counts"]
        self.assertEqual((counts["pending"], counts["delayed"]), (JOBS // 2, JOBS // 2))
        # A promoted job was promoted once: its history says so.
        page = broker.call("GET", "/jobs?queue=q&status=pending&limit=1000&include=details", expect=200).json
        self.assertEqual(len(page["jobs"]), JOBS // 2)
        times = []
        for job in page["jobs"]:
            moves = [step["at"] for step in job["history"] if step["status"] == "pending"]
            self.assertEqual(len(moves), 1, job)
            times.append(datetime.datetime.fromisoformat(moves[0].replace("Z", "+00:00")).timestamp())
        times.sort()
        # No second sees more than the rate: the job RATE places on came a second later (2 ms for what is rounded).
        closest = min(later - earlier for earlier, later in zip(times, times[RATE:]))
        self.assertGreaterEqual(closest, 0.998)
        broker.terminate()
        self.assert_store_is_sound(broker.data)

    def test_whatever_a_list_is_filtered_by(self):
        broker = self.broker()
        jobs = [{"queue": "q", "delayMs": 3_600_000, "payload": {"user": {"id": n % 4}, "city": "Lima" if n % 2 else "Oslo"}}
                for n in range(40)]
        broker.call("POST", "/jobs/batch", {"jobs": jobs}, expect=202)
        now = datetime.datetime.now(datetime.timezone.utc)
        hour = datetime.timedelta(hours=1)
        for fields, found in ({"payload": {"user.id": "3"}}, 10), ({"payload": {"user.id": "2", "city": "Lima"}}, 0), \
                ({"q": "Oslo"}, 20), ({"createdAfter": (now - hour).isoformat(), "attemptsMax": 0}, 40), \
                ({"createdBefore": (now - hour).isoformat()}, 0), ({"attemptsMin": 1}, 0), ({"worker": "nobody"}, 0):
            bulk = self.bulk(broker, filter={"queue": "q", **fields}, action="retry")  # of jobs that have not ended: all are refused
            view = self.ended(broker, bulk)
            self.assertEqual(view["refused"], found, fields)
            self.assertLessEqual(set(fields), set(view["filter"]))
        # It is on disk with all that it asks for.
        slow = self.bulk(broker, filter={"payload": {"user.id": "3"}, "q": "Lima"}, action="promote", perSecond=5)
        eventually(lambda: broker.call("GET", f"/bulk/{slow}").json["done"] >= 2, 30, "progress")
        broker.kill()
        broker.start()
        self.assertEqual(self.ended(broker, slow)["done"], 10)
        page = broker.call("GET", "/jobs?queue=q&status=pending&limit=100&include=payload", expect=200).json
        self.assertEqual({job["payload"]["user"]["id"] for job in page["jobs"]}, {3})
        for fields, pointer in ({"payload": {"a..b": "1"}}, "/filter/payload/a..b"), ({"payload": {}}, "/filter/payload"), \
                ({"attemptsMin": -1}, "/filter/attemptsMin"), ({"createdAfter": "soon"}, "/filter/createdAfter"), ({"q": ""}, "/filter/q"):
            problem = broker.call("POST", "/bulk", {"filter": {"queue": "q", **fields}, "action": "retry"}, expect=422).json
            self.assertEqual(problem["errors"][0]["pointer"], pointer)

    def test_bad_input_starts_nothing(self):
        broker = self.broker()
        for body, pointer in (({"filter": {}, "action": "retry"}, "/filter"),
                              ({"filter": {"tag": "x"}, "action": "burn"}, "/action"),
                              ({"filter": {"status": ["lost"]}, "action": "retry"}, "/filter/status/0"),
                              ({"filter": {"tag": "x"}, "action": "retry", "perSecond": 0}, "/perSecond"),
                              ({"action": "retry"}, "/filter")):
            problem = broker.call("POST", "/bulk", body, expect=422).json
            self.assertEqual([error["pointer"] for error in problem["errors"]], [pointer])
        self.assertEqual(broker.call("GET", "/bulk", expect=200).json["operations"], [])

    def test_the_page(self):
        said = examples.run_shell(self.folder, BROKER + "\n".join(examples.blocks("docs/BULK.md", "sh")))
        self.assertIn('"done":6', said)


if __name__ == "__main__":
    sys.exit(harness.main())
