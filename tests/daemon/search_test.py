"""Searching on the real broker: every qualifier finds what the submitter knows, before the index is built, with it, after changes and a SIGKILL."""
import collections
import sys
import time
import urllib.parse

import examples
import harness
from harness import eventually

SOME, MANY = 1200, 120_000
BROKER = """
export PATH="$PWD/build/release/bin:$PATH"
pawld --data ./pawl-data &
until curl -fs localhost:7711/readyz; do sleep 0.1; done
"""


def path(**query):
    return "/jobs?" + urllib.parse.urlencode({name.replace("__", "."): value for name, value in query.items()})


def pages(broker, most=200, **query):
    """Every page, as a client reads them."""
    cursor = {}
    for _ in range(most):
        page = broker.call("GET", path(**query, **cursor), expect=200).json
        yield page
        if page["nextCursor"] is None:
            return
        cursor = {"cursor": page["nextCursor"]}
    raise AssertionError(f"{query}: a list that does not end")


def built(broker):
    def look():
        return broker.call("GET", "/search/suggest?field=name", expect=200).json["complete"]
    eventually(look, 60, "the index")


class SearchTest(harness.BrokerTest):
    """One broker with jobs of every kind; `jobs` says of each what it must be."""

    def setUp(self):
        super().setUp()
        self.one = self.broker()
        self.one.call("PUT", "/queues/mail", {"searchable": ["user.id", "plan"]}, expect=200)
        self.jobs = {}
        self.middle = None
        for first in (0, SOME // 2):
            self.submit(range(first, first + SOME // 2))
            time.sleep(0.02)  # so that a moment lies between the halves
            if self.middle is None:
                self.middle = max(job["createdAt"] for page in pages(self.one, limit=1000) for job in page["jobs"])
        self.work()

    def submit(self, numbers):
        jobs = [{"queue": "mail" if i % 3 else "video", "name": f"n{i % 4}", "tags": [f"t{i % 7}", f"u{i % 300}"], "maxAttempts": 2,
                 "payload": {"user": {"id": i % 50}, "plan": "pro" if i % 10 == 0 else "free", "note": f"note-{i}-end"},
                 **({"group": f"g{i % 5}"} if i % 2 else {}), **({"delayMs": 3_600_000} if i % 6 == 0 else {})} for i in numbers]
        answer = self.one.call("POST", "/jobs/batch", {"jobs": jobs}, expect=202).json
        for i, job, told in zip(numbers, jobs, answer["jobs"]):
            self.jobs[told["jobId"]] = job | {"status": told["status"], "half": i >= SOME // 2, "error": None, "message": "",
                                              "worker": None, "attempts": 0}

    def settle(self, job, status, call=None, **more):
        known = self.jobs[job["jobId"]]
        known |= {"status": status, "attempts": known["attempts"] + (call is not None)}  # that under way does not count
        if "error" in more:
            known |= {"error": more["error"]["type"], "message": more["error"]["message"]}
        if call:
            self.one.call("POST", f"/jobs/{job['jobId']}/{call}", {"leaseId": job["leaseId"], **more}, expect=200)

    def work(self):
        for turn, queue in enumerate(("mail", "video", "mail")):
            for number, job in enumerate(self.one.lease(queue, worker=f"w{turn}", max_jobs=40)):
                self.jobs[job["jobId"]]["worker"] = f"w{turn}"
                error = {"type": f"e{number % 3}", "message": f"it went {number} ways wrong"}
                match number % 4:
                    case 0:
                        self.settle(job, "active")
                    case 1:
                        self.settle(job, "completed", "complete")
                    case 2:
                        self.settle(job, "failed", "fail", error=error, permanent=True)
                    case _:
                        self.settle(job, "delayed", "fail", error=error, retryDelayMs=3_600_000)
        again = next(job for job, known in self.jobs.items() if known["status"] == "delayed" and known["error"])
        self.one.call("POST", f"/jobs/{again}/promote", expect=200)
        for job in self.one.lease(self.jobs[again]["queue"], worker="w9", max_jobs=1000):
            # The group of one job may come later in the turn; all that were free are leased, and given back.
            if job["jobId"] == again:
                self.jobs[again]["worker"] = "w9"
                self.settle(job, "failed", "fail", error={"type": "e9", "message": "twice"}, permanent=True)
            else:
                self.one.call("POST", f"/jobs/{job['jobId']}/release", {"leaseId": job["leaseId"]}, expect=200)
                self.jobs[job["jobId"]]["worker"] = "w9"
        self.again = again

    def expect(self, query, wanted, least=1):
        """The query finds those of which `wanted` is true: with and without an index, forwards and backwards, in pages."""
        right = sorted(job for job, known in self.jobs.items() if wanted(job, known))
        self.assertGreaterEqual(len(right), least, query)
        self.assertLess(len(right), len(self.jobs), query)
        for when in ("at first", "with the index"):
            for order, limit in (("newest", 50), ("oldest", 31)):
                found = [job["jobId"] for page in pages(self.one, **query, order=order, limit=limit) for job in page["jobs"]]
                self.assertEqual(sorted(found), right, f"{query} {when}, {order}")
                self.assertEqual(found, sorted(found, reverse=order == "newest"), f"{query}: not in order")
            built(self.one)

    def refused(self, code, /, **query):
        return self.one.call("GET", path(**query), expect=code).json

    def test_state(self):
        states = collections.Counter(known["status"] for known in self.jobs.values())
        self.assertEqual(sorted(states), ["active", "completed", "delayed", "failed", "pending"])
        for state in states:
            self.expect({"status": state}, lambda _, known: known["status"] == state)
        self.expect({"status": "failed,active"}, lambda _, known: known["status"] in ("failed", "active"))
        self.refused(422, status="lost")

    def test_queue(self):
        for queue in ("mail", "video"):
            self.expect({"queue": queue}, lambda _, known: known["queue"] == queue)
        self.refused(404, queue="nowhere")

    def test_name(self):
        self.expect({"name": "n2"}, lambda _, known: known["name"] == "n2")

    def test_id(self):
        self.expect({"id": self.again}, lambda job, _: job == self.again)
        for digits in (13, 20, 35):
            self.expect({"id": self.again[:digits]}, lambda job, _: job.startswith(self.again[:digits]))
        self.expect({"id": self.again.upper()}, lambda job, _: job == self.again)
        self.refused(422, id="no-id")

    def test_tag(self):
        self.expect({"tag": "t3"}, lambda _, known: "t3" in known["tags"])
        self.expect({"tag": "u7"}, lambda _, known: "u7" in known["tags"])

    def test_group(self):
        self.expect({"group": "g3"}, lambda _, known: known.get("group") == "g3")

    def test_error(self):
        for kind in ("e0", "e1", "e9"):
            self.expect({"errorType": kind}, lambda _, known: known["error"] == kind)

    def test_worker(self):
        for worker in ("w0", "w1", "w9"):
            self.expect({"worker": worker}, lambda _, known: known["worker"] == worker)
        self.expect({"worker": "w2", "status": "active"}, lambda _, known: known["worker"] == "w2" and known["status"] == "active")

    def test_created(self):
        self.expect({"createdBefore": self.middle.replace("Z", "") + "Z", "createdAfter": "2020-01-01T00:00:00Z"},
                    lambda job, _: self.one.job(job)["createdAt"] < self.middle, least=0)
        after = min(self.one.job(job)["createdAt"] for job, known in self.jobs.items() if known["half"])
        self.assertGreater(after, self.middle)
        self.expect({"createdAfter": after}, lambda _, known: known["half"])
        self.expect({"createdBefore": after}, lambda _, known: not known["half"])
        self.refused(422, createdAfter="yesterday")

    def test_attempts(self):
        self.expect({"attemptsMin": 1}, lambda _, known: known["attempts"] >= 1)
        self.expect({"attemptsMin": 2}, lambda job, _: job == self.again)
        self.expect({"attemptsMax": 0}, lambda _, known: known["attempts"] == 0)
        self.expect({"attemptsMin": 1, "attemptsMax": 1}, lambda _, known: known["attempts"] == 1)

    def test_payload_paths_that_the_queue_declares(self):
        self.expect({"queue": "mail", "payload__user.id": 17}, lambda _, known: known["queue"] == "mail" and known["payload"]["user"]["id"] == 17)
        self.expect({"queue": "mail", "payload__plan": "pro", "payload__user.id": 10},
                    lambda _, known: known["queue"] == "mail" and known["payload"]["plan"] == "pro" and known["payload"]["user"]["id"] == 10)
        self.refused(422, payload__plan="pro")
        self.refused(422, queue="video", payload__plan="pro")
        # Declared later, it finds what was submitted before.
        self.one.call("PUT", "/queues/video", {"searchable": ["note"]}, expect=200)
        self.expect({"queue": "video", "payload__note": "note-33-end"}, lambda _, known: known["payload"]["note"] == "note-33-end")
        self.one.call("PUT", "/queues/video", {"searchable": None}, expect=200)
        self.refused(422, queue="video", payload__note="note-33-end")
        for paths in (["a..b"], [""], ["a", "a"], ["a"] * 9, ["x" * 200]):
            self.one.call("PUT", "/queues/video", {"searchable": paths}, expect=422)

    def test_text(self):
        self.expect({"q": "note-77-end"}, lambda _, known: known["payload"]["note"] == "note-77-end")
        self.expect({"q": "it went 6 ways"}, lambda _, known: "it went 6 ways" in known["message"])
        self.expect({"q": "e9"}, lambda job, _: job == self.again)
        self.refused(422, q="")

    def test_several_at_once(self):
        self.expect({"queue": "mail", "name": "n2", "tag": "t3", "status": "pending"},
                    lambda _, known: (known["queue"], known["name"], known["status"]) == ("mail", "n2", "pending") and "t3" in known["tags"])
        page = next(pages(self.one, tag="never", limit=50))
        self.assertEqual((page["jobs"], page["nextCursor"], page["scanned"], page["of"]), ([], None, SOME, SOME))
        cursor = next(pages(self.one, name="n1", limit=5))["nextCursor"]
        self.refused(422, name="n2", limit=5, cursor=cursor)

    def test_completion(self):
        built(self.one)
        for field, prefix, wanted in (("queue", "", ["mail", "video"]), ("name", "n", ["n0", "n1", "n2", "n3"]),
                                      ("tag", "t", [f"t{i}" for i in range(7)]), ("tag", "u29", sorted([f"u29{i}" for i in range(10)] + ["u29"])),
                                      ("group", "g", [f"g{i}" for i in range(5)]), ("errorType", "e", ["e0", "e1", "e2", "e9"]),
                                      ("worker", "w", ["w0", "w1", "w2", "w9"]), ("name", "zzz", [])):
            found = self.one.call("GET", f"/search/suggest?field={field}&prefix={prefix}", expect=200).json
            self.assertEqual(found, {"values": wanted, "complete": True}, field)
        self.assertEqual(len(self.one.call("GET", "/search/suggest?field=tag&limit=3", expect=200).json["values"]), 3)
        # What comes later is known at once.
        self.one.submit("video", name="brand-new")
        self.assertEqual(self.one.call("GET", "/search/suggest?field=name&prefix=b", expect=200).json["values"], ["brand-new"])
        self.one.call("GET", "/search/suggest?field=colour", expect=422)

    def test_changes_and_a_kill(self):
        built(self.one)
        chosen = [job for job, known in self.jobs.items() if known["status"] == "pending"][:20]
        for job in chosen:
            self.one.call("POST", f"/jobs/{job}/cancel", expect=200)
            self.jobs[job]["status"] = "cancelled"
        self.submit(range(SOME, SOME + 200))
        for kill in (False, True):
            if kill:
                self.one.kill()
                self.one.start()
            self.expect({"status": "cancelled", "tag": "t3"}, lambda _, known: known["status"] == "cancelled" and "t3" in known["tags"])
            self.expect({"tag": "u7"}, lambda _, known: "u7" in known["tags"])
            self.expect({"worker": "w0"}, lambda _, known: known["worker"] == "w0")
            self.expect({"queue": "mail", "payload__user.id": 17},
                        lambda _, known: known["queue"] == "mail" and known["payload"]["user"]["id"] == 17)


class PageTest(harness.BrokerTest):
    def test_the_page(self):
        said = examples.run_shell(self.folder, BROKER + "\n".join(examples.blocks("docs/SEARCH.md", "sh")))
        self.assertRegex(said, r"mails +welcome")


class BudgetTest(harness.BrokerTest):
    def test_a_scan_stops_at_its_budget_says_how_far_it_came_and_goes_on(self):
        broker = self.broker()
        for first in range(0, MANY, 10_000):
            jobs = [{"queue": "q", "payload": "needle" if i in (5, 60_000) else "hay"} for i in range(first, first + 10_000)]
            broker.call("POST", "/jobs/batch", {"jobs": jobs}, expect=202)
        looks = list(pages(broker, q="needle", limit=50))
        self.assertGreater(len(looks), 2)
        self.assertEqual(sum(len(look["jobs"]) for look in looks), 2)
        self.assertTrue(all(look["of"] == MANY for look in looks))
        scanned = [look["scanned"] for look in looks]
        self.assertEqual(scanned, sorted(set(scanned)), "each look comes further")
        self.assertTrue(0 < scanned[0] <= 60_000, scanned)
        self.assertEqual(scanned[-1], MANY)
        # A name is found from the index: one look, whatever it skips.
        broker.submit("q", name="one")
        built(broker)
        looks = list(pages(broker, name="one", limit=50))
        self.assertEqual([len(look["jobs"]) for look in looks], [1])


if __name__ == "__main__":
    sys.exit(harness.main())
