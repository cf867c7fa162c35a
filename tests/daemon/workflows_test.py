"""Workflows on the real broker: thumbnail, caption, publish, with a failing branch and a SIGKILL of the broker in the midst"""
import sys

import harness

PHOTO = {"name": "photo", "jobs": [
    {"ref": "thumbnail", "queue": "images", "payload": {"file": "a.png"}},
    {"ref": "caption", "queue": "text", "maxAttempts": 1},
    {"ref": "publish", "queue": "web", "dependsOn": ["thumbnail", "caption"]},
    {"ref": "notify", "queue": "mail", "dependsOn": ["publish"]},
    {"ref": "clean-up", "queue": "images", "dependsOn": ["publish"], "onParentFailure": "run"}]}


class WorkflowsTest(harness.BrokerTest):
    def take(self, broker, queue):
        (job,) = broker.lease(queue, worker="w", max_jobs=1, wait_ms=5_000)
        return job

    def finish(self, broker, job, result=None):
        broker.call("POST", f"/jobs/{job['jobId']}/complete", {"leaseId": job["leaseId"], "result": result}, expect=200)

    def states(self, broker, workflow):
        whole = broker.call("GET", f"/workflows/{workflow}", expect=200).json
        return whole["status"], {job["ref"]: job["status"] for job in whole["jobs"]}, {job["ref"]: job["waitsFor"] for job in whole["jobs"]}

    def test_what_a_blocked_job_waits_for_is_told(self):
        broker = self.broker()
        made = broker.call("POST", "/workflows", {"name": "w", "jobs": [{"ref": ref, "queue": "q"} for ref in "abc"]}, expect=202).json
        jobs = broker.lease("q", max_jobs=3)
        held = lambda i: {"leaseId": jobs[i]["leaseId"]}
        broker.call("POST", f"/jobs/{jobs[0]['jobId']}/children", {**held(0), "jobs": [{"ref": "k", "queue": "other"}]}, expect=202)
        broker.call("POST", f"/jobs/{jobs[1]['jobId']}/suspend", {**held(1), "waitFor": {"event": "paid", "match": {}}}, expect=200)
        invoked = {"queue": "other", "as": "report"}
        broker.call("POST", f"/jobs/{jobs[2]['jobId']}/suspend", {**held(2), "invoke": invoked}, expect=200)
        (child, other) = sorted(broker.lease("other", max_jobs=2), key=lambda job: job["jobId"])
        for _ in range(2):
            told = {job["ref"]: job for job in broker.call("GET", f"/workflows/{made['workflowId']}", expect=200).json["jobs"]}
            self.assertEqual([told[ref]["waitsFor"] for ref in "abc"], [["k"], [], []])
            self.assertEqual([told[ref]["waitsForEvent"] for ref in "abc"], [None, "paid", None])
            self.assertEqual([told[ref]["waitsForJob"] for ref in "abc"], [None, None, other["jobId"]])
            broker.kill()
            broker.start()

    def test_a_photo_is_published_after_a_failure_a_retry_and_kills(self):
        broker = self.broker()
        made = broker.call("POST", "/workflows", PHOTO, expect=202)
        workflow = made.json["workflowId"]
        ids = {job["ref"]: job["jobId"] for job in made.json["jobs"]}
        _, states, waits = self.states(broker, workflow)
        self.assertEqual(list(states.values()), ["pending", "pending", "blocked", "blocked", "blocked"])
        self.assertEqual(waits["publish"], ["thumbnail", "caption"])
        why = broker.call("GET", f"/jobs/{ids['publish']}/why", expect=200).json
        self.assertEqual((why["reason"], why["waitsFor"], why["ahead"]), ("blocked", ids["thumbnail"], 2))
        self.assertEqual(why["sentence"], "It waits for thumbnail to end, and for 1 more.")

        self.finish(broker, self.take(broker, "images"), {"thumbnail": "t.png"})
        broker.kill()
        broker.start()
        self.assertEqual(self.states(broker, workflow)[2]["publish"], ["caption"])
        caption = self.take(broker, "text")
        broker.call("POST", f"/jobs/{caption['jobId']}/fail", {"leaseId": caption["leaseId"], "error": {"type": "model", "message": "no words"}},
                    expect=200)
        broker.kill()
        broker.start()
        status, states, _ = self.states(broker, workflow)
        self.assertEqual((states["caption"], states["publish"], states["notify"], states["clean-up"]), ("failed", "failed", "failed", "pending"))
        self.assertEqual(status, "running")
        error = broker.call("GET", f"/jobs/{ids['publish']}", expect=200).json["errors"][-1]
        self.assertEqual(error["type"], "parent-failed")
        self.assertIn("caption", error["message"])
        clean_up = self.take(broker, "images")
        self.assertEqual(clean_up["parents"]["publish"], {"jobId": ids["publish"], "status": "failed", "result": None})
        self.finish(broker, clean_up)
        self.assertEqual(self.states(broker, workflow)[0], "failed")

        self.assertEqual(broker.call("POST", f"/workflows/{workflow}/retry", {}, expect=200).json["jobs"], 3)
        broker.kill()
        broker.start()
        self.finish(broker, self.take(broker, "text"), "a cat")
        publish = self.take(broker, "web")
        self.assertEqual({ref: parent["result"] for ref, parent in publish["parents"].items()},
                         {"thumbnail": {"thumbnail": "t.png"}, "caption": "a cat"})
        self.finish(broker, publish, {"url": "/a"})
        broker.kill()
        broker.start()
        notify = self.take(broker, "mail")
        self.assertEqual(notify["parents"]["publish"]["result"], {"url": "/a"})
        self.finish(broker, notify)
        status, states, _ = self.states(broker, workflow)
        self.assertEqual((status, set(states.values())), ("completed", {"completed"}))
        listed = broker.call("GET", "/workflows", expect=200).json["workflows"]
        self.assertEqual([(w["workflowId"], w["status"], w["left"]) for w in listed], [(workflow, "completed", 0)])

    def test_a_job_waits_for_those_that_it_adds(self):
        broker = self.broker()
        workflow = broker.call("POST", "/workflows", {"name": "book", "jobs": [
            {"ref": "shelf", "queue": "shelves"}, {"ref": "index", "queue": "q", "dependsOn": ["shelf"]}]}, expect=202).json["workflowId"]
        shelf = self.take(broker, "shelves")
        broker.call("POST", f"/jobs/{shelf['jobId']}/children",
                    {"leaseId": shelf["leaseId"], "jobs": [{"ref": "left", "queue": "pages"}, {"ref": "right", "queue": "pages"}]}, expect=202)
        waits = self.states(broker, workflow)[2]
        self.assertEqual(waits, {"shelf": ["left", "right"], "index": ["shelf"], "left": [], "right": []})
        self.finish(broker, self.take(broker, "pages"))
        broker.kill()
        broker.start()
        self.assertEqual(self.states(broker, workflow)[2]["shelf"], ["right"])
        self.finish(broker, self.take(broker, "pages"))
        shelf = self.take(broker, "shelves")
        self.assertEqual(self.states(broker, workflow)[2]["shelf"], [])
        broker.call("POST", f"/jobs/{shelf['jobId']}/suspend", {"leaseId": shelf["leaseId"], "waitFor": {"event": "sold"}}, expect=200)
        self.assertEqual(self.states(broker, workflow)[2]["shelf"], [])
        self.assertEqual(broker.call("GET", f"/jobs/{shelf['jobId']}/why", expect=200).json["event"], "sold")

    def test_ten_thousand_jobs_in_one_graph(self):
        broker = self.broker()
        jobs = [{"ref": "first", "queue": "q"}]
        jobs += [{"ref": f"m{i}", "queue": "q", "dependsOn": ["first"]} for i in range(9_998)]
        jobs.append({"ref": "last", "queue": "end", "dependsOn": [f"m{i}" for i in range(9_998)]})
        workflow = broker.call("POST", "/workflows", {"name": "wide", "jobs": jobs}, expect=202).json["workflowId"]
        problem = broker.call("POST", "/workflows", {"name": "wide", "jobs": jobs + [{"ref": "more", "queue": "q"}]}, expect=422).json
        self.assertEqual(problem["errors"][0]["pointer"], "/jobs")
        self.finish(broker, self.take(broker, "q"))
        done = 0
        while done < 9_998:
            leased = broker.lease("q", worker="w", max_jobs=1000, wait_ms=5_000)
            self.assertTrue(leased, done)
            broker.call("POST", "/leases/settle", {"settlements": [
                {"jobId": job["jobId"], "leaseId": job["leaseId"], "outcome": "complete"} for job in leased]}, expect=200)
            done += len(leased)
        last = self.take(broker, "end")
        self.assertEqual(len(last["parents"]), 9_998)
        self.finish(broker, last)
        whole = broker.call("GET", f"/workflows/{workflow}", expect=200).json
        self.assertEqual((whole["status"], len(whole["jobs"])), ("completed", 10_000))

    def test_a_wrong_graph_is_refused_whole(self):
        broker = self.broker()
        for jobs, pointer, words in [
            ([{"ref": "a", "queue": "q", "dependsOn": ["b"]}, {"ref": "b", "queue": "q", "dependsOn": ["a"]}], "/jobs/0/dependsOn", "a cycle"),
            ([{"ref": "a", "queue": "q"}, {"ref": "a", "queue": "q"}], "/jobs/1/ref", "job 0"),
            ([{"ref": "a", "queue": "q", "dependsOn": ["x"]}], "/jobs/0/dependsOn/0", "names no job"),
            ([{"ref": "a", "queue": "q", "onParentFailure": "ignore"}], "/jobs/0/onParentFailure", "fail, run or skip"),
        ]:
            problem = broker.call("POST", "/workflows", {"name": "w", "jobs": jobs}, expect=422).json
            self.assertEqual(problem["errors"][0]["pointer"], pointer)
            self.assertIn(words, problem["errors"][0]["detail"])
        self.assertEqual(broker.call("GET", "/workflows", expect=200).json["workflows"], [])
        self.assertEqual(broker.call("GET", "/queues", expect=200).json["queues"], [])


if __name__ == "__main__":
    sys.exit(harness.main())
