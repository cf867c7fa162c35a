"""Walks through every operation of a running broker and validates each answer against its own /openapi.json.

    validate_live.py URL [--token TOKEN]

Makes queues of its own names and deletes them again. Prints one line for each call; exits 1 if an answer does not fit
the document, has an undocumented status, or if an operation of the document was not called.
"""

import argparse
import http.client
import json
import re
import sys
import urllib.parse
import uuid

import jsonschema

PATIENCE_S = 40


class Broker:
    def __init__(self, url, token):
        self.address = urllib.parse.urlsplit(url)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def open(self, method, target, body=None, headers=()):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=PATIENCE_S)
        sent = dict(self.headers, **dict(headers))
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, target, body, sent)
        return connection, connection.getresponse()


class Walk:
    def __init__(self, broker):
        self.broker = broker
        connection, response = broker.open("GET", "/openapi.json")
        self.document = json.loads(response.read())
        connection.close()
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in ("get", "put", "post", "patch", "delete")
        }
        self.called = set()
        self.wrong = 0

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for key in node["$ref"][2:].split("/"):
                target = target[key]
            node = target
        return node

    def complain(self, text):
        self.wrong += 1
        print(f"WRONG {text}")

    def check(self, operation_id, status, content_type, body):
        method, path, operation = self.operations[operation_id]
        where = f"{method} {path} → {status}"
        documented = operation["responses"].get(str(status))
        if documented is None:
            documented = operation["responses"].get("default") if status >= 400 else None
        if documented is None:
            return self.complain(f"{where}: the status is not documented")
        content = self.resolve(documented).get("content", {})
        media = (content_type or "").split(";")[0]
        if not content:
            if body:
                self.complain(f"{where}: a body that is not documented: {body[:100]!r}")
            return None
        if media not in content:
            return self.complain(f"{where}: Content-Type {media} is not documented")
        if "json" not in media:
            return None
        value = json.loads(body)
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema",
                  "components": self.document["components"], **content[media]["schema"]}
        checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        for error in checker.iter_errors(value):
            place = "/".join(str(step) for step in error.absolute_path)
            self.complain(f"{where}: at /{place}: {error.message[:300]}")
        if status >= 400 and value.get("status") != status:
            self.complain(f"{where}: the problem says status {value.get('status')}")
        return value

    def call(self, operation_id, expected, body=None, headers=(), query="", **params):
        """Calls an operation, validates the answer, returns it with its headers."""
        method, path, _ = self.operations[operation_id]
        target = re.sub(r"{(\w+)}", lambda m: urllib.parse.quote(params[m[1]], safe=""), path)
        connection, response = self.broker.open(method, target + (f"?{query}" if query else ""), body, headers)
        text = response.read()
        connection.close()
        self.called.add(operation_id)
        print(f"{operation_id}: {method} {target} → {response.status}")
        if response.status != expected:
            self.complain(f"{operation_id}: {response.status} instead of {expected}: {text[:300]!r}")
        return self.check(operation_id, response.status, response.headers.get("Content-Type"), text), response.headers

    def stream(self, operation_id, lines, query="", headers=(), **params):
        """Reads the first lines of an event stream."""
        method, path, _ = self.operations[operation_id]
        target = re.sub(r"{(\w+)}", lambda m: params[m[1]], path) + (f"?{query}" if query else "")
        connection, response = self.broker.open(method, target, headers=headers)
        self.called.add(operation_id)
        print(f"{operation_id}: {method} {target} → {response.status}")
        self.check(operation_id, response.status, response.headers.get("Content-Type"), b"")
        seen = [response.readline().decode().rstrip("\n") for _ in range(lines)]
        connection.close()
        return seen


