"""Redaction on the real broker: a secret stands in whatever clients send, no answer that people read has it, workers get it whole"""
import http.client
import http.server
import json
import subprocess
import threading
import urllib.parse

import harness
from harness import eventually

SECRET = "s3cr3t-"
KEYS = "password,user.card.number"


def payload(mark):
    """With four secrets, each in a place of its own kind, and a word to search for."""
    return {"word": f"findme-{mark}", "password": f"{SECRET}{mark}-1", "deep": [{"PassWord": {"inner": f"{SECRET}{mark}-2"}}],
            "user": {"id": 7, "card": {"number": f"{SECRET}{mark}-3"}}}


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the bodies that were posted to it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(payload("pushed")).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class RedactionTest(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.seen = []  # (what was asked, what was answered)
        self.one = self.broker("--redact", KEYS, "--push-allow", "127.0.0.0/8")

    def read(self, method, path, body=None, **more):
        """An answer for people: noted, and looked through at once."""
        answer = self.one.call(method, path, body, **more)
        text = answer.body.decode() + json.dumps(answer.headers)
        self.assertNotIn(SECRET, text, (method, path))
        self.seen.append((method, path, answer.status, text))
        return answer

    def stream(self, path, until, meanwhile=lambda: None):
        """What an event stream says until it says `until`, while `meanwhile` goes on."""
        connection = http.client.HTTPConnection(self.one.url.removeprefix("http://"), timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        answer, text = connection.getresponse(), ""
        self.assertEqual(answer.status, 200)
        meanwhile()
        while until not in text and "keep-alive" not in text:
            text += answer.read1(65536).decode()
        self.assertIn(until, text)
        self.assertNotIn(SECRET, text, path)

    def lease(self, queue):
        return eventually(lambda: next(iter(self.one.lease(queue, wait_ms=200)), None), 20, f"a job of {queue}")

    def fill(self):
        """Everything that can hold a secret; the ids of what was made, by the parameter that names it in a path."""
        one = self.one
        one.call("PUT", "/queues/plain", {"searchable": ["password", "user.id"]}, expect=200)
        first = one.submit("plain", payload=payload("a"))
        job = self.lease("plain")
        self.assertEqual(job["payload"], payload("a"))
        one.call("POST", f"/jobs/{first}/steps/login", {"leaseId": job["leaseId"], "result": payload("step")}, expect=200)
        waits = {"event": "paid", "match": {"user.card.number": f"{SECRET}match"}, "as": "payment"}
        one.call("POST", f"/jobs/{first}/suspend", {"leaseId": job["leaseId"], "waitFor": waits}, expect=200)
        blocked = self.read("GET", f"/jobs/{first}", expect=200).json
        self.assertEqual(blocked["waitsFor"]["match"], {"user.card.number": "[redacted]"})
        self.read("PUT", "/triggers/t", {"event": "paid", "queue": "started", "match": {"user.card.number": f"{SECRET}match"}}, expect=200)
        self.read("PUT", "/triggers/b", {"event": "paid", "queue": "gathered", "batch": {"max": 1, "timeoutMs": 60_000}}, expect=200)
        event = {"password": f"{SECRET}event", "user": {"card": {"number": f"{SECRET}match"}}}
        self.assertEqual(self.read("POST", "/events", {"name": "paid", "data": event}, expect=202).json["resumed"], 1)
        job = self.lease("plain")
        self.assertEqual(job["steps"], {"login": payload("step"), "payment": event})
        self.assertEqual(self.lease("started")["payload"], {"event": "paid", "data": event})
        self.assertEqual(self.lease("gathered")["payload"], {"event": "paid", "events": [event]})
        one.call("POST", f"/jobs/{first}/complete", {"leaseId": job["leaseId"], "result": payload("result")}, expect=200)

        dead = one.submit("plain", payload=payload("dead"), maxAttempts=1)
        job = self.lease("plain")
        one.call("POST", f"/jobs/{dead}/fail", {"leaseId": job["leaseId"], "error": {"type": "Broken", "message": "m"}}, expect=200)

        made = self.read("POST", "/workflows", {"name": "w", "jobs": [{"ref": "up", "queue": "graph", "payload": payload("up")},
                                                         {"ref": "down", "queue": "graph", "dependsOn": ["up"]}]}, expect=202).json
        job = self.lease("graph")
        one.call("POST", f"/jobs/{job['jobId']}/complete", {"leaseId": job["leaseId"], "result": payload("parent")}, expect=200)
        job = self.lease("graph")
        self.assertEqual(job["parents"]["up"]["result"], payload("parent"))

        schedule = self.read("PUT", "/schedules/s", {"queue": "timed", "cron": "0 0 1 1 *", "payload": payload("schedule")}, expect=200).json
        self.assertEqual((schedule["redacted"], schedule["payload"]["password"]), (True, "[redacted]"))
        self.read("POST", "/schedules/s/run", expect=202)
        self.assertEqual(self.lease("timed")["payload"], payload("schedule"))
        for verb in ("pause", "resume"):
            self.read("POST", f"/schedules/s/{verb}", expect=200)

        self.one.call("PUT", "/limits/l", {"concurrency": 5}, expect=200)
        bulk = self.read("POST", "/bulk", {"action": "retry", "filter": {"queue": "timed", "tag": "none"}}, expect=202).json["bulkId"]
        self.push_and_call_back()
        return {"jobId": [first, dead, job["jobId"]] + [item["jobId"] for item in made["jobs"]], "queue": ["plain", "graph", "pushed", "pawl.callbacks"],
                "scheduleId": ["s"], "triggerId": ["t", "b"], "workflowId": [made["workflowId"]], "limit": ["l"], "operationId": [bulk]}

    def push_and_call_back(self):
        receiver = Receiver()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        url = f"http://127.0.0.1:{receiver.server_address[1]}"
        self.one.call("PUT", "/queues/pushed", {"push": {"url": url + "/push"}}, expect=200)
        pushed = self.one.submit("pushed", payload=payload("push"), callback={"url": url + "/ended", "on": ["completed"]})
        eventually(lambda: len(receiver.bodies) == 2, 20, "the push and its callback")
        self.assertIn(json.dumps(payload("push"), separators=(",", ":")), [body.decode() for body in receiver.bodies] + [
            json.dumps(json.loads(body), separators=(",", ":")) for body in receiver.bodies])
        (ended,) = [json.loads(body) for body in receiver.bodies if b"pawl.job.completed" in body]
        self.assertEqual(ended["data"]["result"], payload("pushed"))
        record = self.read("GET", f"/jobs/{pushed}?waitMs=20000", expect=200).json
        self.assertEqual((record["status"], record["result"]["user"]["card"]["number"], record["redacted"]), ("completed", "[redacted]", True))

    def live_one(self):
        """A job that runs while somebody listens."""
        job_id = self.one.submit("plain", payload=payload("live"))
        held = {"leaseId": self.lease("plain")["leaseId"]}
        self.one.call("POST", f"/jobs/{job_id}/heartbeat", held | {"progress": 50, "message": "half"}, expect=200)
        self.one.call("POST", f"/jobs/{job_id}/complete", held | {"result": payload("live-result")}, expect=200)

    def paths(self, ids):
        """Every path that the document has for GET, with each id that it can take; one that it cannot fill fails the test."""
        document = self.one.call("GET", "/openapi.json", expect=200).json
        for path, item in document["paths"].items():
            if "get" not in item or path in ("/worker", "/events", "/jobs/{jobId}/events"):
                continue
            name = path[path.index("{") + 1:path.index("}")] if "{" in path else None
            for value in ids[name] if name else [None]:
                yield path.replace(f"{{{name}}}", value) if name else path

    def test_no_reading_answer_has_a_secret_and_every_worker_has_it_whole(self):
        ids = self.fill()
        for path in self.paths(ids):
            query = {"/search/suggest": "?field=tag"}.get(path, "")
            answer = self.read("GET", path + query)
            self.assertEqual(answer.status, 200, path)
        for path in ["/jobs"] + [f"/queues/{queue}/dlq" for queue in ids["queue"]] + [f"/jobs?queue={queue}" for queue in ids["queue"]]:
            for parts in ("payload", "result", "details", "payload,result,details"):
                self.read("GET", f"{path}{'&' if '?' in path else '?'}include={parts}", expect=200)
        for field in ("queue", "name", "group", "tag", "errorType", "worker"):
            for prefix in ("", "s", "s3", SECRET):
                self.read("GET", f"/search/suggest?field={field}&prefix={prefix}", expect=200)
        first = ids["jobId"][0]
        self.stream(f"/jobs/{first}/events", "completed")
        self.stream("/events?queue=plain", '"status":"completed"', self.live_one)
        record = self.read("GET", f"/jobs/{first}", expect=200)
        self.assertTrue(record.json["redacted"])
        self.assertEqual(record.json["payload"], {"word": "findme-a", "password": "[redacted]", "deep": [{"PassWord": "[redacted]"}],
                                                  "user": {"id": 7, "card": {"number": "[redacted]"}}})
        self.assertEqual(record.json["steps"]["payment"]["user"]["card"]["number"], "[redacted]")
        again = self.one.call("GET", f"/jobs/{first}", headers={"If-None-Match": record.headers["ETag"]})
        self.assertEqual(again.status, 304)
        self.assertNotIn("redacted", self.read("GET", f"/jobs/{self.one.submit('clear', payload={'a': 1})}", expect=200).json)
        self.assertGreater(len(self.seen), 60)
        self.assertNotIn(SECRET, self.one.log())

    def test_a_search_does_not_say_what_is_hidden(self):
        self.one.call("PUT", "/queues/plain", {"searchable": ["password"]}, expect=200)
        for mark in ("a", "b"):
            self.one.submit("plain", payload=payload(mark))

        def found(**query):
            jobs = self.read("GET", "/jobs?include=payload&" + urllib.parse.urlencode(query), expect=200).json["jobs"]
            return [job["payload"]["word"] for job in jobs]
        self.assertEqual(found(q="findme-"), ["findme-b", "findme-a"])
        self.assertEqual(found(q='"user":{"id":7') or found(q='"user": {"id": 7'), ["findme-b", "findme-a"])
        for hidden in (SECRET, f"{SECRET}a-1", f"{SECRET}a-2", f"{SECRET}a-3", 'password": "s', 'password":"s', "inner"):
            self.assertEqual(found(q=hidden), [], hidden)
        # Whoever knows the whole value may ask for it.
        self.assertEqual(found(queue="plain", **{"payload.password": f"{SECRET}a-1"}), ["findme-a"])
        self.assertEqual(found(queue="plain", **{"payload.password": f"{SECRET}a"}), [])

    def test_bulk_operations_neither_show_nor_find_what_is_hidden(self):
        job = self.one.submit("bulk", payload=payload("a"))
        filter = {"queue": "bulk", "payload": {"word": "findme-a", "user.card.number": f"{SECRET}a-3"}}
        bulk = self.read("POST", "/bulk", {"filter": filter, "action": "cancel"}, expect=202).json["bulkId"]
        view = eventually(lambda: (seen := self.read("GET", f"/bulk/{bulk}", expect=200).json)["status"] == "done" and seen, 30, "its end")
        self.assertEqual((view["done"], view["filter"]["payload"]), (1, {"word": "findme-a", "user.card.number": "[redacted]"}))
        self.assertEqual(self.one.call("GET", f"/jobs/{job}", expect=200).json["status"], "cancelled")
        for path in "/bulk", "/audit":
            self.read("GET", path, expect=200)
        problem = self.read("POST", "/bulk", {"filter": {"q": "inner"}, "action": "cancel"}, expect=422).json
        self.assertEqual(problem["errors"][0]["pointer"], "/filter/q")

    def test_workers_of_every_kind_and_replays_get_what_was_submitted(self):
        text = '{"password" : "s3cr3t-\\u0041", "n": 1.50}'
        record = self.one.call("POST", "/jobs", f'{{"queue":"exec","maxAttempts":1,"payload":{text}}}', expect=202).json
        out = self.folder / "out"
        worker = subprocess.Popen([str(harness.BIN / "pawl"), "work", "exec", "--exec", f"cat >> {out}; exit 65", "--url", self.one.url],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        dead = lambda times: eventually(lambda: out.exists() and out.read_text().count("n") >= times and
                                        self.one.job(record["jobId"])["status"] == "failed", 20, "the failure")
        dead(1)
        self.read("POST", f"/jobs/{record['jobId']}/retry", expect=200)
        dead(2)
        self.read("POST", "/queues/exec/dlq/replay", {"jobIds": [record["jobId"]]}, expect=200)
        dead(3)
        self.assertEqual(out.read_text(), text * 3)

    def test_without_keys_all_is_as_it_is_kept(self):
        broker = harness.Broker(self.folder, data=self.folder / "open").start()
        self.addCleanup(self._end, broker)
        job = broker.call("GET", f"/jobs/{broker.submit('q', payload=payload('a'))}", expect=200).json
        self.assertEqual(job["payload"], payload("a"))
        self.assertNotIn("redacted", job)

    def test_keys_come_from_the_environment_and_the_file_too_and_wrong_ones_are_refused(self):
        file = self.folder / "pawl.toml"
        file.write_text('redact = ["password", "a.b"]\n')
        for number, (arguments, environment) in enumerate(((("--config", str(file)), {}), ((), {"PAWL_REDACT": "password, a.b"}))):
            broker = harness.Broker(self.folder, *arguments, environment=environment, data=self.folder / f"data-{number}").start()
            self.addCleanup(self._end, broker)
            job = broker.call("GET", f"/jobs/{broker.submit('q', payload={'password': 1, 'a': {'b': 2}, 'b': 3})}", expect=200).json
            self.assertEqual(job["payload"], {"password": "[redacted]", "a": {"b": "[redacted]"}, "b": 3})
        for bad in ("a..b", ".a", "a."):
            status, said = harness.refused_start(self.folder, "--data", str(self.folder / "none"), "--redact", bad)
            self.assertEqual(status, 2, said)
            self.assertIn("redact: ", said)
            self.assertIn(f'{bad}\\" must be the name of a member', said)
        self.assertFalse((self.folder / "none").exists())


if __name__ == "__main__":
    harness.main()
