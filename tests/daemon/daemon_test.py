"""Starting, stopping, and refusing to start."""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import harness


class StartTest(harness.BrokerTest):
    def test_without_options_it_serves_on_loopback_from_pawl_data(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")}
        process = subprocess.Popen([str(harness.BIN / "pawld"), "--listen", "127.0.0.1:0"], cwd=self.folder, env=clean,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
        self.assertRegex(line, r"^pawld ready http://127\.0\.0\.1:\d+\n$")
        self.assertEqual((rest, process.returncode), ("", 0), errors)
        self.assertEqual((self.folder / "pawl-data").stat().st_mode & 0o777, 0o700)
        files = [path for path in (self.folder / "pawl-data").rglob("*") if path.is_file()]
        self.assertTrue(files)
        self.assertEqual([path.name for path in files if path.stat().st_mode & 0o077], [])

    def test_help_and_version(self):
        status, _ = harness.refused_start(self.folder, "--help")
        self.assertEqual(status, 0)
        said = subprocess.run([str(harness.BIN / "pawld"), "--version"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(said, r"^pawld \d+\.\d+\.\d+\n$")

    def test_a_vertical_slice_survives_a_restart(self):
        broker = self.broker()
        job = broker.submit("mail", payload={"to": "you"}, name="welcome")
        self.assertEqual(broker.job(job)["status"], "pending")
        [leased] = broker.lease("mail")
        self.assertEqual((leased["jobId"], leased["attempt"], leased["payload"]), (job, 1, {"to": "you"}))
        done = broker.call("POST", f"/jobs/{job}/complete", {"leaseId": leased["leaseId"], "result": [1, 2]}, expect=200)
        self.assertEqual(done.json["status"], "completed")
        waiting = broker.submit("mail", payload="still here")
        self.assertEqual(broker.terminate(), 0)
        broker.start()
        self.assertEqual((broker.job(job)["status"], broker.job(job)["result"]), ("completed", [1, 2]))
        self.assertEqual([leased["jobId"] for leased in broker.lease("mail", max_jobs=10)], [waiting])
        broker.kill()
        self.assert_store_is_sound(broker.data)

    def test_settings_come_from_flag_environment_and_file(self):
        config = self.folder / "pawl.toml"
        config.write_text('[log]\nformat = "json"\nlevel = "debug"\n[engine]\nqueues-max = 1\n')
        broker = self.broker("--config", str(config), environment={"PAWL_LOG_LEVEL": "info"})
        broker.submit("one")
        refused = broker.call("POST", "/jobs", {"queue": "two"})
        self.assertGreaterEqual(refused.status, 400)
        self.assertEqual(broker.terminate(), 0)
        lines = [json.loads(line) for line in broker.log().splitlines()]
        self.assertTrue(lines)
        for line in lines:
            self.assertEqual(sorted(line), ["level", "message", "time"])
            self.assertIn(line["level"], ("info", "warn", "error"))
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_text_logs_are_single_lines_without_escape_codes(self):
        broker = self.broker()
        self.assertEqual(broker.terminate(), 0)
        for line in broker.log().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z (info |warn |error) \S")
            self.assertNotIn("\x1b", line)

    def test_metrics_follow_the_text_format_and_count(self):
        broker = self.broker()
        for _ in range(3):
            broker.submit("mail", name="welcome")
        [leased] = broker.lease("mail")
        broker.call("POST", f"/jobs/{leased['jobId']}/complete", {"leaseId": leased["leaseId"]}, expect=200)
        page = broker.call("GET", "/metrics", expect=200)
        self.assertTrue(page.headers["Content-Type"].startswith("text/plain"))
        text = page.body.decode()
        sample = re.compile(r'^[a-z_]+(\{([a-z]+="[^"\\\n]*",?)*\})? (NaN|[+-]Inf|[-+0-9.e]+)$')
        for line in text.splitlines():
            self.assertTrue(line.startswith("# ") or sample.match(line), line)
        for line in ('pawl_queue_jobs{queue="mail",state="pending"} 2', 'pawl_queue_jobs{queue="mail",state="completed"} 1',
                     'pawl_jobs_submitted_total{queue="mail",name="welcome"} 3',
                     'pawl_attempts_total{queue="mail",name="welcome",outcome="completed"} 1', "pawl_ready 1"):
            self.assertIn(line + "\n", text)
        route = re.findall(r'pawl_http_requests_total\{route="([^"]+)",method="POST",status="202"\} 3\n', text)
        self.assertEqual(route, ["/jobs"])


class StopTest(harness.BrokerTest):
    def test_sigterm_answers_what_waits_and_ends_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            broker = self.broker()
            polls = []
            waiting = threading.Thread(target=lambda: polls.append(broker.lease("quiet", wait_ms=30000)))
            waiting.start()
            harness.eventually(lambda: any(w["workerId"] == "test" for w in broker.call("GET", "/workers").json["workers"]))
            broker.process.send_signal(number)
            self.assertEqual(broker.process.wait(20), 0)
            waiting.join(20)
            self.assertEqual(polls, [[]])
            self.assert_store_is_sound(broker.data)

    def test_running_jobs_may_settle_before_the_end(self):
        broker = self.broker("--stop-grace-ms", "20000")
        job = broker.submit("mail")
        [leased] = broker.lease("mail")
        broker.process.send_signal(signal.SIGTERM)
        harness.eventually(lambda: "jobs are running" in broker.log())
        self.assertEqual(broker.lease("mail"), [])
        broker.call("POST", f"/jobs/{job}/complete", {"leaseId": leased["leaseId"]}, expect=200)
        began = time.monotonic()
        self.assertEqual(broker.process.wait(20), 0)
        self.assertLess(time.monotonic() - began, 10)
        broker.start()
        self.assertEqual(broker.job(job)["status"], "completed")

    def test_a_lease_outlives_a_restart(self):
        broker = self.broker("--stop-grace-ms", "0")
        job = broker.submit("mail", leaseMs=60000)
        [leased] = broker.lease("mail")
        self.assertEqual(broker.terminate(), 0)
        broker.start()
        self.assertEqual(broker.job(job)["status"], "active")
        self.assertEqual(broker.lease("mail"), [])
        done = broker.call("POST", f"/jobs/{job}/complete", {"leaseId": leased["leaseId"]}, expect=200)
        self.assertEqual(done.json["status"], "completed")

    def test_a_second_signal_ends_it_at_once(self):
        broker = self.broker("--stop-grace-ms", "3600000")
        broker.submit("mail")
        broker.lease("mail")
        broker.process.send_signal(signal.SIGTERM)
        harness.eventually(lambda: "jobs are running" in broker.log())
        broker.process.send_signal(signal.SIGTERM)
        self.assertEqual(broker.process.wait(10), 128 + signal.SIGTERM)


class RefusalTest(harness.BrokerTest):
    def refused(self, *arguments, status, says, environment=None):
        found, errors = harness.refused_start(self.folder, *arguments, environment=environment)
        lines = [line for line in errors.splitlines() if line.startswith("pawld: ")]
        self.assertEqual((found, len(lines)), (status, 1), errors)
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, lines[0])

    def test_a_data_folder_in_use_names_the_process(self):
        broker = self.broker()
        self.refused("--data", str(broker.data), "--listen", "127.0.0.1:0", status=1,
                     says=["data: ", str(broker.process.pid)])
        self.assertEqual(broker.call("GET", "/readyz").status, 200)

    def test_a_data_folder_is_free_after_a_kill(self):
        broker = self.broker()
        broker.kill()
        broker.start()
        self.assertEqual(broker.call("GET", "/readyz").status, 200)

    def test_an_address_in_use_is_named(self):
        broker = self.broker()
        self.refused("--data", str(self.folder / "other"), "--listen", broker.url.removeprefix("http://"), status=1,
                     says=["listen: ", broker.url.rsplit(":", 1)[1]])

    def test_a_data_folder_that_cannot_be_made(self):
        (self.folder / "file").write_text("")
        self.refused("--data", str(self.folder / "file" / "data"), "--listen", "127.0.0.1:0", status=1, says="data: ")

    def test_an_address_that_others_reach_needs_a_token(self):
        self.refused("--listen", "0.0.0.0:0", status=2, says=["listen: ", "--token-file"])
        self.refused("--listen", "[::]:0", status=2, says=["listen: ", "PAWL_TOKEN"])
        self.assertFalse((self.folder / "pawl-data").exists())

    def test_bad_settings_are_named(self):
        config = self.folder / "pawl.toml"
        ledger = [
            ("[log]\nlevel = 3\n", ":2:9: log.level"),
            ("data = \n", ":1:"),
            ("colour = true\n", ":1:1: colour"),
            ("[http]\nthreads = 0\n", ":2:11: http.threads"),
        ]
        for text, place in ledger:
            config.write_text(text)
            self.refused("--config", str(config), status=2, says=f"{config}{place}")
        self.refused("--config", str(self.folder / "none.toml"), status=2, says="none.toml")
        self.refused("--colour", status=2, says="--colour")
        self.refused("--http-threads", "many", status=2, says=["http.threads", "--http-threads"])
        self.refused(status=2, says=["engine.queues-max", "PAWL_ENGINE_QUEUES_MAX"], environment={"PAWL_ENGINE_QUEUES_MAX": "-1"})
        self.refused("--listen", "localhost", status=2, says="listen: ")
        self.refused("--token-file", "/no/such/file", status=2, says="token-file: /no/such/file")


class TokenTest(harness.BrokerTest):
    token = "correct-horse-battery-staple-0123"

    def test_every_route_but_the_probes_asks_for_it(self):
        secret = self.folder / "token"
        secret.write_text(self.token + "\n")
        secret.chmod(0o600)
        broker = self.broker("--token-file", str(secret))
        for path in ("/queues", "/metrics", "/version", "/jobs", "/events", "/worker", "/openapi.json"):
            for given in (None, self.token[:-1], self.token + "x", "", self.token.upper()):
                answer = harness.request(broker.url, "GET", path, token=given)
                self.assertEqual(answer.status, 401, (path, given))
                self.assertIn("application/problem+json", answer.headers["Content-Type"])
                self.assertNotIn(self.token.encode(), answer.body)
        for path in ("/livez", "/readyz"):
            self.assertEqual(harness.request(broker.url, "GET", path).status, 200)
        self.assertEqual(harness.request(broker.url, "GET", "/queues", token=self.token).status, 200)
        self.assertEqual(broker.terminate(), 0)
        self.assertNotIn(self.token, broker.log())

    def test_with_a_token_other_addresses_are_served(self):
        broker = self.broker(listen="0.0.0.0:0", token=self.token)
        port = broker.url.rsplit(":", 1)[1]
        answer = harness.request(f"http://127.0.0.1:{port}", "GET", "/queues", token=self.token)
        self.assertEqual(answer.status, 200)


if __name__ == "__main__":
    sys.exit(harness.main())