def walk_a_job(walk, queue):
    job, headers = walk.call("submitJob", 202, {
        "queue": queue, "name": "encode", "payload": {"a": [1, 2.5]}, "tags": ["t"], "group": "g", "priority": 5,
        "timeoutMs": 60000, "uniqueKey": "u1"})
    job_id = job["jobId"]
    if headers["Location"] != f"/jobs/{job_id}":
        walk.complain(f"Location is {headers['Location']}")
    walk.call("submitJob", 200, {"queue": queue, "uniqueKey": "u1"})
    walk.call("explainJob", 200, jobId=job_id)
    walk.call("heartbeatJob", 409, {"leaseId": "0" * 16}, jobId=job_id)
    leased, _ = walk.call("leaseJobs", 200, {"workerId": "live", "max": 5, "waitMs": 5000}, queue=queue)
    lease = leased["jobs"][0]["leaseId"]
    walk.call("explainJob", 200, jobId=job_id)
    walk.call("deleteJob", 409, jobId=job_id)
    walk.call("heartbeatJob", 200, {"leaseId": lease, "progress": 12.5, "message": "m", "leaseMs": 5000}, jobId=job_id)
    walk.call("appendJobLogs", 200, {"leaseId": lease, "lines": ["one", "two"]}, jobId=job_id)
    walk.call("getJob", 200, jobId=job_id)
    walk.call("listWorkers", 200, query="limit=1000")
    walk.call("failJob", 200, {"leaseId": lease, "error": {"type": "T", "message": "m", "stack": "s"},
                               "retryDelayMs": 600000}, jobId=job_id)
    walk.call("explainJob", 200, jobId=job_id)
    walk.call("changeJob", 200, {"runAt": "2099-01-02T03:04:05Z", "priority": -9}, jobId=job_id)
    walk.call("changeJob", 200, {"delayMs": 600000}, jobId=job_id)
    walk.call("changeJob", 422, {"delayMs": -1, "priority": 1001}, jobId=job_id)
    walk.call("promoteJob", 200, jobId=job_id)
    leased, _ = walk.call("leaseJobs", 200, {"workerId": "live", "waitMs": 5000}, queue=queue)
    lease = leased["jobs"][0]["leaseId"]
    walk.call("changeJob", 409, {"priority": 1}, jobId=job_id)
    walk.call("completeJob", 409, {"leaseId": "f" * 16}, jobId=job_id)
    walk.call("completeJob", 200, {"leaseId": lease, "result": [1]}, jobId=job_id)
    walk.call("completeJob", 200, {"leaseId": lease, "result": [1]}, jobId=job_id)
    _, headers = walk.call("getJob", 200, jobId=job_id, query="waitMs=1000")
    walk.call("getJob", 304, headers={"If-None-Match": headers["ETag"]}, jobId=job_id)
    walk.call("getJob", 200, headers={"Prefer": "wait=1"}, jobId=job_id)
    walk.call("getJobLogs", 200, jobId=job_id, query="limit=1")
    walk.call("explainJob", 200, jobId=job_id)
    walk.call("retryJob", 200, {}, jobId=job_id)
    walk.call("cancelJob", 200, jobId=job_id)
    lines = walk.stream("streamJobEvents", 5, jobId=job_id)
    if not any(line.startswith("data: {") for line in lines):
        walk.complain(f"the job's stream begins with {lines}")
    walk.call("deleteJob", 204, jobId=job_id)
    walk.call("getJob", 404, jobId=job_id)
    walk.call("streamJobEvents", 404, jobId=job_id)
    walk.call("getJobLogs", 404, jobId=job_id)


