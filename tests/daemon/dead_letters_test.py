"""Dead letters by cause, and careful replays, on the real broker; and the page's example"""
import sys

import examples
import harness
from harness import eventually

BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""
JOBS = 10_000
CAUSES = {
    "Timeout": "connect to 10.1.{a}.{b}:5432 took {n} ms",
    "Bounced": "no mailbox user{n}@example.org for message 0199b3c2-7a10-7000-8000-{n:012x}",
    "Rejected": "upstream https://api.example.org/v1/{n} gave 50{d}",
}


class DeadLettersTest(harness.BrokerTest):
    def fail_all(self, broker, jobs, error_of):
        self.settle_all(broker, jobs, lambda n: {"outcome": "fail", "error": error_of(n)})

    def settle_all(self, broker, jobs, settlement_of):
        done = 0
        while done < jobs:
            leased = broker.lease("q", max_jobs=min(256, jobs - done))
            items = [{"jobId": job["jobId"], "leaseId": job["leaseId"], **settlement_of(done + i)} for i, job in enumerate(leased)]
            broker.call("POST", "/leases/settle", {"settlements": items}, expect=200)
            done += len(leased)

    def submit(self, broker, jobs):
        for first in range(0, jobs, 1000):
            count = min(1000, jobs - first)
            broker.call("POST", "/jobs/batch", {"jobs": [{"queue": "q", "maxAttempts": 1}] * count}, expect=202)

    def groups(self, broker):
        def look():
            answer = broker.call("GET", "/queues/q/dlq/groups")
            return answer.status == 200 and answer.json["groups"] or None
        return eventually(look, 30, "the groups")

    def test_ten_thousand_failures_are_three_groups(self):
        broker = self.broker()
        self.submit(broker, JOBS)
        kinds = list(CAUSES)

        def error_of(n):
            kind = kinds[min(n % 10 // 3, 2)]
            return {"type": kind, "message": CAUSES[kind].format(a=n % 200, b=n % 77, n=n, d=n % 10)}
        self.fail_all(broker, JOBS, error_of)
        expected = {"Timeout": 3000, "Bounced": 3000, "Rejected": 4000}
        groups = self.groups(broker)
        self.assertEqual({group["type"]: group["count"] for group in groups}, expected)
        self.assertEqual(groups[0]["type"], "Rejected")
        self.assertEqual(sum(sum(group["trend"]) for group in groups), JOBS)
        broker.kill()
        broker.start()
        self.assertEqual({group["type"]: group["count"] for group in self.groups(broker)}, expected)
        some = groups[0]["fingerprint"]
        page = broker.call("GET", f"/queues/q/dlq?fingerprint={some}&limit=1000&include=details", expect=200).json
        self.assertEqual({job["errors"][-1]["type"] for job in page["jobs"]}, {"Rejected"})
        broker.call("POST", "/queues/q/dlq/purge", {"all": True, "fingerprint": some}, expect=None)
        left = eventually(lambda: len(found := self.groups(broker)) == 2 and found, 30, "the purge")
        self.assertEqual({group["type"]: group["count"] for group in left}, {"Timeout": 3000, "Bounced": 3000})

    def test_a_careful_replay_through_kills(self):
        broker = self.broker()
        self.submit(broker, 60)
        self.fail_all(broker, 60, lambda n: {"type": "Late", "message": f"after {n} s"})
        answer = broker.call("POST", "/queues/q/dlq/replay", {"all": True, "canary": 5, "stopOnFailureRate": 0.5}, expect=202)
        operation = answer.json["operationId"]
        look = lambda: broker.call("GET", f"/bulk/{operation}", expect=200).json
        leased = broker.lease("q", max_jobs=50)
        self.assertEqual(len(leased), 5)
        for job in leased[:4]:
            broker.call("POST", f"/jobs/{job['jobId']}/complete", {"leaseId": job["leaseId"]}, expect=200)
        broker.kill()
        broker.start()
        self.assertEqual(look()["done"], 5)
        broker.call("POST", f"/jobs/{leased[4]['jobId']}/complete", {"leaseId": leased[4]["leaseId"]}, expect=200)
        eventually(lambda: look()["done"] == 60, 30, "the others")
        self.assertEqual((look()["status"], look()["ended"], look()["canary"]), ("running", 5, 5))
        # All that come now fail again: the rule is broken by what was handed out last.
        self.fail_all(broker, 55, lambda n: {"type": "Late", "message": "still"})
        eventually(lambda: look()["status"] == "stopped", 30, "the stop")
        self.assertEqual(look()["ended"], look()["failed"] + 5)
        answer = broker.call("POST", "/queues/q/dlq/replay", {"all": True, "canary": 3}, expect=202)
        operation = answer.json["operationId"]
        self.fail_all(broker, 3, lambda n: {"type": "Late", "message": "still"})
        eventually(lambda: look()["status"] == "stopped", 30, "the stop")
        self.assertEqual((look()["done"], look()["ended"], look()["failed"]), (3, 3, 3))
        self.assertEqual(broker.call("GET", "/queues/q", expect=200).json["counts"]["failed"], 55)
        # One that keeps to its rule ends when the last of its jobs has ended, also after a kill.
        answer = broker.call("POST", "/queues/q/dlq/replay", {"all": True, "stopOnFailureRate": 0.1}, expect=202)
        operation = answer.json["operationId"]
        eventually(lambda: look()["done"] == 55, 30, "all of them")
        self.settle_all(broker, 54, lambda n: {"outcome": "complete"})
        broker.kill()
        broker.start()
        eventually(lambda: look()["ended"] == 54, 30, "most ends")
        self.assertEqual(look()["status"], "running")
        self.settle_all(broker, 1, lambda n: {"outcome": "complete"})
        eventually(lambda: look()["status"] == "done", 30, "the end")
        self.assertEqual((look()["done"], look()["ended"], look()["failed"]), (55, 55, 0))
        broker.terminate()
        self.assert_store_is_sound(broker.data)

    def test_into_another_queue_through_kills(self):
        jobs = 400
        broker = self.broker()
        self.submit(broker, jobs)
        self.fail_all(broker, jobs, lambda n: {"type": "Late", "message": "no"})
        page = lambda path: broker.call("GET", f"{path}limit=1000", expect=200).json["jobs"]
        before = {job["jobId"] for job in page("/queues/q/dlq?")}
        self.assertEqual(len(before), jobs)
        broker.call("PUT", "/queues/repaired", {}, expect=200)
        answer = broker.call("POST", "/queues/q/dlq/replay", {"all": True, "perSecond": 100, "into": "repaired"}, expect=202)
        operation = answer.json["operationId"]
        look = lambda: broker.call("GET", f"/bulk/{operation}", expect=200).json
        for _ in range(3):
            done = look()["done"]
            eventually(lambda: look()["done"] > done or look()["status"] == "done", 30, "some go on")
            broker.kill()
            broker.start()
            left = {job["jobId"] for job in page("/queues/q/dlq?")}
            came = [tag for job in page("/jobs?queue=repaired&") for tag in job["tags"] if tag.startswith("moved-from:")]
            self.assertEqual(len(came), len(set(came)), "each once")
            self.assertEqual({tag.removeprefix("moved-from:") for tag in came} | left, before, "none is lost")
            self.assertEqual(len(came) + len(left), jobs, "none is in both")
        eventually(lambda: look()["status"] == "done", 30, "the end")
        self.assertEqual((look()["done"], look()["into"], page("/queues/q/dlq?")), (jobs, "repaired", []))
        broker.terminate()
        self.assert_store_is_sound(broker.data)

    def test_bad_input(self):
        broker = self.broker()
        self.submit(broker, 1)
        for body, pointer in (({"all": True, "fingerprint": "xyz"}, "/fingerprint"),
                              ({"all": True, "fingerprint": "0" * 16}, "/fingerprint"),
                              ({"all": True, "canary": 0}, "/canary"),
                              ({"all": True, "stopOnFailureRate": 1.5}, "/stopOnFailureRate"),
                              ({"all": True, "into": "nowhere"}, "/into"), ({"all": True, "into": "no name"}, "/into")):
            problem = broker.call("POST", "/queues/q/dlq/replay", body, expect=422).json
            self.assertEqual([error["pointer"] for error in problem["errors"]], [pointer])
        broker.call("POST", "/queues/q/dlq/purge", {"all": True, "canary": 3}, expect=422)
        broker.call("GET", "/queues/none/dlq/groups", expect=404)
        broker.call("GET", "/queues/q/dlq?fingerprint=1", expect=422)

    def test_the_page(self):
        said = examples.run_shell(self.folder, BROKER + "\n".join(examples.blocks("docs/DEAD_LETTERS.md", "sh")))
        self.assertIn("SmtpError: host 10.0.0.4 gave 454 after 4 s", said)
        self.assertRegex(said, r"mails +2 replayed so far")


if __name__ == "__main__":
    sys.exit(harness.main())
