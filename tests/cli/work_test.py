"""`pawl work`: what the commands that it runs live through."""
import json
import os
import pathlib
import signal
import threading

from cli_case import CliTest, alive, eventually, main


class WorkTest(CliTest):
    def test_every_way_to_end(self):
        self.pawl("queue", "q", "--backoff", "fixed", "--backoff-delay", "0", "--max-attempts", "2")
        ids = {case: self.submit("q", json.dumps(case), "--name", case) for case in
               ("json", "text", "empty", "fails", "forever", "signal", "large", "recovers")}
        script = r'''
          case $PAWL_NAME in
            json) echo '{ "seen": '"$(cat)"', "id": "'$PAWL_JOB_ID'", "attempt": '$PAWL_ATTEMPT', "queue": "'$PAWL_QUEUE'" }' ;;
            text) printf 'two\nlines\n' ;;
            empty) ;;
            fails) echo "why it failed" >&2; exit 3 ;;
            forever) echo "hopeless" >&2; exit 65 ;;
            signal) kill -KILL $$ ;;
            large) head -c 1100000 /dev/zero | tr '\0' x ;;
            recovers) test $PAWL_ATTEMPT = 2 ;;
          esac'''
        worker = self.worker("q", "--exec", script, "--concurrency", "3")
        job = self.ended(ids["json"], "completed")
        self.assertEqual(job["result"], {"seen": "json", "id": ids["json"], "attempt": 1, "queue": "q"})
        self.assertEqual(self.ended(ids["text"], "completed")["result"], "two\nlines")
        self.assertIsNone(self.ended(ids["empty"], "completed")["result"])
        self.assertEqual(self.ended(ids["recovers"], "completed")["errors"][0]["type"], "exit-1")
        job = self.ended(ids["fails"], "failed")
        self.assertEqual([(e["type"], e["stack"]) for e in job["errors"]], [("exit-3", "why it failed")] * 2)
        job = self.ended(ids["forever"], "failed")
        self.assertEqual([(e["type"], e["stack"]) for e in job["errors"]], [("exit-65", "hopeless")])
        self.assertEqual(job["errors"][0]["message"], "the command exited with status 65: hopeless")
        self.assertEqual(self.ended(ids["signal"], "failed")["errors"][0]["type"], "signal-KILL")
        error = self.ended(ids["large"], "failed")["errors"][0]
        self.assertEqual(error["type"], "result-too-large")
        self.assertIn("1.0 MiB", error["message"])
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=30)
        self.assertEqual(worker.returncode, 0, err)
        self.assertIn("completed 4, failed", err)

    def test_the_whole_job_tells_what_its_parents_did(self):
        graph = {"name": "w", "jobs": [{"ref": "scan", "queue": "scans"},
                                       {"ref": "page", "queue": "pages", "payload": {"n": 1.0}, "dependsOn": ["scan"]}]}
        file = self.folder / "graph.json"
        file.write_text(json.dumps(graph))
        made = self.pawl("workflows", "submit", str(file), "--json").json
        page = next(job["jobId"] for job in made["jobs"] if job["ref"] == "page")
        self.worker("scans", "--exec", "echo '{\"dpi\": 300}'")
        self.worker("pages", "--exec", "cat", "--input", "job")
        job = self.ended(page, "completed")["result"]
        self.assertEqual((job["jobId"], job["payload"], job["attempt"]), (page, {"n": 1.0}, 1))
        self.assertEqual((job["parents"]["scan"]["status"], job["parents"]["scan"]["result"]), ("completed", {"dpi": 300}))
        wrong = self.pawl("work", "pages", "--exec", "cat", "--input", "all", status=2)
        self.assertIn("--input", wrong.err)

    def test_a_result_just_below_the_limit_is_kept(self):
        job_id = self.submit("q")
        self.worker("q", "--exec", "head -c 1048574 /dev/zero | tr '\\0' x")
        self.assertEqual(len(self.ended(job_id, "completed")["result"]), 1048574)

    def test_a_rate_limit_holds_the_queue_and_costs_no_attempt(self):
        first = self.submit("q", "--max-attempts", "1")
        second = self.submit("q", "--max-attempts", "1")
        again = self.folder / "again"
        worker = self.worker("q", "--exec", f"test -e {again} && exit; echo PAWL_RATE_LIMITED 9 >&2; "
                             "echo slow down >&2; echo PAWL_RATE_LIMITED 3600000 >&2; exit 75")
        eventually(lambda: self.server.call("GET", "/queues/q", expect=200).json["heldUntil"], what="the hold")
        line = next(line for line in iter(worker.stderr.readline, "") if first in line)
        self.assertIn("attempt 1", line)
        self.assertIn("given back: rate-limited for 1h00m", line)
        for job_id in (first, second):
            job = self.server.job(job_id)
            self.assertEqual((job["status"], job["attemptsMade"], job["errors"]), ("pending", 0, []))
        again.touch()
        self.pawl("resume", "q")
        for job_id in (first, second):
            self.assertEqual(self.ended(job_id, "completed")["attemptsMade"], 1)
        log = self.pawl("logs", first).out
        self.assertIn("slow down", log)
        self.assertNotIn("PAWL", log)

    def test_progress_and_log_lines_are_told(self):
        job_id = self.submit("q")
        gate = self.folder / "gate"
        os.mkfifo(gate)
        self.worker("q", "--exec", f"echo PAWL_PROGRESS 42 half way >&2; echo a log line >&2; read x < {gate}; echo done")
        job = eventually(lambda: (j := self.server.job(job_id))["progress"] is not None and j, what="progress")
        self.assertEqual((job["progress"], job["message"]), (42, "half way"))
        eventually(lambda: "a log line" in self.pawl("logs", job_id).out, what="the log line")
        gate.write_text("go\n")
        self.assertEqual(self.ended(job_id, "completed")["result"], "done")
        self.assertNotIn("PROGRESS", self.pawl("logs", job_id).out)

    def family(self, queue, *enqueue_words, worker_words=(), trap=""):
        """A job whose command has a child of its own; the worker, the job, and both pids."""
        file = self.folder / "pids"
        job_id = self.submit(queue, *enqueue_words)
        command = f"{trap} sleep 1000 & echo $$ $! > {file}.new; mv {file}.new {file}; wait; wait"
        worker = self.worker(queue, "--exec", command, *worker_words)
        eventually(file.exists, what="the command")
        return worker, job_id, [int(pid) for pid in file.read_text().split()]

    def assert_gone(self, pids):
        for pid in pids:
            eventually(lambda: not alive(pid), what=f"the end of {pid}")

    def test_cancel_ends_the_whole_group(self):
        worker, job_id, pids = self.family("q")
        self.assertIn("told to stop", self.pawl("cancel", job_id).out)
        self.ended(job_id, "cancelled")
        self.assert_gone(pids)
        children = pathlib.Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        self.assertEqual(children, [])
        self.assertIsNone(worker.poll())

    def test_a_passed_time_limit_ends_the_whole_group(self):
        _, job_id, pids = self.family("q", "--timeout", "300ms", "--max-attempts", "1")
        self.assertEqual(self.ended(job_id, "failed")["errors"][0]["type"], "timeout")
        self.assert_gone(pids)

    def test_a_lost_lease_ends_the_whole_group(self):
        worker, job_id, pids = self.family("q", "--lease", "1s", "--max-attempts", "1")
        # The worker sleeps past its lease; when it wakes the job is not its own any more.
        worker.send_signal(signal.SIGSTOP)
        eventually(lambda: self.server.job(job_id)["status"] != "active", timeout=30, what="the stall")
        self.pawl("pause", "q")
        worker.send_signal(signal.SIGCONT)
        self.assert_gone(pids)

    def test_sigterm_drains_and_a_second_one_kills(self):
        worker, job_id, pids = self.family("q", trap="trap '' TERM;", worker_words=("--drain-timeout", "1h"))
        lines = iter(worker.stderr.readline, "")
        worker.send_signal(signal.SIGTERM)
        self.assertTrue(any("second signal" in line for line in lines))
        self.assertTrue(alive(pids[0]))
        worker.send_signal(signal.SIGTERM)
        self.assert_gone(pids)
        self.assertEqual(worker.wait(30), 0)
        job = self.server.job(job_id)
        self.assertEqual((job["status"], job["attemptsMade"], job["stalls"]), ("pending", 0, 0))

    def test_sigterm_lets_the_running_job_end(self):
        gate = self.folder / "gate"
        os.mkfifo(gate)
        job_id, waiting = self.submit("q"), self.submit("q")
        begun = self.folder / "begun"
        worker = self.worker("q", "--exec", f"touch {begun}; read x < {gate}; echo $x")
        eventually(begun.exists, what="the first command")
        writer = threading.Thread(target=lambda: gate.write_text("finished\n"), daemon=True)
        worker.send_signal(signal.SIGTERM)
        # Only then: a job that ends before the signal is noticed rightly makes room for the next.
        self.assertTrue(any("no new jobs" in line for line in iter(worker.stderr.readline, "")))
        writer.start()
        _, err = worker.communicate(timeout=30)
        writer.join()
        self.assertEqual(worker.returncode, 0, err)
        self.assertEqual(self.ended(job_id, "completed")["result"], "finished")
        self.assertEqual(self.server.job(waiting)["status"], "pending")

    def test_a_refused_worker_is_1(self):
        worker = self.worker("q", "--exec", "true", "--worker-id", "x" * 1000)
        _, err = worker.communicate(timeout=30)
        self.assertIn(worker.returncode, (1, 2), err)


if __name__ == "__main__":
    main()