def walk_many(walk, queue):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    batch = {"jobs": [{"queue": queue, "payload": n} for n in range(4)]}
    walk.call("submitBatch", 202, batch, headers=key)
    walk.call("submitBatch", 200, batch, headers=key)
    walk.call("submitBatch", 422, {"jobs": [{"queue": queue}]}, headers=key)
    page, _ = walk.call("listJobs", 200, query=f"queue={queue}&limit=3&order=oldest&status=pending,active")
    walk.call("listJobs", 200, query=f"queue={queue}&limit=3&include=payload,result,details&order=oldest"
                                     f"&status=pending,active&cursor={page['nextCursor']}")
    leased, _ = walk.call("leaseJobs", 200, {"workerId": "live", "max": 4, "waitMs": 5000}, queue=queue)
    items = [{"jobId": j["jobId"], "leaseId": j["leaseId"]} for j in leased["jobs"]]
    settled, _ = walk.call("settleLeases", 200, {"settlements": [
        {**items[0], "outcome": "complete", "result": None},
        {**items[1], "outcome": "fail", "error": {"type": "T"}, "permanent": True},
        {**items[2], "outcome": "fail", "error": {"type": "T"}, "permanent": True},
        {**items[0], "leaseId": "0" * 16, "outcome": "release"}]})
    statuses = [result["status"] for result in settled["results"]]
    if statuses != ["completed", "failed", "failed", 409]:
        walk.complain(f"settled as {statuses}")
    walk.call("releaseJob", 200, {"leaseId": items[3]["leaseId"], "delayMs": 60000}, jobId=items[3]["jobId"])
    walk.call("listDeadLetters", 200, queue=queue, query="errorType=T&include=details")
    walk.call("listFailureGroups", 200, queue=queue)
    walk.call("replayDeadLetters", 200, {"jobIds": [items[1]["jobId"]]}, queue=queue)
    walk.call("replayDeadLetters", 422, {}, queue=queue)
    purged, _ = walk.call("purgeDeadLetters", 200, queue=queue)
    walk.call("getOperation", 200, operationId=purged["operationId"])
    walk.call("pauseOperation", 200, operationId=purged["operationId"])
    walk.call("resumeOperation", 200, operationId=purged["operationId"])
    walk.call("cancelOperation", 200, operationId=purged["operationId"])
    walk.call("getOperation", 404, operationId="none")
    bulk, _ = walk.call("startBulk", 202, {"filter": {"queue": queue, "status": "delayed"}, "action": "promote",
                                           "perSecond": 100})
    walk.call("getOperation", 200, operationId=bulk["bulkId"])
    narrow, _ = walk.call("startBulk", 202, {"filter": {"queue": queue, "worker": "w", "createdAfter": "2026-01-01T00:00:00Z",
                                                        "createdBefore": "2026-01-02T00:00:00Z", "attemptsMin": 1, "attemptsMax": 9,
                                                        "payload": {"user.id": "42"}, "q": "text"}, "action": "retry"})
    walk.call("getOperation", 200, operationId=narrow["bulkId"])
    walk.call("startBulk", 422, {"filter": {}, "action": "retry"})
    walk.call("startBulk", 422, {"filter": {"status": ["lost"]}, "action": "burn", "perSecond": 0})
    walk.call("startBulk", 404, {"filter": {"queue": "nowhere"}, "action": "retry"})
    walk.call("listOperations", 200, query="limit=1")
    lines = walk.stream("streamEvents", 4, query=f"queue={queue}", headers={"Last-Event-ID": "1"})
    if "event: gap" not in lines:
        walk.complain(f"the queue's stream begins with {lines}")
    walk.call("drainQueue", 200, queue=queue)


