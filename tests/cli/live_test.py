"""Every command of `pawl` against a real broker: as a table and as JSON, and its exit status."""
import os
import pty
import re
import select
import subprocess

from cli_case import PAWL, UUID, CliTest, clean_environment, main


class ReadingTest(CliTest):
    def test_enqueue_takes_its_payload_from_anywhere(self):
        file = self.folder / "payload.json"
        file.write_text('{"from": "file"}')
        for words, stdin, payload in [
            ((), "", None),
            (('[1,"x"]',), "", [1, "x"]),
            (('{"a":[1,2]}',), "", {"a": [1, 2]}),
            (("-",), '{"from":"stdin"}', {"from": "stdin"}),
            (("--file", str(file)), "", {"from": "file"}),
            (("--text", "just words"), "", "just words"),
        ]:
            job_id = self.pawl("enqueue", "q", *words, stdin=stdin).out.strip()
            self.assertEqual(self.server.job(job_id)["payload"], payload)

    def test_enqueue_hands_over_every_option(self):
        job_id = self.submit("q", "1", "--name", "n", "--priority", "-7", "--delay", "1h", "--max-attempts", "9", "--group", "g",
                             "--tag", "one", "--tag", "two", "--unique-key", "k", "--lease", "7s", "--timeout", "2m")
        job = self.server.job(job_id)
        self.assertEqual([job[k] for k in ("queue", "name", "priority", "status", "maxAttempts", "group", "tags", "uniqueKey",
                                           "leaseMs", "timeoutMs")],
                         ["q", "n", -7, "delayed", 9, "g", ["one", "two"], "k", 7000, 120_000])
        again = self.pawl("enqueue", "q", "1", "--unique-key", "k")
        self.assertEqual(again.out.strip(), job_id)
        self.assertIn("there already", again.err)
        at = self.submit("q", "--run-at", "2040-01-02T03:04:05Z")
        self.assertEqual(self.server.job(at)["runAt"], "2040-01-02T03:04:05.000Z")
        self.assertEqual(self.pawl("enqueue", "q", "--json").json["status"], "pending")

    def test_a_payload_that_is_no_json_is_refused_before_it_is_sent(self):
        done = self.pawl("enqueue", "q", "{nope", status=2)
        self.assertIn("not JSON", done.err)
        self.assertIn("--text", done.err)
        self.assertEqual(self.server.call("GET", "/queues?limit=1000").json["queues"], [])

    def test_wrong_fields_are_named(self):
        done = self.pawl("enqueue", "no good", "--priority", "5000", status=1)
        self.assertIn("/priority", done.err)
        self.assertIn("/queue", done.err)

    def test_get_list_logs_and_why_as_tables_and_as_json(self):
        job_id = self.submit("video", '{"path":"x"}', "--name", "encode", "--tag", "t")
        (job,) = self.server.lease("video")
        lease = {"leaseId": job["leaseId"]}
        self.server.call("POST", f"/jobs/{job_id}/heartbeat", lease | {"progress": 42, "message": "half \x1b[31m"}, expect=200)
        self.server.call("POST", f"/jobs/{job_id}/logs", lease | {"lines": ["first line", "second line"]}, expect=200)
        text = self.pawl("get", job_id).out
        for part in (job_id, "video", "encode", "active", "42 %", '"path": "x"', "lease until"):
            self.assertIn(part, text)
        self.assertNotIn("\x1b", text)
        self.assertEqual(self.pawl("get", job_id, "--json").json["progress"], 42)
        self.assertRegex(self.pawl("list").out, rf"JOB .*\n{job_id} +video +encode +active")
        self.assertEqual([j["jobId"] for j in self.pawl("list", "--status", "active,failed", "--queue", "video", "--name", "encode",
                                                        "--tag", "t", "--oldest", "--json").json["jobs"]], [job_id])
        self.assertIn("No job", self.pawl("list", "--status", "failed").err)
        self.assertRegex(self.pawl("logs", job_id).out, r"first line\n.*second line\n$")
        self.assertIn("leave out --json", self.pawl("logs", job_id, "--json", "--follow", status=2).err)
        self.assertEqual([line["text"] for line in self.pawl("logs", job_id, "--json").json["lines"]],
                         ["first line", "second line"])
        self.assertIn("running", self.pawl("why", job_id).out)
        self.assertEqual(self.pawl("why", job_id, "--json").json["reason"], "running")

    def test_get_tells_of_the_workflow_the_parents_the_wait_and_the_callback(self):
        self.server = self.broker("--push-allow", "127.0.0.1", data=self.folder / "calling")
        plain = self.pawl("get", self.submit("plain")).out
        for label in ("workflow", "ref", "parents", "waits for", "callback"):
            self.assertNotRegex(plain, rf"(?m)^{label}\b")
        graph = {"name": "photo", "jobs": [
            {"ref": "thumbnail", "queue": "images"},
            {"ref": "publish", "queue": "web", "dependsOn": ["thumbnail"],
             "callback": {"url": "http://127.0.0.1:9/", "on": ["failed"]}}]}
        made = self.server.call("POST", "/workflows", graph, expect=202).json
        thumbnail, publish = (job["jobId"] for job in made["jobs"])
        self.finish("images", "complete", result=1)
        (job,) = self.server.lease("web", wait_ms=5000)
        text = self.pawl("get", publish).out
        self.assertRegex(text, rf"(?m)^workflow +{made['workflowId']}$")
        self.assertRegex(text, r"(?m)^ref +publish$")
        self.assertRegex(text, rf"(?m)^parents\n +thumbnail  {thumbnail}  completed$")
        self.assertRegex(text, r"(?m)^callback +http://127.0.0.1:9/\ncallback on +failed$")
        wait = {"event": "paid", "match": {"order.id": 7}, "timeoutMs": 3_600_000}
        self.server.call("POST", f"/jobs/{publish}/suspend", {"leaseId": job["leaseId"], "waitFor": wait}, expect=200)
        self.assertRegex(self.pawl("get", publish).out, r'(?m)^waits for +paid \{"order.id": ?7\}, until .*\(in ')

    def test_an_event_without_data_has_an_empty_object(self):
        job_id = self.submit("q")
        (job,) = self.server.lease("q")
        self.server.call("POST", f"/jobs/{job_id}/suspend", {"leaseId": job["leaseId"], "waitFor": {"event": "paid"}}, expect=200)
        self.assertEqual(self.pawl("event", "paid").out, "1 resumed, 0 started, 0 gathered\n")
        self.assertEqual(self.server.job(job_id)["steps"], {"paid": {}})
        self.assertIn("{} when left out", self.pawl("event", "--help").out)
        self.assertIn("null when left out", self.pawl("enqueue", "--help").out)

    def test_a_list_says_how_it_goes_on(self):
        ids = {self.submit("q") for _ in range(3)}
        first = self.pawl("list", "--limit", "2")
        cursor = re.search(r"--cursor (\S+)", first.err).group(1)
        second = self.pawl("list", "--limit", "2", "--cursor", cursor)
        found = [m.group(0) for m in UUID.finditer(first.out + second.out)]
        self.assertEqual((len(found), set(found)), (3, ids))

    def test_queues_and_workers_too(self):
        for queue in ("a", "b", "c"):
            self.submit(queue)
            self.server.lease(queue, worker=f"w-{queue}")
        for verb in ("queues", "workers"):
            first = self.pawl(verb, "--limit", "2")
            cursor = re.search(r"--cursor (\S+)", first.err).group(1)
            second = self.pawl(verb, "--limit", "2", "--cursor", cursor)
            self.assertEqual(len(first.out.splitlines() + second.out.splitlines()), 2 + 3)  # with their heads
            self.assertEqual((second.err, self.pawl(verb).err), ("", ""))

    def test_queues_and_their_settings(self):
        self.assertIn("no queues yet", self.pawl("queues").err)
        self.submit("mail")
        self.assertRegex(self.pawl("queues").out, r"QUEUE +PENDING.*\nmail +1 +0 ")
        self.assertEqual(self.pawl("queues", "--json").json["queues"][0]["counts"]["pending"], 1)
        self.assertRegex(self.pawl("queue", "mail").out, r"pending +1\n")
        self.assertEqual(self.pawl("queue", "mail", "--json").json["queue"], "mail")
        self.pawl("queue", "mail", "--max-attempts", "5", "--backoff", "linear", "--backoff-delay", "3s", "--keep-failed", "7d")
        text = self.pawl("queue", "mail", "--backoff-max", "1m", "--lease", "45s").out
        self.assertIn("linear, first 3.0 s, at most 1m00s", text)
        settings = self.pawl("queue", "mail", "--json").json["settings"]["defaults"]
        self.assertEqual((settings["maxAttempts"], settings["leaseMs"], settings["retention"]["failedMs"]), (5, 45_000, 604_800_000))
        settings = self.pawl("queue", "mail", "--unset", "max-attempts,backoff,keep", "--json").json["settings"]["defaults"]
        self.assertEqual((settings["maxAttempts"], settings["backoff"], settings["retention"]), (None, None, None))
        self.assertIn("pawl queues", self.pawl("queue", "unknown", status=1).err)
        self.assertRegex(self.pawl("queue", "unknown", "--json", status=1).err, r"Request [0-9a-z]{8}-[0-9a-z]+\n")

    def test_pause_resume_and_drain(self):
        job_id = self.submit("q")
        self.assertEqual(self.pawl("pause", "q", "--reason", "lunch").out, "q  paused\n")
        self.assertIn("lunch", self.pawl("why", job_id).out)
        self.assertIn("paused", self.pawl("queues").out)
        self.assertEqual(self.pawl("resume", "q").out, "q  not paused\n")
        self.assertFalse(self.pawl("queue", "q", "--json").json["paused"])
        self.assertIn("drained", self.pawl("drain", "q").out)
        self.assertEqual(self.pawl("queue", "q", "--json").json["counts"]["pending"], 0)
        self.pawl("pause", "unknown", status=1)

    def test_limits_of_a_queue(self):
        shown = self.pawl("queue", "q", "--max-concurrency", "20", "--rate", "50/1s", "--burst", "5").out
        self.assertRegex(shown, r"at once +at most 20\n")
        self.assertRegex(shown, r"starts +at most 50 in 1 s, 5 at once\n|starts +at most 50 in 1.0 s, 5 at once\n")
        settings = self.pawl("queue", "q", "--json").json["settings"]
        self.assertEqual((settings["maxConcurrency"], settings["rateLimit"]), (20, {"max": 50, "perMs": 1000, "burst": 5}))
        self.pawl("queue", "q", "--unset", "rate,max-concurrency")
        settings = self.pawl("queue", "q", "--json").json["settings"]
        self.assertEqual((settings["maxConcurrency"], settings["rateLimit"]), (None, None))
        self.assertIn("50/1s", self.pawl("queue", "q", "--rate", "50", status=2).err)
        self.pawl("queue", "q", "--burst", "5", status=2)
        job_id = self.submit("q")
        job = self.server.lease("q")[0]
        self.server.call("POST", f"/jobs/{job_id}/rate-limited", {"leaseId": job["leaseId"], "retryAfterMs": 3_600_000}, expect=200)
        self.assertIn("held until", self.pawl("queue", "q").out)
        self.assertIn("told to slow down", self.pawl("why", job_id).out)
        self.pawl("resume", "q")
        self.assertNotIn("held until", self.pawl("queue", "q").out)

    def test_callbacks(self):
        self.server = self.broker("--push-allow", "127.0.0.1", data=self.folder / "calling")
        url = "http://127.0.0.1:9/"
        some = ("--callback", url, "--callback-on", "failed,cancelled")
        all_ends = {"url": url, "on": ["completed", "failed", "cancelled"]}
        told = {"url": url, "on": ["failed", "cancelled"]}
        self.assertEqual(self.server.job(self.submit("q", "--callback", url))["callback"], all_ends)
        self.assertEqual(self.server.job(self.submit("q", *some))["callback"], told)
        self.assertEqual(self.pawl("schedules", "put", "s", "q", "--every", "1h", *some, "--json").json["callback"], told)
        self.assertEqual(self.pawl("triggers", "put", "t", "e", "q", *some, "--json").json["callback"], told)
        self.assertRegex(self.pawl("queue", "q", *some).out, rf"callback +{url}\ncallback on +failed, cancelled\n")
        self.assertEqual(self.pawl("queue", "q", "--lease", "45s", "--json").json["settings"]["callback"], told)
        self.assertNotIn("callback", self.pawl("queue", "q", "--unset", "callback").out)
        self.assertIn("/callback/url", self.pawl("queue", "q", "--callback", "http://10.0.0.1/", status=1).err)
        self.assertIn("requires --callback", self.pawl("queue", "q", "--callback-on", "failed", status=2).err)

    def test_cancel_retry_promote_and_delete(self):
        job_id, other = self.submit("q", "--delay", "1h"), self.submit("q", "--delay", "1h")
        self.assertEqual(self.pawl("promote", job_id).out, f"{job_id}  pending\n")
        done = self.pawl("promote", job_id, other, status=1)
        self.assertIn(other, done.out)
        self.assertIn(job_id, done.err)
        self.assertEqual(self.pawl("cancel", job_id, other).out, f"{job_id}  cancelled\n{other}  cancelled\n")
        self.assertEqual(self.pawl("retry", job_id, "--json").json["status"], "pending")
        self.assertEqual(self.pawl("delete", other).out, f"{other}  deleted\n")
        done = self.pawl("get", other, status=1)
        self.assertIn("pawl list", done.err)

    def test_change_gives_another_time_and_another_priority(self):
        job_id, other = self.submit("q"), self.submit("q", "--delay", "1h")
        self.assertEqual(self.pawl("change", job_id, "--delay", "2h", "--priority", "-5").out, f"{job_id}  delayed\n")
        self.assertEqual(self.server.call("GET", f"/jobs/{job_id}", expect=200).json["priority"], -5)
        self.pawl("change", other, "--run-at", "2099-01-02T03:04:05Z")
        self.assertEqual(self.pawl("get", other, "--json").json["runAt"], "2099-01-02T03:04:05.000Z")
        self.assertEqual(self.pawl("change", job_id, other, "--run-at", "2020-01-01T00:00:00Z").out,
                         f"{job_id}  pending\n{other}  pending\n")
        self.pawl("cancel", other)
        done = self.pawl("change", job_id, other, "--priority", "9", status=1)
        self.assertEqual(done.out, f"{job_id}  pending\n")
        self.assertIn("retry it first", done.err)
        self.assertIn("--priority N", self.pawl("change", job_id, status=2).err)
        self.pawl("change", job_id, "--delay", "1h", "--run-at", "+1h", status=2)

    def test_stats_workers_version_and_top(self):
        self.submit("q")
        self.server.lease("q", worker="me")
        self.assertRegex(self.pawl("stats").out, r"LAST +SUBMITTED(.*\n)+.*commit time")
        self.assertEqual(self.pawl("stats", "--queue", "q", "--json").json["queue"], "q")
        self.assertRegex(self.pawl("workers").out, r"WORKER.*\nme +polls")
        self.assertEqual(self.pawl("workers", "--json").json["workers"][0]["workerId"], "me")
        self.assertRegex(self.pawl("version").out, r"^pawl   \d+\.\d+\.\d+\npawld  \d+\.\d+\.\d+")
        self.assertIn("version", self.pawl("version", "--json").json["broker"])
        for words in (["top"], ["top", "--once"]):
            self.assertRegex(self.pawl(*words).out, r"active 1 (.*\n)+q +0 +1 ")
        self.assertNotIn("schedules", self.pawl("top").out)
        self.assertEqual(set(self.pawl("top", "--json").json),
                         {"queues", "workers", "schedules", "triggers", "limits", "operations", "workflows"})
        self.pawl("triggers", "put", "welcome", "signed-up", "mail", "--batch", "10", "--within", "1h")
        for _ in range(3):
            self.pawl("event", "signed-up", "{}")
        self.assertRegex(self.pawl("top").out, r"\ntriggers 1  events 3  jobs 0  gathered 3\n")
        self.pawl("limits", "put", "api", "--concurrency", "3")
        held = self.submit("held", "--limits", "api")
        (job,) = self.server.lease("held")
        self.assertRegex(self.pawl("top").out, r"\nLIMIT .*\napi +1 +3 ")
        lease = {"leaseId": job["leaseId"], "retryAfterMs": 3_600_000}
        self.server.call("POST", f"/jobs/{held}/rate-limited", lease, expect=200)
        self.assertRegex(self.pawl("top").out, r"\nLIMIT .*\napi +0 +3 +- +\d{4}-")
        self.submit("later")
        (job,) = self.server.lease("later")
        self.server.call("POST", f"/jobs/{job['jobId']}/rate-limited", lease | {"leaseId": job["leaseId"]}, expect=200)
        self.assertRegex(self.pawl("top").out, r"\nlater +1 .* held until \d{4}-")
        self.assertRegex(self.pawl("why", held).out, "limit api goes on at")

    def test_a_broken_pipe_is_no_trouble(self):
        for _ in range(3):
            self.submit("q")
        reader = subprocess.Popen([PAWL, "--url", self.server.url, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        reader.stdout.close()
        self.assertNotIn(b"terminate", reader.communicate()[1])


class DeadLetterTest(CliTest):
    def test_list_replay_and_purge(self):
        one, two, three = self.dead_letter("q"), self.dead_letter("q"), self.dead_letter("q", "other")
        self.assertRegex(self.pawl("dlq", "list", "q").out, rf"JOB .*LAST ERROR\n(.*\n)*{one} .*bad-input: no good")
        self.assertEqual([j["jobId"] for j in self.pawl("dlq", "list", "q", "--error-type", "other", "--json").json["jobs"]], [three])
        group = self.pawl("dlq", "groups", "q", "--json").json["groups"][0]["fingerprint"]
        self.assertIn(group, self.pawl("dlq", "groups", "q").out)
        self.assertIn("No operation", self.pawl("bulk", "list").err)
        self.assertIn("1 replayed", self.pawl("dlq", "replay", "q", one).out)
        self.assertEqual(self.server.job(one)["status"], "pending")
        self.assertIn("1 replayed", self.pawl("dlq", "replay", "q", "--error-type", "other").out)
        self.assertEqual(self.pawl("dlq", "purge", "q", two, "--yes", "--json").json["purged"], 1)
        self.assertIn("No dead letters", self.pawl("dlq", "list", "q").err)
        self.pawl("dlq", "replay", "q", one, "--name", "x", status=2)

    def test_bulk_is_begun_seen_and_stopped(self):
        for _ in range(3):
            self.pawl("enqueue", "b", "--delay", "1h")
        bulk = self.pawl("bulk", "start", "promote", "--queue", "b", "--status", "delayed,pending", "--per-second", "0.1").out.strip()
        self.assertRegex(self.pawl("bulk", "list").out, rf"{bulk} +promote +running .*queue b, status delayed pending")
        self.assertIn(bulk, self.pawl("top", "--once").out)
        self.assertIn("paused", self.pawl("bulk", "pause", bulk).out)
        self.assertIn("running", self.pawl("bulk", "resume", bulk).out)
        self.assertEqual(self.pawl("bulk", "cancel", bulk, "--json").json["status"], "cancelled")
        self.assertIn("cancelled", self.pawl("bulk", "get", bulk).out)
        self.pawl("bulk", "start", "delete", status=2)

    def test_purge_asks_for_the_exact_number(self):
        for _ in range(3):
            self.dead_letter("q")
        for typed in ("", "2\n", "y\n"):
            done = self.pawl("dlq", "purge", "q", stdin=typed, status=1)
            self.assertIn("Type 3", done.err)
            self.assertIn("nothing was deleted", done.err)
        self.assertEqual(self.pawl("queue", "q", "--json").json["counts"]["failed"], 3)
        self.assertIn("3 purged", self.pawl("dlq", "purge", "q", stdin="3\n").out)
        self.assertEqual(self.pawl("queue", "q", "--json").json["counts"]["failed"], 0)


class SchedulesTest(CliTest):
    def test_from_put_to_delete(self):
        self.assertIn("no schedules", self.pawl("schedules").err)
        made = self.pawl("schedules", "put", "report", "q", '{"a":[1,2]}', "--every", "90m", "--name", "daily").out
        self.assertRegex(made, r"^report  next run \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(in 1h(29|30)m\)\n$")
        self.assertRegex(self.pawl("schedules").out,
                         r"SCHEDULE +QUEUE +NAME +WHEN +NEXT RUN +LAST RUN +LAST JOB +RUNS\nreport +q +daily +every 1h30m +in 1h\d\dm +- +- +0\n")
        self.assertRegex(self.pawl("top").out, r"\nschedules 1  next report in 1h(29|30)m\n\n")
        job_id = self.pawl("schedules", "run", "report").out.strip()
        job = self.server.job(job_id)
        self.assertEqual((job["name"], job["payload"], job["tags"]), ("daily", {"a": [1, 2]}, ["schedule:report"]))
        self.finish("q", "complete")
        self.assertRegex(self.pawl("schedules").out, r"report .* completed +0\n")
        text = self.pawl("schedules", "get", "report").out
        for part in ("every 1h30m", "next runs\n", job_id, "completed", "missed runs  one", "overlap      allow", '"a": ['):
            self.assertIn(part, text)
        self.assertEqual(self.pawl("schedules", "pause", "report").out, "report  paused\n")
        self.assertRegex(self.pawl("schedules").out, r"report .* paused\n")
        self.assertEqual(self.pawl("schedules", "get", "report", "--json").json["nextRuns"], [])
        self.assertIn("report  next run ", self.pawl("schedules", "resume", "report").out)
        self.assertEqual(self.pawl("schedules", "delete", "report").out, "report  deleted\n")
        done = self.pawl("schedules", "get", "report", status=1)
        self.assertIn("pawl schedules", done.err)
        self.assertEqual(self.server.job(job_id)["status"], "completed")

    def test_one_in_use_is_deleted_by_force(self):
        self.pawl("schedules", "put", "s", "q", "--every", "90m")
        job_id = self.pawl("schedules", "run", "s").out.strip()
        refused = self.pawl("schedules", "delete", "s", status=1)
        for part in ("its last job is pending", job_id, "--force"):
            self.assertIn(part, refused.err)
        self.assertEqual(self.pawl("schedules", "delete", "s", "--force").out, "s  deleted\n")
        self.assertEqual(self.server.job(job_id)["status"], "pending")

    def test_put_hands_over_every_option(self):
        file = self.folder / "payload.json"
        file.write_text('{"from": "file"}')
        made = self.pawl("schedules", "put", "s", "q", "--file", str(file), "--every", "1h", "--start-at", "2040-01-02T03:04:05Z",
                         "--end-at", "2040-01-02T04:04:05Z", "--max-runs", "12", "--missed", "all", "--overlap", "skip",
                         "--name", "n", "--priority", "-7", "--max-attempts", "9", "--delay", "2m", "--unique-key", "k",
                         "--unique-for", "1s", "--group", "g", "--tag", "t", "--lease", "7s", "--timeout", "3m", "--json").json
        self.assertEqual({k: made[k] for k in made if k not in ("createdAt", "updatedAt")}, {
            "scheduleId": "s", "queue": "q", "name": "n", "payload": {"from": "file"}, "priority": -7, "delayMs": 120_000,
            "maxAttempts": 9, "leaseMs": 7000, "timeoutMs": 180_000, "uniqueKey": "k", "uniqueForMs": 1000, "group": "g",
            "tags": ["t"], "everyMs": 3_600_000, "startAt": "2040-01-02T03:04:05.000Z", "endAt": "2040-01-02T04:04:05.000Z",
            "maxRuns": 12, "missed": "all", "overlap": "skip", "paused": False, "lastRun": None, "runs": 0, "skipped": 0,
            "nextRuns": ["2040-01-02T03:04:05.000Z", "2040-01-02T04:04:05.000Z"]})
        self.assertIn("0 of 12", self.pawl("schedules", "get", "s").out)
        first = self.pawl("schedules", "run", "s").out
        again = self.pawl("schedules", "run", "s")
        self.assertEqual(again.out, first)
        self.assertIn("there already", again.err)
        self.assertEqual(self.pawl("schedules", "put", "s", "q", "--every", "1h", "--paused").out, "s  paused\n")
        self.assertEqual(self.pawl("schedules", "get", "s", "--json").json["payload"], None)

    def test_a_long_list_says_how_it_goes_on(self):
        for name in ("a", "b", "c"):
            self.pawl("schedules", "put", name, "q", "--every", "1h")
        first = self.pawl("schedules", "--limit", "2")
        cursor = re.search(r"--cursor (\S+)", first.err).group(1)
        self.assertRegex(self.pawl("schedules", "--limit", "2", "--cursor", cursor).out, r"^SCHEDULE.*\nc .*\n$")
        self.assertEqual([s["scheduleId"] for s in self.pawl("schedules", "--json").json["schedules"]], ["a", "b", "c"])

    def test_what_is_refused_is_1_and_wrong_use_2(self):
        for word in ("get", "run", "pause", "resume", "delete"):
            self.assertIn("pawl schedules", self.pawl("schedules", word, "nowhere", status=1).err)
        self.assertIn("/everyMs", self.pawl("schedules", "put", "s", "q", "--every", "1ms", status=1).err)
        self.assertIn("/endAt", self.pawl("schedules", "put", "s", "q", "--every", "1h", "--start-at", "2040-01-02T03:04:05Z",
                                          "--end-at", "2040-01-01T03:04:05Z", status=1).err)
        self.assertIn("not JSON", self.pawl("schedules", "put", "s", "q", "{nope", "--every", "1h", status=2).err)
        self.pawl("schedules", "put", "s", "q", status=2)


class ExitTest(CliTest):
    def test_wrong_use_is_2_and_help_is_0(self):
        self.assertIn("pawl enqueue --help", self.pawl("enqueue", status=2).err)
        self.assertIn("no command", self.pawl("frobnicate", status=2).err)
        self.assertIn("Usage", self.pawl("work", "--help").out)
        self.pawl(status=2)

    def test_a_broker_that_is_not_there_is_1_with_what_to_do(self):
        self.server.terminate()
        done = self.pawl("queues", status=1)
        self.assertIn(f"cannot reach {self.server.url}: ", done.err)
        self.assertIn("refused", done.err)
        self.assertIn("Start it with: pawld --data ./pawl-data", done.err)

    def test_a_wrong_address_is_2(self):
        done = subprocess.run([PAWL, "queues"], capture_output=True, text=True, env=clean_environment(PAWL_URL="ftp://x"))
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_the_token_comes_from_anywhere(self):
        folder = self.folder / "guarded"
        folder.mkdir()
        guarded = self.broker(data=folder / "data", token="s3cret-s3cret-s3cret-s3cret-s3cret")
        file = folder / "token"
        file.write_text(guarded.token + "\n")
        self.server = guarded
        done = self.pawl("queues", status=1)
        self.assertIn("--token-file", done.err)
        self.pawl("queues", "--token", "wrong", status=1)
        self.pawl("queues", "--token", guarded.token)
        self.pawl("queues", "--token-file", str(file))
        self.pawl("queues", PAWL_TOKEN=guarded.token)
        self.assertIn("cannot read", self.pawl("queues", "--token-file", "/nowhere", status=2).err)


class WatchTest(CliTest):
    def test_wait_follows_to_the_end_in_plain_lines(self):
        watcher = subprocess.Popen([PAWL, "--url", self.server.url, "enqueue", "q", "1", "--wait"], stdout=subprocess.PIPE,
                                   text=True, env=clean_environment())
        self.finish("q", "complete", result={"ok": True})
        out, _ = watcher.communicate(timeout=30)
        self.assertEqual(watcher.returncode, 0)
        self.assertRegex(out, r'completed [0-9a-f-]{36} after .*attempts 1 of 3\n\{\n  "ok": true\n\}\n$')

    def test_a_job_that_does_not_complete_is_1(self):
        job_id = self.dead_letter("q")
        done = self.pawl("watch", job_id, status=1)
        self.assertIn("bad-input: no good", done.out)
        self.assertIn(f"pawl retry {job_id}", done.out)
        self.assertEqual(self.pawl("watch", job_id, "--json", status=1).json["status"], "failed")

    def test_on_a_terminal_a_bar_moves(self):
        job_id = self.submit("q", "--name", "encode")
        (job,) = self.server.lease("q")
        controller, terminal = pty.openpty()
        watcher = subprocess.Popen([PAWL, "--url", self.server.url, "watch", job_id], stdout=terminal, stderr=terminal,
                                   env=clean_environment(TERM="xterm"))
        os.close(terminal)
        self.addCleanup(os.close, controller)
        lease = {"leaseId": job["leaseId"]}
        self.server.call("POST", f"/jobs/{job_id}/heartbeat", lease | {"progress": 50, "message": "half way"}, expect=200)
        seen = self.read_until(controller, b"half way")
        self.assertRegex(seen.decode(), r"encode  active  attempt 1 of 3  ▕█{12} {12}▏  50 % ?")
        self.server.call("POST", f"/jobs/{job_id}/complete", lease, expect=200)
        self.read_until(controller, b"completed")
        self.assertEqual(watcher.wait(30), 0)

    def read_until(self, controller, mark):
        seen = b""
        while mark not in seen:
            ready, _, _ = select.select([controller], [], [], 20)
            self.assertTrue(ready, seen)
            seen += os.read(controller, 65536)
        return seen


class CheckTest(CliTest):
    def test_a_sound_store_is_sound_and_others_are_refused(self):
        self.submit("q")
        self.dead_letter("p")
        done = self.pawl("check", str(self.server.data), status=1)
        self.assertIn("in use", done.err)
        self.server.terminate()
        done = self.pawl("check", str(self.server.data))
        self.assertRegex(done.out, r"jobs +2\n(.*\n)*sound: ")
        report = self.pawl("check", str(self.server.data), "--json").json
        self.assertEqual((report["ok"], report["queues"], report["jobs"]["failed"]), (True, 2, 1))
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertIn("--data", self.pawl("check", str(empty), status=1).err)
        self.assertEqual(list(empty.iterdir()), [])
        self.pawl("check", str(self.folder / "nowhere"), status=1)


if __name__ == "__main__":
    main()
