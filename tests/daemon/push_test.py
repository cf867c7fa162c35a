"""Push queues on the real broker, against a real HTTP server that misbehaves"""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

import harness

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Receiver(http.server.ThreadingHTTPServer):
    """Answers each path as its name says, and remembers what came."""
    daemon_threads = True

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.came = threading.Lock(), []
        self.under_way, self.most_at_once = 0, 0
        self.mended = False
        self.refuse_until = 0
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.server_port}{path}"

    def of(self, path):
        with self.lock:
            return [request for request in self.came if request["path"] == path]

    def handle_error(self, request, client_address):
        pass  # clients that go away are what is tested


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with server.lock:
            server.came.append({"path": self.path, "headers": dict(self.headers), "body": body, "at": time.time()})
            server.under_way += 1
            server.most_at_once = max(server.most_at_once, server.under_way)
            count = sum(1 for request in server.came if request["path"] == self.path)
        self.answered = False
        try:
            self.behave(self.path.partition("?")[0].strip("/"), count, body)
        finally:
            self.no_longer_under_way()

    def no_longer_under_way(self):
        """Once; before the answer leaves, since the next request may be here before this thread goes on."""
        with self.server.lock:
            self.server.under_way -= not self.answered
            self.answered = True

    def behave(self, name, count, body):
        if name == "ok":
            self.answer(200, b'{"n": 7}', "application/json")
        elif name == "flaky":
            self.answer(500 if count < 3 else 204, b"try again" if count < 3 else b"")
        elif name == "broken":
            self.answer(204 if self.server.mended else 500 if count < 4 else 410)
        elif name == "gone":
            self.answer(410, b"no such thing")
        elif name == "busy":
            if count == 1:
                self.answer(429, b"", headers={"Retry-After": "1"})
            else:
                self.answer(200)
        elif name == "slow":
            time.sleep(0.05)
            self.answer(200)
        elif name == "asleep":
            time.sleep(3)
            self.answer(200)
        elif name == "closes":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif name == "huge":
            self.answer(200, b"x" * (2 << 20))
        elif name == "endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100)
            time.sleep(3)
        elif name == "sends-on":
            self.answer(307, b"", headers={"Location": "/ok"})
        elif name == "round":
            self.answer(307, b"", headers={"Location": "/round"})
        elif name == "inward":
            self.answer(307, b"", headers={"Location": f"http://127.0.0.2:{self.server.server_port}/ok"})
        elif name == "hints":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
            self.answer(200, b'{"n": 8}', "application/json")
        elif name == "with-a-url":
            self.answer(307, b"", headers={"Location": "ok?next=https://10.0.0.1/x"})
        elif name == "works":
            self.answer(200, self.server.work(body, count), "application/json")
        elif name == "elsewhere":
            self.answer(307, b"", headers={"Location": self.server.other.url("/ok")})
        elif name == "moved":
            self.answer(302, b"", headers={"Location": "/ok"})
        else:
            self.answer(404)

    def answer(self, status, body=b"", content_type="text/plain", headers=None):
        self.no_longer_under_way()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": content_type, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class PushTest(harness.BrokerTest):
    def allowing(self, *entries, **more):
        return self.broker(environment={"PAWL_PUSH_ALLOW": ",".join(entries), **more})

    def receiver(self, **more):
        receiver = Receiver(**more)
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        return receiver

    def put(self, broker, queue, url, expect=200, **push):
        body = {"push": {"url": url, **push}, "defaults": {"maxAttempts": 3, "backoff": {"type": "fixed", "delayMs": 20, "jitter": 0}}}
        return broker.call("PUT", f"/queues/{queue}", body, expect=expect).json

    def ended(self, broker, job_id, timeout=20):
        harness.eventually(lambda: broker.job(job_id)["status"] in ("completed", "failed", "cancelled"), timeout=timeout, what="the end of the job")
        return broker.job(job_id)

    def outcome(self, broker, receiver, path, host="127.0.0.1", **push):
        """One job to that path: its record at the end, and the requests that came."""
        queue = path.strip("/") + "-" + host.replace(".", "-")
        self.put(broker, queue, receiver.url(path, host), **push)
        job = self.ended(broker, broker.submit(queue, payload={"to": "a"}))
        return job, receiver.of(path)

    def test_a_job_is_posted_signed_and_completed_by_the_answer(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        shown = self.put(broker, "hooks", receiver.url("/ok"), secret=SECRET, headers={"X-Team": "blue"}, timeoutMs=5000)
        self.assertEqual(shown["settings"]["push"], {"url": receiver.url("/ok"), "headers": ["X-Team"], "timeoutMs": 5000, "maxConcurrency": 10,
                                                     "signed": True, "permanentOn": [], "body": "payload"})
        self.assertNotIn("blue", json.dumps(shown))
        job_id = broker.submit("hooks", name="greet", payload={"to": "a@b", "z": 1.0}, traceparent=trace)
        job = self.ended(broker, job_id)
        self.assertEqual((job["status"], job["result"], job["attemptsMade"], job["workerId"]), ("completed", {"n": 7}, 1, "push:hooks"))
        (came,) = receiver.of("/ok")
        headers = {name.lower(): value for name, value in came["headers"].items()}
        self.assertEqual(json.loads(came["body"]), {"to": "a@b", "z": 1.0})
        for name, value in {"content-type": "application/json", "webhook-id": job_id, "x-team": "blue", "traceparent": trace,
                            "pawl-queue": "hooks", "pawl-name": "greet", "pawl-attempt": "1"}.items():
            self.assertEqual(headers[name], value)
        self.assertAlmostEqual(int(headers["webhook-timestamp"]), time.time(), delta=30)
        signed = f"{job_id}.{headers['webhook-timestamp']}.".encode() + came["body"]
        digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        self.assertEqual(headers["webhook-signature"], "v1," + base64.b64encode(digest).decode())
        metrics = broker.call("GET", "/metrics").body.decode()
        self.assertIn('pawl_push_requests_total{outcome="completed"} 1', metrics)

    def test_a_server_that_misbehaves(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        cases = {
            "/flaky": ("completed", None, 3, {"timeoutMs": 5000}),
            "/gone": ("failed", "http-410", 1, {"permanentOn": [410]}),
            "/missing": ("failed", "http-404", 3, {}),
            "/asleep": ("failed", "timeout", 3, {"timeoutMs": 1000}),
            "/endless": ("failed", "timeout", 3, {"timeoutMs": 1000}),
            "/closes": ("failed", "connection-closed", 3, {}),
            "/huge": ("failed", "answer-too-large", 3, {}),
            "/sends-on": ("completed", None, 1, {}),
            "/with-a-url": ("completed", None, 1, {}),
            "/inward": ("failed", "refused-address", 3, {}),
            "/moved": ("failed", "http-302", 3, {}),
        }
        for path, (status, error, requests, push) in cases.items():
            with self.subTest(path):
                job, came = self.outcome(broker, receiver, path, **push)
                self.assertEqual(job["status"], status)
                self.assertEqual(len(came), requests)
                self.assertEqual(job["attemptsMade"], requests)
                if error:
                    self.assertEqual(job["errors"][-1]["type"], error, job["errors"][-1])
                self.assertEqual(len({request["headers"]["webhook-id"] for request in came}), 1)
        job, came = self.outcome(broker, receiver, "/round")
        self.assertEqual((job["errors"][-1]["type"], len(came)), ("redirects", 12))  # three attempts with three redirects each

    def test_what_comes_before_the_answer_is_passed_over(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        job, came = self.outcome(broker, receiver, "/hints")
        self.assertEqual((job["status"], job["result"], len(came)), ("completed", {"n": 8}, 1))

    def test_another_host_is_told_what_is_the_brokers_own_and_no_more(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        receiver.other = self.receiver()
        job, _ = self.outcome(broker, receiver, "/elsewhere", headers={"X-Team": "blue"}, secret=SECRET)
        self.assertEqual(job["status"], "completed")
        (first,), (came,) = receiver.of("/elsewhere"), receiver.other.of("/ok")
        self.assertEqual(first["headers"]["X-Team"], "blue")
        self.assertNotIn("X-Team", came["headers"])
        self.assertEqual(came["headers"]["webhook-signature"], first["headers"]["webhook-signature"])
        broker.submit("told", callback={"url": receiver.url("/elsewhere")})
        (leased,) = broker.lease("told")
        broker.call("POST", f"/jobs/{leased['jobId']}/complete", {"leaseId": leased["leaseId"]}, expect=200)
        harness.eventually(lambda: len(receiver.other.of("/ok")) == 2, timeout=20, what="the callback")
        self.assertEqual(receiver.other.of("/ok")[1]["headers"]["Content-Type"], "application/cloudevents+json")

    def test_why_and_a_refused_delete_name_the_push(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        self.put(broker, "q", receiver.url("/asleep"), maxConcurrency=1)
        first = broker.submit("q")
        harness.eventually(lambda: broker.job(first)["status"] == "active", what="the first")
        why = broker.call("GET", f"/jobs/{broker.submit('q')}/why", expect=200).json
        self.assertEqual((why["reason"], why["limit"]), ("workers-busy", 1))
        self.put(broker, "idle", receiver.url("/ok"))
        harness.eventually(lambda: broker.call("GET", "/queues/idle").json["workers"] == 1, timeout=10, what="the broker to take it up")
        self.assertIn("set its push to null", broker.call("DELETE", "/queues/idle?force=true", expect=409).json["detail"])
        broker.call("PUT", "/queues/idle", {"push": None}, expect=200)
        harness.eventually(lambda: broker.call("DELETE", "/queues/idle").status == 200, timeout=10, what="the delete")
        broker.terminate()
        closed = self.broker()
        self.assertIn("push.allow", closed.call("GET", f"/jobs/{closed.submit('q')}/why", expect=200).json["sentence"])

    def test_callbacks_are_pushed_by_the_broker_only(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        problem = self.put(broker, "pawl.callbacks", receiver.url("/ok"), expect=422, body="job")
        self.assertEqual(problem["errors"][0]["pointer"], "/push")
        broker.call("PUT", "/queues/pawl.callbacks", {"push": None}, expect=200)

    def test_callbacks_are_not_submitted(self):
        broker = self.allowing("127.0.0.1")
        job = {"queue": "pawl.callbacks"}
        for path, body, pointer in (("/jobs", job, "/queue"), ("/jobs/batch", {"jobs": [job]}, "/jobs/0/queue"),
                                    ("/workflows", {"name": "w", "jobs": [{"ref": "a", **job}]}, "/jobs/0/queue")):
            self.assertEqual(broker.call("POST", path, body, expect=422).json["errors"][0]["pointer"], pointer)

    def test_a_retry_after_uses_no_attempt_and_holds_the_queue(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        job, came = self.outcome(broker, receiver, "/busy")
        self.assertEqual((job["status"], job["attemptsMade"], len(came)), ("completed", 1, 2))
        self.assertGreaterEqual(came[1]["at"] - came[0]["at"], 0.9)

    def test_no_more_requests_at_once_than_the_push_allows(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        self.put(broker, "few", receiver.url("/slow"), maxConcurrency=3)
        ids = [broker.submit("few", payload=n) for n in range(30)]
        for job_id in ids:
            self.assertEqual(self.ended(broker, job_id)["status"], "completed")
        self.assertEqual(receiver.most_at_once, 3)
        self.assertEqual(len(receiver.of("/slow")), 30)

    def test_the_queues_own_concurrency_holds(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        broker.call("PUT", "/queues/few", {"maxConcurrency": 2}, expect=200)
        shown = self.put(broker, "few", receiver.url("/slow"), maxConcurrency=20)
        self.assertEqual((shown["settings"]["maxConcurrency"], shown["settings"]["push"]["maxConcurrency"]), (2, 20))
        broker.call("POST", "/jobs/batch", {"jobs": [{"queue": "few", "payload": n} for n in range(20)]}, expect=202)
        harness.eventually(lambda: broker.call("GET", "/queues/few").json["counts"]["completed"] == 20, what="all jobs")
        self.assertEqual((receiver.most_at_once, len(receiver.of("/slow"))), (2, 20))
        # Without it, it is the push's that counts.
        broker.call("PUT", "/queues/few", {"maxConcurrency": None}, expect=200)
        broker.call("POST", "/jobs/batch", {"jobs": [{"queue": "few", "payload": n} for n in range(40)]}, expect=202)
        harness.eventually(lambda: broker.call("GET", "/queues/few").json["counts"]["completed"] == 60, what="the others")
        self.assertGreater(receiver.most_at_once, 2)
        self.assertLessEqual(receiver.most_at_once, 20)

    def test_the_queues_own_rate_holds(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        most, window_s, slack_s = 6, 1.5, 1.0  # a request comes some time after its start: the next window's may come closer to it
        broker.call("PUT", "/queues/paced", {"rateLimit": {"max": most, "perMs": int(window_s * 1000)}}, expect=200)
        self.put(broker, "paced", receiver.url("/ok"), maxConcurrency=20)
        broker.call("POST", "/jobs/batch", {"jobs": [{"queue": "paced", "payload": n} for n in range(15)]}, expect=202)
        harness.eventually(lambda: broker.call("GET", "/queues/paced").json["counts"]["completed"] == 15, what="all jobs")
        came = sorted(request["at"] for request in receiver.of("/ok"))
        self.assertEqual(sorted(json.loads(request["body"]) for request in receiver.of("/ok")), list(range(15)))
        self.assertLessEqual(harness.fullest_window(came, window_s - slack_s), most)
        self.assertGreaterEqual(came[12] - came[0], 2 * window_s - slack_s)
        jobs = broker.call("GET", "/jobs?queue=paced&include=details", expect=200).json["jobs"]
        starts = sorted(harness.seconds_of(step["at"]) for job in jobs for step in job["history"] if step["status"] == "active")
        self.assertEqual(len(starts), 15)
        self.assertLessEqual(harness.fullest_window(starts, window_s), most)

    def test_only_what_is_allowed_is_reached(self):
        receiver = self.receiver()
        closed = self.broker()
        refused = self.put(closed, "q", receiver.url("/ok"), expect=422)
        self.assertEqual(refused["errors"][0]["pointer"], "/push/url")
        self.assertIn("push.allow", refused["errors"][0]["detail"])
        closed.terminate()
        broker = self.allowing("localhost", "*.example.com")
        for url in (receiver.url("/ok"), "http://10.0.0.1/", "http://169.254.169.254/latest", "http://other.test/", "http://[::1]/"):
            self.assertEqual(self.put(broker, "q", url, expect=422)["errors"][0]["pointer"], "/push/url", url)
        self.put(broker, "q", "http://hooks.example.com/")
        # The name is allowed; what it leads to is not.
        job, came = self.outcome(broker, receiver, "/ok", host="localhost")
        self.assertEqual((job["status"], job["errors"][-1]["type"], came), ("failed", "refused-address", []))
        for wrong in ({"url": "ftp://x"}, {"url": "http://u:p@hooks.example.com/"}, {"headers": {"Host": "x"}}, {"headers": {"A b": "x"}},
                      {"headers": {"X": "a\r\nb: c"}}, {"timeoutMs": -1}, {"maxConcurrency": 0}, {"secret": "short"}, {"permanentOn": [200]}, {"body": "all"}):
            self.put(broker, "q", **{"url": "http://hooks.example.com/", "expect": 422, **wrong})

    def test_a_silent_name_server_holds_up_nothing_else(self):
        receiver = self.receiver()
        broker = self.allowing("*", "127.0.0.0/8", "::1", LD_PRELOAD=os.environ["PAWL_SILENT_NAMES"])
        for number in range(3):
            self.put(broker, f"silent-{number}", f"http://host-{number}.silent.test/", timeoutMs=1000)
        self.put(broker, "kept-waiting", "http://other.silent.test/", timeoutMs=600_000)
        silent = [broker.submit(f"silent-{number}", maxAttempts=2) for number in range(3)]
        waiting = broker.submit("kept-waiting")
        harness.eventually(lambda: all(broker.job(id)["status"] == "active" for id in [*silent, waiting]), what="the lookups")
        job, _ = self.outcome(broker, receiver, "/ok", host="localhost")
        self.assertEqual(job["status"], "completed")
        self.assertEqual(broker.job(waiting)["status"], "active")
        for job_id in silent:
            job = self.ended(broker, job_id)
            self.assertEqual([error["type"] for error in job["errors"]], ["timeout", "timeout"])
            self.assertIn("resolved", job["errors"][0]["message"])
        # Neither a cancel nor the broker's end waits for it.
        broker.call("POST", f"/jobs/{waiting}/cancel", expect=200)
        harness.eventually(lambda: 'pawl_push_requests_total{outcome="abandoned"} 1' in broker.call("GET", "/metrics").body.decode(), what="the request to be given up")
        broker.submit("kept-waiting")
        self.assertEqual(broker.terminate(timeout=20), 0)

    def test_tls_is_verified(self):
        folder = self.folder
        run = lambda *command: subprocess.run(command, cwd=folder, check=True, capture_output=True)
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        (folder / "names").write_text("subjectAltName=DNS:localhost")
        run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / "server.pem", folder / "server.key")
        receiver = self.receiver(tls=tls)
        broker = self.allowing("localhost", "127.0.0.0/8", "::1", PAWL_PUSH_CA_FILE=str(folder / "ca.pem"))
        self.put(broker, "good", receiver.url("/ok", "localhost", "https"))
        self.assertEqual(self.ended(broker, broker.submit("good"))["status"], "completed")
        self.put(broker, "other-name", receiver.url("/ok", "127.0.0.1", "https"))
        self.assertEqual(self.ended(broker, broker.submit("other-name"))["errors"][-1]["type"], "tls")
        broker.terminate()
        unknowing = self.broker(environment={"PAWL_PUSH_ALLOW": "localhost,127.0.0.0/8,::1"})
        job = self.ended(unknowing, unknowing.submit("good"))
        self.assertEqual(job["errors"][-1]["type"], "tls")
        self.assertEqual(len(receiver.of("/ok")), 1)

    def test_a_whole_job_tells_what_its_parents_did(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        shown = self.put(broker, "pages", receiver.url("/ok"), body="job", secret=SECRET)
        self.assertEqual(shown["settings"]["push"]["body"], "job")
        broker.kill()
        broker.start()
        graph = {"name": "w", "jobs": [{"ref": "scan", "queue": "scans"}, {"ref": "tag", "queue": "scans", "payload": 2},
                                       {"ref": "page", "queue": "pages", "payload": {"n": 1.0}, "dependsOn": ["scan", "tag"]}]}
        made = {job["ref"]: job["jobId"] for job in broker.call("POST", "/workflows", graph, expect=202).json["jobs"]}
        for job in broker.lease("scans", max_jobs=2):
            broker.call("POST", f"/jobs/{job['jobId']}/complete", {"leaseId": job["leaseId"], "result": {"of": job["payload"]}}, expect=200)
        self.assertEqual(self.ended(broker, made["page"])["result"], {"n": 7})
        (came,) = receiver.of("/ok")
        job = json.loads(came["body"])
        self.assertEqual(job["parents"], {"scan": {"jobId": made["scan"], "status": "completed", "result": {"of": None}},
                                          "tag": {"jobId": made["tag"], "status": "completed", "result": {"of": 2}}})
        self.assertEqual((job["jobId"], job["queue"], job["payload"], job["attempt"]), (made["page"], "pages", {"n": 1.0}, 1))
        self.assertIn(b'"payload":{"n": 1.0}', came["body"])
        headers = {name.lower(): value for name, value in came["headers"].items()}
        signed = f"{made['page']}.{headers['webhook-timestamp']}.".encode() + came["body"]
        digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        self.assertEqual(headers["webhook-signature"], "v1," + base64.b64encode(digest).decode())

    def test_a_receiver_works_with_the_lease_of_a_whole_job(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()

        def work(body, count):
            """A step, a sleep, a child; the answer to a request whose lease it gave back does not count."""
            job = json.loads(body)
            call = lambda path, fields: broker.call("POST", f"/jobs/{job['jobId']}/{path}", {"leaseId": job["leaseId"], **fields})
            if count == 1:
                self.assertEqual(call("steps/cut", {"result": [1, 2]}).status, 200)
                self.assertEqual(call("suspend", {"sleepMs": 50, "as": "cool"}).status, 200)
            elif count == 2:
                self.assertEqual(job["steps"], {"cut": [1, 2], "cool": None})
                self.assertEqual(call("children", {"jobs": [{"ref": "half", "queue": "halves"}]}).status, 202)
            return json.dumps({"count": count, "parents": job.get("parents")}).encode()

        receiver.work = work
        self.put(broker, "wholes", receiver.url("/works"), body="job")
        job_id = broker.submit("wholes", maxAttempts=1)
        (half,) = broker.lease("halves", wait_ms=10_000)
        self.assertEqual(broker.job(job_id)["status"], "blocked")
        broker.call("POST", f"/jobs/{half['jobId']}/complete", {"leaseId": half["leaseId"], "result": 5}, expect=200)
        job = self.ended(broker, job_id)
        self.assertEqual((job["status"], job["attemptsMade"], job["result"]["count"], job["errors"]), ("completed", 1, 3, []))
        self.assertEqual(job["result"]["parents"]["half"]["result"], 5)
        self.assertEqual(len(receiver.of("/works")), 3)

    def test_what_was_under_way_is_done_after_a_kill(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        self.put(broker, "q", receiver.url("/slow"), maxConcurrency=5)
        jobs = [{"queue": "q", "payload": n, "leaseMs": 1000} for n in range(200)]
        broker.call("POST", "/jobs/batch", {"jobs": jobs}, expect=202)
        harness.eventually(lambda: len(receiver.of("/slow")) > 20, timeout=20, what="some requests")
        broker.kill()
        broker.start()
        done = lambda: broker.call("GET", "/queues/q").json["counts"]["completed"] == 200
        harness.eventually(done, timeout=40, what="all jobs")
        payloads = collections.Counter(json.loads(request["body"]) for request in receiver.of("/slow"))
        self.assertEqual(sorted(payloads), list(range(200)))
        self.assertLessEqual(sum(payloads.values()), 205)  # five were under way
        broker.kill()
        self.assert_store_is_sound(broker.data)

    def test_each_end_is_told_once_through_kills(self):
        broker, receiver = self.allowing("127.0.0.1", PAWL_PUSH_CALLBACK_SECRET=SECRET), self.receiver()
        broker.call("PUT", "/queues/quiet", {"callback": {"url": receiver.url("/slow"), "on": ["failed"]}}, expect=200)
        own = {"callback": {"url": receiver.url("/slow")}}
        ids = [broker.submit("loud", **own) for _ in range(40)] + [broker.submit("quiet") for _ in range(20)]
        cancelled = broker.submit("loud", delayMs=600_000, **own)
        broker.call("POST", f"/jobs/{cancelled}/cancel", expect=200)
        for queue in ("loud", "quiet"):
            for number, job in enumerate(broker.lease(queue, max_jobs=100)):
                lease = {"leaseId": job["leaseId"]}
                if number % 4 == 0:
                    broker.call("POST", f"/jobs/{job['jobId']}/fail", lease | {"error": {"type": "T", "message": "no"}, "permanent": True}, expect=200)
                else:
                    broker.call("POST", f"/jobs/{job['jobId']}/complete", lease | {"result": number}, expect=200)
        broker.kill()
        broker.start()
        told = lambda: broker.call("GET", "/queues/pawl.callbacks").json["counts"]["completed"] == 46  # 40, 5 of quiet that failed, 1 cancelled
        harness.eventually(told, timeout=60, what="all callbacks")
        events = {}
        for request in receiver.of("/slow"):
            event = json.loads(request["body"])
            self.assertEqual(request["headers"]["Content-Type"], "application/cloudevents+json")
            self.assertTrue(request["headers"]["webhook-signature"].startswith("v1,"))
            events.setdefault(event["id"], event)
        self.assertEqual(len(events), 46)
        self.assertEqual({event["subject"] for event in events.values()} - set(ids), {cancelled})
        types = collections.Counter(event["type"] for event in events.values())
        self.assertEqual(types, {"pawl.job.completed": 30, "pawl.job.failed": 15, "pawl.job.cancelled": 1})
        for event in events.values():
            self.assertEqual((event["specversion"], event["subject"]), ("1.0", event["data"]["jobId"]))
            self.assertEqual(event["data"]["error"], {"type": "T", "message": "no"} if event["type"] == "pawl.job.failed" else None)
        broker.kill()
        self.assert_store_is_sound(broker.data)

    def test_a_callback_that_fails_is_retried_seen_and_replayed(self):
        broker, receiver = self.allowing("127.0.0.1", PAWL_PUSH_CALLBACK_SECRET=SECRET), self.receiver()
        backoff = {"type": "exponential", "delayMs": 300, "factor": 2, "jitter": 0}
        broker.call("PUT", "/queues/pawl.callbacks", {"defaults": {"backoff": backoff}}, expect=200)
        job_id = broker.submit("work", name="report", payload={"secret": 1}, group="tenant-7", tags=["a", "b"], callback={"url": receiver.url("/broken")})
        (lease,) = broker.lease("work")
        error = {"type": "Bounced", "message": "no mailbox ü"}
        broker.call("POST", f"/jobs/{job_id}/fail", {"leaseId": lease["leaseId"], "error": error, "permanent": True}, expect=200)
        callbacks = lambda: broker.call("GET", "/jobs?queue=pawl.callbacks&include=details", expect=200).json["jobs"]
        waits = lambda: [job for job in callbacks() if job["status"] == "delayed" and job["attemptsMade"] >= 1]
        (waiting,) = harness.eventually(waits, what="the callback's wait for a retry")
        self.assertEqual((waiting["name"], waiting["errors"][0]["type"], waiting["target"]), ("pawl.job.failed", "http-500", receiver.url("/broken")))
        dead = self.ended(broker, waiting["jobId"])
        self.assertEqual((dead["status"], dead["attemptsMade"], dead["maxAttempts"]), ("failed", 4, 10))
        self.assertEqual([each["type"] for each in dead["errors"]], ["http-500"] * 3 + ["http-410"])
        self.assertEqual([step["status"] for step in dead["history"]], ["pending", *["active", "delayed", "pending"] * 3, "active", "failed"])
        at = [request["at"] for request in receiver.of("/broken")]
        for wait_s, before, after in zip((0.3, 0.6, 1.2), at[:3], at[1:], strict=True):
            self.assertGreaterEqual(after - before, wait_s - 0.01)
        (letter,) = broker.call("GET", "/queues/pawl.callbacks/dlq", expect=200).json["jobs"]
        self.assertEqual(letter["jobId"], dead["jobId"])
        receiver.mended = True
        replayed = broker.call("POST", "/queues/pawl.callbacks/dlq/replay", {"jobIds": [dead["jobId"]]}, expect=200).json
        self.assertEqual((replayed["replayed"], replayed["skipped"]), (1, 0))
        self.assertEqual(self.ended(broker, dead["jobId"])["status"], "completed")
        self.assertEqual(broker.call("GET", "/queues/pawl.callbacks/dlq", expect=200).json["jobs"], [])
        # The same five times.
        came = receiver.of("/broken")
        self.assertEqual(len(came), 5)
        self.assertEqual({request["headers"]["webhook-id"] for request in came}, {dead["jobId"]})
        self.assertEqual({request["body"] for request in came}, {came[0]["body"]})
        for request in came:
            self.assertEqual(request["headers"]["Content-Type"], "application/cloudevents+json")
            signed = f"{dead['jobId']}.{request['headers']['webhook-timestamp']}.".encode() + request["body"]
            digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
            self.assertEqual(request["headers"]["webhook-signature"], "v1," + base64.b64encode(digest).decode())
        event, job = json.loads(came[0]["body"]), broker.job(job_id)
        data = {"jobId": job_id, "queue": "work", "name": "report", "status": "failed", "attemptsMade": 1, "replays": 0, "createdAt": job["createdAt"],
                "finishedAt": job["finishedAt"], "group": "tenant-7", "tags": ["a", "b"], "result": None, "error": error}
        self.assertTrue(event["id"])
        self.assertEqual(event, {"specversion": "1.0", "id": event["id"], "source": "/queues/work", "type": "pawl.job.failed", "subject": job_id,
                                 "time": job["finishedAt"], "datacontenttype": "application/json", "data": data})
        # The job's next end is another event.
        broker.call("POST", "/queues/work/dlq/replay", {"jobIds": [job_id]}, expect=200)
        (lease,) = broker.lease("work")
        broker.call("POST", f"/jobs/{job_id}/complete", {"leaseId": lease["leaseId"], "result": {"pages": 3}}, expect=200)
        harness.eventually(lambda: len(receiver.of("/broken")) == 6, what="the second end's event")
        other, job = json.loads(receiver.of("/broken")[5]["body"]), broker.job(job_id)
        self.assertNotEqual(other["id"], event["id"])
        data |= {"status": "completed", "attemptsMade": job["attemptsMade"], "replays": 1, "finishedAt": job["finishedAt"], "result": {"pages": 3}, "error": None}
        self.assertEqual(other, event | {"id": other["id"], "type": "pawl.job.completed", "time": job["finishedAt"], "data": data})

    def test_a_callback_that_nobody_takes_has_ten_attempts(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        backoff = {"type": "fixed", "delayMs": 10, "jitter": 0}
        broker.call("PUT", "/queues/pawl.callbacks", {"defaults": {"backoff": backoff, "maxAttempts": 2}}, expect=200)
        job_id = broker.submit("work", callback={"url": receiver.url("/missing"), "on": ["cancelled"]})
        broker.call("POST", f"/jobs/{job_id}/cancel", expect=200)
        (dead,) = harness.eventually(lambda: broker.call("GET", "/queues/pawl.callbacks/dlq?include=details").json["jobs"], what="the dead letter")
        self.assertEqual((dead["attemptsMade"], dead["errors"][-1]["type"], len(receiver.of("/missing"))), (10, "http-404", 10))

    def test_a_queue_that_is_pushed_no_more_waits_for_workers(self):
        broker, receiver = self.allowing("127.0.0.1"), self.receiver()
        self.put(broker, "q", receiver.url("/ok"))
        self.ended(broker, broker.submit("q"))
        broker.call("PUT", "/queues/q", {"push": None}, expect=200)
        harness.eventually(lambda: broker.call("GET", "/queues/q").json["workers"] == 0, timeout=10, what="the pusher to leave")
        broker.submit("q")
        self.assertEqual(len(broker.lease("q")), 1)
        self.assertEqual(len(receiver.of("/ok")), 1)


if __name__ == "__main__":
    sys.exit(harness.main())