def walk_operations(walk, queue):
    walk.call("putQueue", 200, {"paused": True, "pauseReason": "r", "defaults": {
        "priority": 1, "maxAttempts": 2, "maxStalls": 3, "leaseMs": 5000, "timeoutMs": None,
        "backoff": {"type": "fixed"}, "retention": {"completedMs": 1000}}}, queue=queue)
    walk.call("pauseQueue", 200, {"reason": "again"}, queue=queue)
    walk.call("resumeQueue", 200, queue=queue)
    walk.call("getQueue", 200, queue=queue)
    walk.call("listQueues", 200, query="limit=1000")
    walk.call("getStats", 200, query=f"queue={queue}&seconds=60")
    walk.call("getStats", 200)
    walk.call("getStats", 422, query="from=2026-01-01T00:00:00Z&seconds=5&step=61")
    pauses, _ = walk.call("listAudit", 200, query=f"queue={queue}&action=pause")
    if [entry["detail"] for entry in pauses["entries"]] != ["again"]:
        walk.complain(f"the audit log says of pauses {pauses['entries']}")
    entries, _ = walk.call("listAudit", 200, query=f"queue={queue}&limit=2")
    walk.call("listAudit", 200, query=f"queue={queue}&limit=2&cursor={entries['nextCursor']}")
    walk.call("listAudit", 422, query="from=yesterday")
    for field in ("queue", "name", "group", "tag", "errorType", "worker"):
        walk.call("suggest", 200, query=f"field={field}&prefix=l&limit=5")
    walk.call("suggest", 422, query="field=colour")
    walk.call("putQueue", 200, {"searchable": ["user.id"]}, queue=queue)
    walk.call("listJobs", 200, query=f"queue={queue}&payload.user.id=7&attemptsMin=1&createdAfter=2026-01-01T00:00:00Z&q=x")
    for operation in ("getMetrics", "getLivez", "getReadyz", "getVersion", "getOpenapi"):
        walk.call(operation, 200)
    walk.call("connectWorker", 426)


def walk_limits(walk, queue):
    """Each limit in turn keeps a job from running, and `why` says so."""
    def why_of(expected):
        reason, _ = walk.call("explainJob", 200, jobId=job["jobId"])
        if reason["reason"] != expected:
            walk.complain(f"why says {reason['reason']}, not {expected}")

    def lease():
        leased, _ = walk.call("leaseJobs", 200, {"workerId": "live", "max": 1}, queue=queue)
        return leased["jobs"]

    queue += "-limits"
    walk.call("putQueue", 200, {"maxConcurrency": 1}, queue=queue)
    walk.call("submitJob", 202, {"queue": queue})
    job, _ = walk.call("submitJob", 202, {"queue": queue})
    first = lease()[0]
    if lease():
        walk.complain("more jobs run than the limit allows")
    why_of("concurrency-limit")
    walk.call("rateLimitJob", 200, {"leaseId": first["leaseId"], "retryAfterMs": 3_600_000}, jobId=first["jobId"])
    why_of("held")
    walk.call("rateLimitJob", 409, {"leaseId": "0" * 16, "retryAfterMs": 1}, jobId=first["jobId"])
    walk.call("rateLimitJob", 422, {"leaseId": first["leaseId"]}, jobId=first["jobId"])
    walk.call("putQueue", 200, {"maxConcurrency": None, "rateLimit": {"max": 1, "perMs": 3_600_000}}, queue=queue)
    walk.call("resumeQueue", 200, queue=queue)
    again = lease()[0]
    why_of("rate-limit")
    walk.call("settleLeases", 200, {"settlements": [
        {"jobId": again["jobId"], "leaseId": again["leaseId"], "outcome": "rate-limited", "retryAfterMs": 1}]})
    walk.call("getQueue", 200, queue=queue)
    walk.call("putQueue", 200, {"rateLimit": None}, queue=queue)
    walk_named_limits(walk, queue)


