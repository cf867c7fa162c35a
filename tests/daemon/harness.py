"""The real programs, from outside: a broker in a folder of its own, JSON over HTTP, and what tests wait for."""
import datetime
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ.get("PAWL_BIN", "build/release/bin")).resolve()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None


def request(url, method, path, body=None, token=None, headers=None, timeout=40):
    """One request on a connection of its own. Raises OSError or http.client.HTTPException without an answer."""
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        fields = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        if token:
            fields["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


class Broker:
    """One pawld. Its standard error is kept in `log_path`; its first line on standard output is `ready_line`."""

    def __init__(self, folder, *arguments, environment=None, listen="127.0.0.1:0", token=None, data=None, prefix=()):
        self.folder = pathlib.Path(folder)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.log_path = self.folder / "pawld.log"
        self.token, self.url, self.ready_line = token, None, None
        self.command = [*prefix, str(BIN / "pawld"), "--data", str(self.data), "--listen", listen, *arguments]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")} | (environment or {})
        if token:
            self.environment["PAWL_TOKEN"] = token
        self.process = None

    def start(self, timeout=30):
        if self.process:
            self.process.stdout.close()
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, env=self.environment,
                                        cwd=self.folder, stdin=subprocess.DEVNULL)
        log.close()
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        self.ready_line = self.process.stdout.readline().decode().rstrip("\n")
        timer.cancel()
        if not self.ready_line.startswith("pawld ready http://"):
            status = self.process.wait(timeout=10)
            raise AssertionError(f"pawld did not get ready (status {status}): {self.ready_line!r}\n{self.log()}")
        self.url = self.ready_line.removeprefix("pawld ready ")
        # Started again, it listens where its clients know it.
        self.command[self.command.index("--listen") + 1] = self.url.removeprefix("http://")
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def call(self, method, path, body=None, expect=None, **more):
        answer = request(self.url, method, path, body, token=self.token, **more)
        if expect is not None and answer.status != expect:
            raise AssertionError(f"{method} {path}: {answer.status} instead of {expect}: {answer.body[:2000]!r}")
        return answer

    def submit(self, queue, **fields):
        return self.call("POST", "/jobs", {"queue": queue, **fields}, expect=202).json["jobId"]

    def job(self, job_id, wait_ms=0):
        return self.call("GET", f"/jobs/{job_id}" + (f"?waitMs={wait_ms}" if wait_ms else ""), expect=200).json

    def lease(self, queue, worker="test", max_jobs=1, wait_ms=0):
        body = {"workerId": worker, "max": max_jobs, "waitMs": wait_ms}
        return self.call("POST", f"/queues/{queue}/lease", body, expect=200).json["jobs"]

    def terminate(self, timeout=30):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def refused_start(folder, *arguments, environment=None):
    """Runs a pawld that must not start: its status and its standard error."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")} | (environment or {})
    done = subprocess.run([str(BIN / "pawld"), *arguments], cwd=folder, env=clean, capture_output=True, text=True,
                          timeout=20, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


def check_store(data):
    """`pawl check` on a store that nobody has open: its status and what it says."""
    done = subprocess.run([str(BIN / "pawl"), "check", str(data)], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def eventually(condition, timeout=20, what="the condition"):
    """Asks until the answer is true; for what can only be seen from outside."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(0.02)


def seconds_of(text):
    """Unix time of a time as the broker writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def fullest_window(starts, length):
    """The most starts in any window of that length; each start opens one."""
    most, first = 0, 0
    for last, start in enumerate(starts):
        while start - starts[first] >= length - 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most


class LineReader:
    """Lines of a program's standard output, as they come."""

    def __init__(self, stream):
        self.lines, self.closed = [], False
        self.changed = threading.Condition()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def wait_for(self, matches, timeout=20):
        """The first line for which matches(line), seen already or still to come."""
        with self.changed:
            found = lambda: next((line for line in self.lines if matches(line)), None)
            if not self.changed.wait_for(lambda: found() or self.closed, timeout) or not found():
                raise AssertionError("no such line among:\n" + "\n".join(self.lines))
            return found()


class BrokerTest(unittest.TestCase):
    """A folder for each test; brokers that are left are ended."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pawl-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def broker(self, *arguments, **more):
        broker = Broker(self.folder, *arguments, **more).start()
        self.addCleanup(self._end, broker)
        return broker

    @staticmethod
    def _end(broker):
        if broker.process and broker.process.poll() is None:
            broker.kill()
        if broker.process:
            broker.process.stdout.close()

    def assert_store_is_sound(self, data):
        status, said = check_store(data)
        self.assertEqual(status, 0, said)


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
