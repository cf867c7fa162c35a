"""The audit log on the real broker: who, when, what, how many and with which outcome, for every action, through a SIGKILL."""
import json
import subprocess
import sys

import examples
import harness
from harness import eventually

ANNA = {"X-Pawl-Actor": "anna"}
NO_ID = "01a00000-0000-7000-8000-000000000000"
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""
SECRET = "whsec_" + "c2VjcmV0" * 4


class AuditTest(harness.BrokerTest):
    def entries(self, broker, query=""):
        return broker.call("GET", f"/audit?limit=1000{query}", expect=200).json["entries"]

    def fail(self, broker, queue, count):
        ids = [broker.submit(queue, maxAttempts=1) for _ in range(count)]
        for job in broker.lease(queue, max_jobs=count):
            body = {"leaseId": job["leaseId"], "error": {"type": "no", "message": "no"}}
            broker.call("POST", f"/jobs/{job['jobId']}/fail", body, expect=200)
        return ids

    def ended(self, broker, operation):
        eventually(lambda: broker.call("GET", f"/bulk/{operation}", expect=200).json["status"] != "running", 60, "the end")

    def test_every_action_leaves_one_entry(self):
        broker = self.broker("--push-allow", "127.0.0.0/8,hooks.example.com")
        waits = [broker.submit("mail", delayMs=3_600_000, tags=["t"]) for _ in range(3)]
        dead = self.fail(broker, "mail", 4)
        graph = broker.call("POST", "/workflows", {"name": "g", "jobs": [{"ref": "a", "queue": "flow", "delayMs": 3_600_000}]}, expect=202).json
        workflow = graph["workflowId"]
        self.assertEqual(self.entries(broker), [], "what programs do all day is not audited")

        schedule = {"queue": "mail", "everyMs": 86_400_000, "paused": True}
        push = {"url": "http://hooks.example.com/in", "secret": SECRET, "headers": {"Authorization": "Basic c2VjcmV0"}}
        callback = {"url": "http://hooks.example.com/end"}
        # What is called, and what the log must then say: action, queue, target, count, outcome, detail.
        ledger = [
            ("POST", f"/jobs/{waits[0]}/promote", None, 200, ("promote", "mail", waits[0], 1, "done", "pending")),
            ("POST", f"/jobs/{waits[0]}/cancel", None, 200, ("cancel", "mail", waits[0], 1, "done", "cancelled")),
            ("POST", f"/jobs/{waits[0]}/retry", None, 200, ("retry", "mail", waits[0], 1, "done", "pending")),
            ("POST", f"/jobs/{waits[0]}/promote", None, 409, ("promote", "mail", waits[0], 0, "refused", None)),
            ("POST", f"/jobs/{NO_ID}/cancel", None, 404, ("cancel", None, NO_ID, 0, "refused", None)),
            ("PATCH", f"/jobs/{waits[1]}", {"runAt": "2099-01-02T03:04:05.006Z", "priority": 7}, 200,
             ("change", "mail", waits[1], 1, "done", "runAt 2099-01-02T03:04:05.006Z, priority 7")),
            ("PATCH", f"/jobs/{waits[1]}", {"delayMs": 3_600_000, "priority": 0}, 200, ("change", "mail", waits[1], 1, "done", "delayMs 3600000, priority 0")),
            ("DELETE", f"/jobs/{waits[0]}", None, 204, ("delete", "mail", waits[0], 1, "done", None)),
            ("POST", "/queues/mail/pause", {"reason": "a look at it"}, 200, ("pause", "mail", None, 1, "done", "a look at it")),
            ("POST", "/queues/mail/resume", None, 200, ("resume", "mail", None, 1, "done", None)),
            ("POST", "/queues/nowhere/pause", {}, 404, ("pause", "nowhere", None, 0, "refused", None)),
            ("PUT", "/queues/mail", {"maxConcurrency": 5, "searchable": ["user.id"], "defaults": {"maxAttempts": 9}}, 200,
             ("put-queue", "mail", None, 1, "done", "maxConcurrency, searchable, maxAttempts")),
            ("PUT", "/queues/web", {"push": push, "callback": callback}, 200,
             ("put-queue", "web", None, 1, "done", "push http://hooks.example.com/in, callback http://hooks.example.com/end")),
            ("PUT", "/queues/web", {"push": None}, 200, ("put-queue", "web", None, 1, "done", "push none")),
            ("DELETE", "/queues/web", None, 200, ("delete-queue", "web", None, 0, "done", None)),
            ("POST", "/queues/mail/dlq/replay", {"jobIds": dead[:1]}, 200, ("retry", "mail", dead[0], 1, "done", "pending")),
            ("POST", "/queues/mail/dlq/purge", {"jobIds": dead[1:2]}, 200, ("delete", "mail", dead[1], 1, "done", None)),
            ("PUT", "/schedules/s", schedule, 200, ("put-schedule", "mail", "s", 1, "done", None)),
            ("POST", "/schedules/s/pause", None, 200, ("pause-schedule", None, "s", 1, "done", None)),
            ("POST", "/schedules/s/resume", None, 200, ("resume-schedule", None, "s", 1, "done", None)),
            ("DELETE", "/schedules/s", None, 200, ("delete-schedule", None, "s", 1, "done", None)),
            ("PUT", "/limits/openai", {"concurrency": 3}, 200, ("put-limit", None, "openai", 1, "done", None)),
            ("POST", "/limits/openai/resume", None, 200, ("resume-limit", None, "openai", 1, "done", None)),
            ("DELETE", "/limits/openai", None, 200, ("delete-limit", None, "openai", 1, "done", None)),
            ("PUT", "/triggers/t", {"event": "e", "queue": "mail"}, 200, ("put-trigger", None, "t", 1, "done", None)),
            ("DELETE", "/triggers/t", None, 200, ("delete-trigger", None, "t", 1, "done", None)),
            ("POST", f"/workflows/{workflow}/cancel", None, 200, ("cancel-workflow", None, workflow, 1, "done", None)),
            ("POST", f"/workflows/{workflow}/retry", None, 200, ("retry-workflow", None, workflow, 1, "done", None)),
        ]
        seen = 0
        for method, path, body, status, wanted in ledger:
            broker.call(method, path, body, expect=status, headers=ANNA)
            entries = self.entries(broker)
            self.assertEqual(len(entries), seen + 1, path)
            seen += 1
            entry = entries[0]
            said = tuple(entry[key] for key in ("action", "queue", "target", "count", "outcome", "detail"))
            if wanted[4] == "refused":  # the reason is the one of the answer
                self.assertTrue(entry["detail"], path)
                said = (*said[:5], None)
            self.assertEqual(said, wanted, path)
            self.assertEqual((entry["actor"], entry["address"]), ("anna", "127.0.0.1"))
        self.assertNotIn(SECRET, json.dumps(self.entries(broker)))
        self.assertNotIn("c2VjcmV0", json.dumps(self.entries(broker)))

        # What goes on in the broker is told when it begins and when it ends, with how many it changed.
        purged = broker.call("POST", "/queues/mail/dlq/purge", {"errorType": "no", "all": True}, expect=200, headers=ANNA).json["operationId"]
        drained = broker.call("POST", "/queues/mail/drain", None, expect=200, headers=ANNA).json["operationId"]
        self.assertEqual(
            [(e["action"], e["target"], e["count"], e["outcome"], e["detail"]) for e in self.entries(broker)[:4]],
            [("drain", drained, 3, "done", None), ("drain", drained, 0, "started", None),
             ("purge", purged, 2, "done", "error type no"), ("purge", purged, 0, "started", "error type no")])
        everything = self.entries(broker)
        broker.kill()
        broker.start()
        self.assertEqual(self.entries(broker), everything)
        self.assertEqual([e["at"] for e in everything], sorted((e["at"] for e in everything), reverse=True))
        broker.terminate()
        self.assert_store_is_sound(broker.data)

    def test_bulk_operations_are_told_with_their_actor_through_a_kill(self):
        broker = self.broker()
        for action, status, detail in (("cancel", "delayed", "status delayed, tag t"), ("retry", "cancelled", "status cancelled, tag t"),
                                       ("delete", "pending", "status pending, tag t")):
            if action == "cancel":
                for _ in range(30):
                    broker.submit("q", delayMs=3_600_000, tags=["t"])
            bulk = broker.call("POST", "/bulk", {"filter": {"queue": "q", "status": status, "tag": "t"}, "action": action},
                               expect=202, headers=ANNA).json["bulkId"]
            self.ended(broker, bulk)
            end, begin = self.entries(broker, f"&action=bulk-{action}")
            for entry, count, outcome in ((begin, 0, "started"), (end, 30, "done")):
                self.assertEqual((entry["actor"], entry["queue"], entry["target"], entry["count"], entry["outcome"], entry["detail"]),
                                 ("anna", "q", bulk, count, outcome, detail), action)
        self.assertEqual(len(self.entries(broker)), 6, "not one for each job")
        for _ in range(40):
            broker.submit("q", delayMs=3_600_000)
        bulk = broker.call("POST", "/bulk", {"filter": {"queue": "q"}, "action": "promote", "perSecond": 20}, expect=202,
                           headers=ANNA).json["bulkId"]
        eventually(lambda: broker.call("GET", f"/bulk/{bulk}").json["done"] > 0, 30, "progress")
        broker.kill()
        broker.start()
        self.ended(broker, bulk)
        end, begin = self.entries(broker, "&action=bulk-promote")
        self.assertEqual([(e["actor"], e["address"], e["target"], e["count"], e["outcome"]) for e in (begin, end)],
                         [("anna", "127.0.0.1", bulk, 0, "started"), ("anna", "127.0.0.1", bulk, 40, "done")])
        # One that somebody else ends carries that name.
        for _ in range(40):
            broker.submit("r", delayMs=3_600_000)
        bulk = broker.call("POST", "/bulk", {"filter": {"queue": "r"}, "action": "promote", "perSecond": 1}, expect=202,
                           headers=ANNA).json["bulkId"]
        broker.call("POST", f"/bulk/{bulk}/cancel", expect=200, headers={"X-Pawl-Actor": "ben"})
        end, begin = self.entries(broker, "&queue=r")
        self.assertEqual([(e["actor"], e["outcome"]) for e in (begin, end)], [("anna", "started"), ("ben", "cancelled")])

    def test_filters_pages_and_the_command_line(self):
        broker = self.broker(token="a-token-for-this-test-0123456789")
        for number in range(7):
            broker.call("PUT", f"/queues/q{number % 2}", {"maxConcurrency": number + 1}, expect=200,
                        headers={"X-Pawl-Actor": f"who{number % 3}"})
        broker.call("POST", "/queues/q0/pause", {}, expect=200)
        everything = self.entries(broker)
        self.assertEqual(len(everything), 8)
        self.assertEqual(everything[0]["actor"], "token", "nobody said who")
        for query, wanted in (("&queue=q1", lambda e: e["queue"] == "q1"), ("&actor=who2", lambda e: e["actor"] == "who2"),
                              ("&action=pause", lambda e: e["action"] == "pause"),
                              (f"&from={everything[3]['at']}", lambda e: e["at"] >= everything[3]["at"]),
                              (f"&to={everything[3]['at']}", lambda e: e["at"] < everything[3]["at"])):
            self.assertEqual(self.entries(broker, query), [entry for entry in everything if wanted(entry)], query)
        paged, cursor = [], ""
        while cursor is not None:
            page = broker.call("GET", f"/audit?limit=3{cursor}", expect=200).json
            paged += page["entries"]
            cursor = f"&cursor={page['nextCursor']}" if page["nextCursor"] else None
        self.assertEqual(paged, everything)
        broker.call("GET", "/audit?cursor=nonsense", expect=422)

        def pawl(*arguments):
            done = subprocess.run([str(harness.BIN / "pawl"), "--url", broker.url, *arguments], capture_output=True, text=True, timeout=30,
                                  env={"PAWL_TOKEN": broker.token, "PATH": "/usr/bin:/bin"})
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        pawl("--actor", "carla", "resume", "q0")
        table = pawl("audit", "--actor", "carla")
        self.assertRegex(table, r"carla +127\.0\.0\.1 +resume +q0 +- +1 +done")
        self.assertEqual(json.loads(pawl("audit", "--queue", "q1", "--json"))["entries"], self.entries(broker, "&queue=q1"))


class PageTest(harness.BrokerTest):
    def test_the_page(self):
        said = examples.run_shell(self.folder, BROKER + "\n".join(examples.blocks("docs/HISTORY.md", "sh")))
        self.assertRegex(said, r"anna +127\.0\.0\.1 +resume +mails")


if __name__ == "__main__":
    sys.exit(harness.main())