def walk_named_limits(walk, queue):
    def why_of(job, expected):
        reason, _ = walk.call("explainJob", 200, jobId=job["jobId"])
        if reason["reason"] != expected:
            walk.complain(f"why says {reason['reason']}, not {expected}")

    def lease(most=1):
        leased, _ = walk.call("leaseJobs", 200, {"workerId": "live", "max": most}, queue=queue)
        held.update((job["jobId"], job["leaseId"]) for job in leased["jobs"])
        return leased["jobs"]

    def submit(**fields):
        return walk.call("submitJob", 202, {"queue": queue, **fields})[0]

    held = {}
    queue += "-named"
    name = queue + "-api"
    walk.call("putLimit", 422, {}, limit=name)
    walk.call("putLimit", 422, {"concurrency": -1}, limit=name)
    walk.call("getLimit", 404, limit=name)
    walk.call("submitJob", 422, {"queue": queue, "limits": [name]})
    walk.call("putLimit", 200, {"concurrency": 1}, limit=name)
    submit(limits=[name])
    second = submit(limits=[name])
    running = lease(5)
    why_of(second, "named-concurrency-limit")
    walk.call("getJob", 200, jobId=second["jobId"])
    walk.call("getLimit", 200, limit=name)
    walk.call("listLimits", 200, query="limit=1")
    walk.call("deleteLimit", 409, limit=name)
    walk.call("rateLimitJob", 200, {"leaseId": running[0]["leaseId"], "retryAfterMs": 3_600_000}, jobId=running[0]["jobId"])
    why_of(second, "named-limit-held")
    walk.call("resumeLimit", 200, limit=name)
    walk.call("putLimit", 200, {"rate": {"max": 1, "perMs": 3_600_000}}, limit=name)
    lease()
    why_of(second, "named-rate-limit")
    walk.call("drainQueue", 200, queue=queue)
    walk.call("putQueue", 200, {"groupConcurrency": 1, "priorityAgeingMs": 60_000, "onOrderedFailure": "block"}, queue=queue)
    submit(group="a", priority=2)
    second = submit(group="a")
    lease(5)
    why_of(second, "group-concurrency-limit")
    walk.call("putQueue", 200, {"groupConcurrency": None, "groupRateLimit": {"max": 1, "perMs": 3_600_000}}, queue=queue)
    submit(group="b")
    second = submit(group="b")
    lease(5)
    why_of(second, "group-rate-limit")
    walk.call("putQueue", 200, {"groupRateLimit": None, "priorityAgeingMs": None}, queue=queue)
    lease(5)
    walk.call("pauseGroup", 200, {"group": "p", "reason": "their bill"}, queue=queue)
    second = submit(group="p")
    if lease(5):
        walk.complain("a job of a paused group runs")
    why_of(second, "group-paused")
    walk.call("listGroups", 200, queue=queue, query="paused=true&limit=5")
    walk.call("resumeGroup", 200, {"group": "p"}, queue=queue)
    walk.call("listGroups", 200, queue=queue, query="group=p")
    walk.call("listGroups", 422, queue=queue, query="limit=0")
    walk.call("pauseGroup", 422, {"reason": "whose?"}, queue=queue)
    walk.call("resumeGroup", 422, {"group": "p", "reason": "none is needed"}, queue=queue)
    walk.call("resumeGroup", 404, {"group": "p"}, queue=queue + "-nowhere")
    lease(5)
    submit(group="c", ordered=True)
    second = submit(group="c", ordered=True)
    first = lease(5)[0]
    why_of(second, "ordered-behind")
    walk.call("failJob", 200, {"leaseId": first["leaseId"], "error": {"message": "no"}, "permanent": True}, jobId=first["jobId"])
    why_of(second, "ordered-failed")
    walk.call("settleLeases", 200, {"settlements": [
        {"jobId": job, "leaseId": lease_id, "outcome": "complete"} for job, lease_id in held.items()]})
    walk.call("drainQueue", 200, queue=queue)
    held.clear()
    submit(latest={"key": "k"})
    (first,) = lease()
    second = submit(latest={"key": "k"}, payload=1)
    walk.call("submitJob", 200, {"queue": queue, "latest": {"key": "k"}, "payload": 2})
    why_of(second, "ordered-behind")
    walk.call("getJob", 200, jobId=second["jobId"])
    invoke = {"leaseId": first["leaseId"], "invoke": {"queue": queue, "name": "sub", "payload": 1}}
    walk.call("suspendJob", 422, {**invoke, "sleepMs": 1}, jobId=first["jobId"])
    walk.call("suspendJob", 422, {**invoke, "invoke": {"queue": queue, "uniqueKey": "k"}}, jobId=first["jobId"])
    invoked, _ = walk.call("suspendJob", 200, invoke, jobId=first["jobId"])
    held.clear()
    (sub,) = lease()
    if sub["jobId"] != invoked["invoked"]:
        walk.complain("another job was invoked than the answer says")
    walk.call("completeJob", 200, {"leaseId": sub["leaseId"], "result": {"n": 1}}, jobId=sub["jobId"])
    held.clear()
    (again,) = lease()
    if again.get("steps") != {"sub": {"n": 1}}:
        walk.complain("an invoked job's result does not come with the lease")
    for wrong in ({"callback": {"url": "http://x.test/"}}, {"callback": {"url": "x"}}, {"callback": {"url": "http://x.test/", "on": ["begun"]}},
                  {"latest": {"key": "k"}, "priority": 1}, {"latest": {}}, {"latest": {"key": "k"}, "uniqueKey": "u"}, {"ordered": True}, {"ordered": True, "group": "g", "priority": 1}, {"limits": ["a"] * 9}, {"limits": "a"}):
        walk.call("submitJob", 422, {"queue": queue, **wrong})
    walk.call("settleLeases", 200, {"settlements": [
        {"jobId": job, "leaseId": lease_id, "outcome": "complete"} for job, lease_id in held.items()]})
    walk.call("deleteQueue", 200, queue=queue, query="force=true")
    walk.call("deleteLimit", 200, limit=name)
    for operation in ("getLimit", "deleteLimit", "resumeLimit"):
        walk.call(operation, 404, limit=name)


