"""Compares a journal of tests/daemon/journal_client.cpp with what the broker has, seen from outside.

The names are those of the invariants: D1 what was answered is there, D2 what was not answered is wholly there or not at
all, D3 payloads are intact, D4 nothing is there that nobody sent, L1 and L3 one valid lease a job with growing numbers, S1
one end a job, S2 budgets, U2 one job for an idempotency key, C1 counters equal a recount.
"""
import collections
import json


class Journal:
    def __init__(self, path):
        self.submits, self.submitted = set(), {}
        self.batches, self.batched = {}, set()
        self.leases = collections.defaultdict(list)
        self.settles, self.settled, self.refused = {}, {}, {}
        self.handled = collections.Counter()
        self.in_a_cut, self.doubtful = False, 0
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):  # the client may have been killed within a line
                    self._read(*line.split())

    def _read(self, kind, *words):
        if kind in ("cut", "powered"):
            self.in_a_cut = kind == "cut"
        elif self.in_a_cut and kind in ("submitted", "batched", "leased", "settled"):
            self.doubtful += 1  # answered while the power failed: it may be there or not
        elif kind == "submit":
            self.submits.add(words[0])
        elif kind == "submitted":
            self.submitted[words[0]] = words[1]
        elif kind == "batch":
            self.batches[words[0]] = int(words[1])
        elif kind == "batched":
            self.batched.add(words[0])
        elif kind == "leased":
            self.leases[words[0]].append((words[1], int(words[2])))
        elif kind == "settle":
            self.settles[words[0], words[1]] = words[2]
        elif kind == "settled":
            self.settled[words[0], words[1]] = words[2]
        elif kind == "refused":
            self.refused[words[0], words[1]] = words[2]
        elif kind == "handled":
            self.handled[words[0]] += 1

    def operations(self):
        return len(self.submitted) + len(self.batched) + len(self.settled) + sum(map(len, self.leases.values()))


def all_jobs(broker, queue):
    jobs, cursor = {}, ""
    while True:
        path = f"/jobs?queue={queue}&limit=1000&include=payload" + (f"&cursor={cursor}" if cursor else "")
        answer = broker.call("GET", path)
        if answer.status == 404:
            return jobs  # the broker knows no such queue
        assert answer.status == 200, answer.body
        page = answer.json
        for job in page["jobs"]:
            assert job["jobId"] not in jobs, f"twice in a list: {job['jobId']}"
            jobs[job["jobId"]] = job
        cursor = page.get("nextCursor")
        if not cursor:
            return jobs


def audit(broker, journal, queues=("audited", "library")):
    """The problems, as sentences; empty when every promise was kept."""
    problems, jobs = [], {}
    for queue in queues:
        found, counts = _at_rest(broker, queue)
        problems += _counters(queue, counts, found)
        jobs.update(found)
    by_key = collections.defaultdict(list)
    for job in jobs.values():
        key = job["payload"]["key"]
        by_key[key].append(job)
        if set(job["payload"]["fill"]) != {job["payload"]["fill"][:1]} or not 50 <= len(job["payload"]["fill"]) < 450:
            problems.append(f"D3: the payload of {job['jobId']} is not what was sent")
    problems += _submits(journal, by_key)
    problems += _settles(journal, jobs)
    return problems


def _at_rest(broker, queue, tries=5):
    """The queue's jobs and counts of one moment: leases of the load that run out while the pages are read move both."""
    for _ in range(tries):
        before = _counts(broker, queue)
        found = all_jobs(broker, queue)
        if before == _counts(broker, queue):
            break
    return found, before


def _counts(broker, queue):
    answer = broker.call("GET", f"/queues/{queue}")
    return answer.json["counts"] if answer.status == 200 else {}


def _counters(queue, counts, found):
    recount = collections.Counter(job["status"] for job in found.values())
    return [f"C1: {queue} counts {counts[status]} {status}, there are {recount[status]}"
            for status in counts if counts[status] != recount[status]]


def _submits(journal, by_key):
    problems = []
    for key, job_id in journal.submitted.items():
        if [job["jobId"] for job in by_key.get(key, [])] != [job_id]:
            problems.append(f"D1/U2: {key} was answered as {job_id}, there is {[j['jobId'] for j in by_key.get(key, [])]}")
    for key in journal.submits - journal.submitted.keys():
        if len(by_key.get(key, [])) > 1:
            problems.append(f"U2: {key} is there {len(by_key[key])} times")
    for key, count in journal.batches.items():
        there = [len(by_key.get(f"{key}.{i}", [])) for i in range(count)]
        if there not in ([1] * count, [0] * count) or (key in journal.batched and there != [1] * count):
            problems.append(f"D1/D2: of the batch {key} ({'answered' if key in journal.batched else 'unknown'}) there are {there}")
    sent = journal.submits | {f"{key}.{i}" for key, count in journal.batches.items() for i in range(count)}
    problems += [f"D4: nobody sent {key}" for key in by_key.keys() - sent]
    return problems


def _settles(journal, jobs):
    problems = []
    completed_by = collections.defaultdict(list)
    for (job_id, lease), status in journal.settled.items():
        asked = journal.settles[job_id, lease]
        if job_id not in jobs:
            problems.append(f"D1: {job_id} was settled and is gone")
        elif asked == "complete":
            completed_by[job_id].append(lease)
            if jobs[job_id]["status"] != "completed":
                problems.append(f"D1: {job_id} was answered {status} and is {jobs[job_id]['status']}")
        elif jobs[job_id]["attemptsMade"] == 0:
            problems.append(f"D1: {job_id} failed once and counts no attempt")
    for job_id, leases in completed_by.items():
        if len(leases) > 1:
            problems.append(f"S1: {job_id} was completed under {leases}")
    for job_id, leases in journal.leases.items():
        numbers = [int(lease, 16) for lease, _ in leases]
        if len(set(numbers)) != len(numbers):
            problems.append(f"L1: {job_id} had one lease twice: {leases}")
        for lease, attempt in leases:
            if attempt > 3:
                problems.append(f"S2: {job_id} ran attempt {attempt} of 3")
    for job in jobs.values():
        if job["queue"] == "library" and job["status"] == "completed" and journal.handled[job["jobId"]] == 0:
            problems.append(f"D4: {job['jobId']} was completed and nobody handled it")
    return problems


def results_of(broker, journal, most=200):
    """D3 for results: those jobs' results name the lease that completed them."""
    problems = []
    for (job_id, lease), _ in [item for item in journal.settled.items() if journal.settles[item[0]] == "complete"][-most:]:
        record = broker.job(job_id)
        if record["result"] != {"by": lease}:
            problems.append(f"D3: {job_id} was completed under {lease} and holds {json.dumps(record['result'])}")
    return problems
