"""Durable steps on the real broker: a job that sleeps, waits for an event and survives a SIGKILL of the broker in both"""
import datetime
import sys
import time

import harness
from harness import eventually


class StepsTest(harness.BrokerTest):
    def lease_one(self, broker):
        return eventually(lambda: next(iter(broker.lease("orders", worker="w", max_jobs=1, wait_ms=200)), None), 20)

    def job(self, broker, job_id):
        return broker.call("GET", f"/jobs/{job_id}", expect=200).json

    def test_a_job_sleeps_and_waits_through_kills_of_the_broker(self):
        broker = self.broker()
        job_id = broker.call("POST", "/jobs", {"queue": "orders"}, expect=202).json["jobId"]
        lease = self.lease_one(broker)
        kept = broker.call("POST", f"/jobs/{job_id}/steps/invoice", {"leaseId": lease["leaseId"], "result": {"n": 1.50}},
                           expect=200).json
        self.assertEqual(kept, {"name": "invoice", "result": {"n": 1.5}, "repeated": False})
        # Longer than a restart takes on a busy machine.
        began = time.time()
        asleep = broker.call("POST", f"/jobs/{job_id}/suspend", {"leaseId": lease["leaseId"], "sleepMs": 8000, "as": "nap"},
                             expect=200).json
        self.assertEqual(asleep["status"], "delayed")
        broker.kill()
        broker.start()
        self.assertEqual(self.job(broker, job_id)["status"], "delayed")

        lease = self.lease_one(broker)
        self.assertGreaterEqual(time.time() - began, 8)
        self.assertEqual((lease["attempt"], lease["steps"]), (1, {"invoice": {"n": 1.5}, "nap": None}))
        again = broker.call("POST", f"/jobs/{job_id}/steps/invoice", {"leaseId": lease["leaseId"], "result": 2}, expect=200).json
        self.assertEqual((again["result"], again["repeated"]), ({"n": 1.5}, True))
        waits = {"event": "paid", "match": {"order.id": 7}, "timeoutMs": 600_000, "as": "payment"}
        broker.call("POST", f"/jobs/{job_id}/suspend", {"leaseId": lease["leaseId"], "waitFor": waits}, expect=200)
        broker.kill()
        broker.start()
        job = self.job(broker, job_id)
        self.assertEqual((job["status"], job["waitsFor"]["event"], job["waitsFor"]["match"]), ("blocked", "paid", {"order.id": 7}))
        why = broker.call("GET", f"/jobs/{job_id}/why", expect=200).json
        self.assertEqual((why["reason"], why["event"]), ("waiting-for-event", "paid"))

        for data in ({"order": {"id": 8}}, {"order": 7}, None):
            raised = broker.call("POST", "/events", {"name": "paid", "data": data}, expect=202).json
            self.assertEqual(raised, {"resumed": 0, "started": 0, "gathered": 0})
        raised = broker.call("POST", "/events", {"name": "paid", "data": {"order": {"id": 7.0}, "eur": 5}}, expect=202).json
        self.assertEqual(raised, {"resumed": 1, "started": 0, "gathered": 0})
        broker.kill()  # what was answered, no kill undoes
        broker.start()
        lease = self.lease_one(broker)
        self.assertEqual(lease["steps"]["payment"], {"order": {"id": 7.0}, "eur": 5})
        self.assertEqual(lease["attempt"], 1)
        broker.call("POST", f"/jobs/{job_id}/complete", {"leaseId": lease["leaseId"]}, expect=200)
        job = self.job(broker, job_id)
        self.assertEqual([step["status"] for step in job["history"]],
                         ["pending", "active", "delayed", "pending", "active", "blocked", "pending", "active", "completed"])
        self.assertEqual(job["attemptsMade"], 1)

    def test_a_wait_ends_when_its_time_is_over(self):
        broker = self.broker()
        job_id = broker.call("POST", "/jobs", {"queue": "orders"}, expect=202).json["jobId"]
        lease = self.lease_one(broker)
        begin = time.time()
        broker.call("POST", f"/jobs/{job_id}/suspend", {"leaseId": lease["leaseId"], "waitFor": {"event": "e", "timeoutMs": 700}},
                    expect=200)
        lease = self.lease_one(broker)
        self.assertGreaterEqual(time.time() - begin, 0.7)
        self.assertEqual(lease["steps"], {"e": None})

    def test_a_job_sleeps_until_a_time(self):
        broker = self.broker()
        job_id = broker.submit("orders")
        lease = self.lease_one(broker)
        until = round(time.time() + 0.7, 3)
        text = datetime.datetime.fromtimestamp(until, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        asleep = broker.call("POST", f"/jobs/{job_id}/suspend", {"leaseId": lease["leaseId"], "until": text, "as": "nap"}, expect=200).json
        self.assertEqual(asleep["status"], "delayed")
        self.assertEqual((self.job(broker, job_id)["runAt"], self.job(broker, job_id)["attemptsMade"]), (text, 0))
        again = self.lease_one(broker)
        self.assertGreaterEqual(time.time(), until)
        self.assertEqual((again["jobId"], again["attempt"], again["steps"]), (job_id, lease["attempt"], {"nap": None}))
        self.assertNotEqual(again["leaseId"], lease["leaseId"])
        active = [step["at"] for step in self.job(broker, job_id)["history"] if step["status"] == "active"]
        self.assertGreaterEqual(active[1], text)
        broker.call("POST", f"/jobs/{job_id}/complete", {"leaseId": again["leaseId"]}, expect=200)
        self.assertEqual(self.job(broker, job_id)["attemptsMade"], 1)

    def test_what_is_wrong_says_so_and_changes_nothing(self):
        broker = self.broker()
        job_id = broker.call("POST", "/jobs", {"queue": "orders"}, expect=202).json["jobId"]
        lease = self.lease_one(broker)
        held = {"leaseId": lease["leaseId"]}
        broker.call("POST", f"/jobs/{job_id}/steps/a", held | {"result": 1}, expect=200)
        for path, body, status, kind in [
            (f"/jobs/{job_id}/suspend", held, 422, "invalid-input"),
            (f"/jobs/{job_id}/suspend", held | {"sleepMs": 1, "until": "2030-01-01T00:00:00Z"}, 422, "invalid-input"),
            (f"/jobs/{job_id}/suspend", held | {"waitFor": {"event": "e", "match": {"a": [1]}}}, 422, "invalid-input"),
            (f"/jobs/{job_id}/suspend", held | {"waitFor": {"event": "e", "match": {".a": 1}}}, 422, "invalid-input"),
            (f"/jobs/{job_id}/suspend", held | {"sleepMs": 1, "as": "a"}, 409, "step-exists"),
            (f"/jobs/{job_id}/suspend", {"leaseId": "00", "sleepMs": 1}, 409, "lease-lost"),
            (f"/jobs/{job_id}/steps/b", {"leaseId": "00", "result": 1}, 409, "lease-lost"),
            (f"/jobs/{job_id}/steps/b c", held, 422, "invalid-input"),
            (f"/jobs/{job_id}/steps/big", held | {"result": "x" * (1 << 20)}, 413, "body-too-large"),
            ("/events", {"name": "e", "data": "x" * (300 << 10)}, 413, "body-too-large"),
            ("/events", {"data": 1}, 422, "invalid-input"),
        ]:
            problem = broker.call("POST", path.replace(" ", "%20"), body, expect=status).json
            self.assertEqual(problem["type"], f"urn:pawl:error:{kind}", (path, body))
        self.assertEqual((self.job(broker, job_id)["status"], self.job(broker, job_id)["steps"]), ("active", {"a": 1}))
        for body, pointer in [
            ({"event": "e", "queue": "q", "payload": 1}, "/payload"),
            ({"event": "e", "queue": "q", "runAt": "2030-01-01T00:00:00Z"}, "/runAt"),
            ({"event": "e", "queue": "q", "batch": {"max": 0, "timeoutMs": 1}}, "/batch/max"),
            ({"event": "e", "queue": "q", "batch": {"max": 2}}, "/batch/timeoutMs"),
            ({"queue": "q"}, "/event"),
        ]:
            problem = broker.call("PUT", "/triggers/t", body, expect=422).json
            self.assertEqual(problem["errors"][0]["pointer"], pointer)
        self.assertEqual(broker.call("GET", "/triggers", expect=200).json["triggers"], [])

    def test_a_trigger_gathers_through_a_kill(self):
        broker = self.broker()
        broker.call("PUT", "/triggers/digest", {"event": "e", "queue": "digests", "batch": {"max": 3, "timeoutMs": 60_000}}, expect=200)
        for number in (1, 2):
            raised = broker.call("POST", "/events", {"name": "e", "data": number}, expect=202).json
            self.assertEqual(raised, {"resumed": 0, "started": 0, "gathered": 1})
        broker.kill()
        broker.start()
        self.assertEqual(broker.call("GET", "/triggers/digest", expect=200).json["gathered"], 2)
        self.assertEqual(broker.call("POST", "/events", {"name": "e", "data": 3}, expect=202).json["started"], 1)
        (job,) = broker.lease("digests", worker="w")
        self.assertEqual(job["payload"], {"event": "e", "events": [1, 2, 3]})
        self.assertEqual(job["tags"], ["trigger:digest"])
        problem = broker.call("DELETE", "/queues/digests", expect=409).json
        self.assertIn("of its jobs", problem["detail"])


if __name__ == "__main__":
    sys.exit(harness.main())