def walk_schedules(walk, queue):
    name = queue + "-schedule"
    least = {"queue": queue, "everyMs": 3_600_000}
    walk.call("putSchedule", 200, least, scheduleId=name)
    walk.call("getSchedule", 200, scheduleId=name)
    whole = least | {
        "name": "n", "payload": {"a": [1]}, "priority": 1, "delayMs": 1, "maxAttempts": 2, "maxStalls": 3, "leaseMs": 5000,
        "timeoutMs": 1, "backoff": {"type": "fixed"}, "retention": {"completedMs": 1000}, "uniqueKey": name, "uniqueForMs": 1,
        "group": "g", "tags": ["t"], "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "startAt": "2040-01-01T00:00:00Z", "endAt": "2041-01-01T00:00:00Z", "maxRuns": 3, "missed": "all", "overlap": "skip",
        "paused": False}
    walk.call("putSchedule", 200, whole, scheduleId=name)
    walk.call("runSchedule", 202, scheduleId=name)
    walk.call("runSchedule", 200, scheduleId=name)  # its unique key is held
    walk.call("getSchedule", 200, scheduleId=name)
    walk.call("listSchedules", 200, query="limit=1000")
    walk.call("pauseSchedule", 200, scheduleId=name)
    walk.call("resumeSchedule", 200, scheduleId=name)
    walk.call("putSchedule", 422, {"queue": queue, "runAt": "2040-01-01T00:00:00Z", "missed": "some"}, scheduleId=name)
    walk.call("putSchedule", 422, whole | {"overlap": "replace"}, scheduleId=name)
    walk.call("deleteQueue", 409, queue=queue, query="force=true")
    walk.call("deleteSchedule", 409, scheduleId=name)
    walk.call("deleteSchedule", 200, scheduleId=name, query="force=true")
    for operation in ("getSchedule", "runSchedule", "pauseSchedule", "resumeSchedule", "deleteSchedule"):
        walk.call(operation, 404, scheduleId=name)


def walk_steps(walk, queue):
    queue += "-steps"

    def lease():
        return walk.call("leaseJobs", 200, {"workerId": "w", "max": 1}, queue=queue)[0]["jobs"][0]

    job_id = walk.call("submitJob", 202, {"queue": queue})[0]["jobId"]
    job = lease()
    held = {"leaseId": job["leaseId"]}
    for _ in range(2):
        walk.call("keepStep", 200, held | {"result": {"a": 1}}, jobId=job_id, step="one")
    walk.call("keepStep", 409, {"leaseId": "0" * 16, "result": 1}, jobId=job_id, step="two")
    walk.call("suspendJob", 422, held | {"sleepMs": 1, "waitFor": {"event": "e"}}, jobId=job_id)
    walk.call("suspendJob", 409, held | {"sleepMs": 1, "as": "one"}, jobId=job_id)
    walk.call("suspendJob", 200, held | {"sleepMs": 3_600_000, "as": "nap"}, jobId=job_id)
    walk.call("promoteJob", 200, jobId=job_id)
    held = {"leaseId": lease()["leaseId"]}
    wait = {"event": "paid", "match": {"a.b": 1, "c": "x", "d": None, "e": True}, "timeoutMs": 3_600_000, "as": "payment"}
    walk.call("settleLeases", 200, {"settlements": [held | {"jobId": job_id, "outcome": "suspend", "waitFor": wait}]})
    walk.call("getJob", 200, jobId=job_id)
    if walk.call("explainJob", 200, jobId=job_id)[0]["reason"] != "waiting-for-event":
        walk.complain("why does not name the event")
    data = {"a": {"b": 1.0}, "c": "x", "d": None, "e": True}
    if walk.call("raiseEvent", 202, {"name": "paid", "data": data})[0]["resumed"] != 1:
        walk.complain("an event did not wake the job that waits for it")
    walk.call("raiseEvent", 422, {"data": 1})
    walk.call("completeJob", 200, {"leaseId": lease()["leaseId"]}, jobId=job_id)
    trigger = queue + "-trigger"
    walk.call("putTrigger", 200, {"event": "e", "queue": queue}, triggerId=trigger)
    whole = {"event": "e", "queue": queue, "name": "n", "match": {"a": 1}, "batch": {"max": 2, "timeoutMs": 3_600_000}, "priority": 1,
             "delayMs": 1, "tags": ["t"], "maxAttempts": 2, "backoff": {"type": "fixed"}}
    walk.call("putTrigger", 200, whole, triggerId=trigger)
    for _ in range(2):
        walk.call("raiseEvent", 202, {"name": "e", "data": {"a": 1}})
    walk.call("getTrigger", 200, triggerId=trigger)
    walk.call("listTriggers", 200, query="limit=1000")
    walk.call("putTrigger", 422, {"queue": queue, "payload": 1}, triggerId=trigger)
    walk.call("deleteQueue", 409, queue=queue, query="force=true")
    walk.call("deleteTrigger", 200, triggerId=trigger)
    for operation in ("getTrigger", "deleteTrigger"):
        walk.call(operation, 404, triggerId=trigger)
    walk.call("deleteQueue", 200, queue=queue, query="force=true")


def walk_workflows(walk, queue):
    queue += "-graphs"

    def lease():
        return walk.call("leaseJobs", 200, {"workerId": "w", "max": 1}, queue=queue)[0]["jobs"][0]

    graph = {"name": "photo", "jobs": [
        {"ref": "a", "queue": queue, "payload": 1},
        {"ref": "b", "queue": queue, "dependsOn": ["a"], "priority": 5},
        {"ref": "c", "queue": queue, "dependsOn": ["a", "b"], "onParentFailure": "run", "tags": ["t"]},
        {"ref": "d", "queue": queue, "dependsOn": ["b"], "onParentFailure": "skip"}]}
    workflow = walk.call("submitWorkflow", 202, graph)[0]["workflowId"]
    walk.call("getWorkflow", 200, workflowId=workflow)
    walk.call("listWorkflows", 200, query="limit=1")
    job = lease()
    walk.call("addChildren", 202, {"leaseId": job["leaseId"], "jobs": [{"ref": "x", "queue": queue, "priority": 9}]}, jobId=job["jobId"])
    walk.call("addChildren", 409, {"leaseId": job["leaseId"], "jobs": [{"ref": "y", "queue": queue}]}, jobId=job["jobId"])
    if walk.call("getWorkflow", 200, workflowId=workflow)[0]["jobs"][0]["waitsFor"] != ["x"]:
        walk.complain("a job does not wait for its child")
    child = lease()
    walk.call("completeJob", 200, {"leaseId": child["leaseId"], "result": {"n": 1}}, jobId=child["jobId"])
    again = lease()
    if again.get("parents", {}).get("x", {}).get("result") != {"n": 1}:
        walk.complain("the child's result does not come with the lease")
    walk.call("completeJob", 200, {"leaseId": again["leaseId"]}, jobId=again["jobId"])
    failing = lease()
    walk.call("failJob", 200, {"leaseId": failing["leaseId"], "error": {"message": "no"}, "permanent": True}, jobId=failing["jobId"])
    walk.call("getJob", 200, jobId=failing["jobId"])
    walk.call("retryWorkflow", 200, workflowId=workflow)
    walk.call("cancelWorkflow", 200, workflowId=workflow)
    if walk.call("getWorkflow", 200, workflowId=workflow)[0]["status"] != "cancelled":
        walk.complain("a cancelled workflow is not")
    for jobs in ([], [{"ref": "a", "queue": queue, "dependsOn": ["a"]}], [{"ref": "a", "queue": queue}, {"ref": "a", "queue": queue}],
                 [{"ref": "a", "queue": queue, "dependsOn": ["b"]}, {"ref": "b", "queue": queue, "dependsOn": ["a"]}],
                 [{"ref": "a", "queue": queue, "dependsOn": ["z"]}], [{"ref": "a", "queue": queue, "uniqueKey": "k"}]):
        walk.call("submitWorkflow", 422, {"name": "w", "jobs": jobs})
    for operation in ("getWorkflow", "cancelWorkflow", "retryWorkflow"):
        walk.call(operation, 404, workflowId="00000000-0000-7000-8000-000000000000")
    walk.call("deleteQueue", 200, queue=queue, query="force=true")


def walk_refusals(walk, queue):
    walk.call("submitJob", 400, b'{"queue":')
    walk.call("submitJob", 422, {"queue": 5, "priority": 5000, "colour": "red"})
    walk.call("submitJob", 415, b"queue=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    walk.call("submitJob", 413, {"queue": queue, "payload": "x" * (3 << 20)})
    walk.call("listJobs", 422, query="limit=5000&colour=red")
    walk.call("getQueue", 404, queue=queue + "-none")
    walk.call("pauseQueue", 404, queue=queue + "-none")
    walk.call("listDeadLetters", 404, queue=queue + "-none")
    walk.call("leaseJobs", 422, {"max": 0}, queue=queue)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--token")
    arguments = parser.parse_args()
    walk = Walk(Broker(arguments.url, arguments.token))
    queue = "live-" + uuid.uuid4().hex[:12]
    walk_a_job(walk, queue)
    walk_many(walk, queue)
    walk_operations(walk, queue)
    walk_limits(walk, queue)
    walk_schedules(walk, queue)
    walk_steps(walk, queue)
    walk_workflows(walk, queue)
    walk_refusals(walk, queue)
    walk.call("deleteQueue", 200, queue=queue, query="force=true")
    for operation in sorted(set(walk.operations) - walk.called):
        walk.complain(f"{operation} was not called")
    print(f"{len(walk.called)} operations called, {walk.wrong} wrong")
    sys.exit(1 if walk.wrong else 0)


if __name__ == "__main__":
    main()
