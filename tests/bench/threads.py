"""What each thread of the broker does for a job: which of them would be the limit with cores to spare

    threads.py [--bin FOLDER] [--scale X] [--work W1 …]

Runs the works of docs/PERFORMANCE.md that have no part which is not measured, each against a fresh broker, and reads the processor time of the broker's
threads before and after. The last column is the rate at which the engine's thread, of which there is one, would be busy all the time.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import tempfile

from bench_runs import environment, head, program_of, row, run

WORKS = ["W1", "W1-http", "W2", "W4", "W4-bulk"]
THREADS = {"pawl-engine": "engine", "pawl-sync": "sync", "pawl-io": "connections"}


def seconds_by_thread(pid):
    """Processor time so far, by the name of the threads; what has no name of its own is RocksDB's and counts as `others`."""
    found = dict.fromkeys([*THREADS.values(), "others"], 0.0)
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        found[THREADS.get(name, "others")] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def measure(program, work, scale):
    """The result of `pawl bench`, and what each thread spent on a job, in µs."""
    with tempfile.TemporaryDirectory(prefix="pawl-threads-") as folder:
        command = [str(program.parent / "pawld"), "--data", folder + "/data", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()) as broker:
            try:
                url = broker.stdout.readline().split()[-1]
                before = seconds_by_thread(broker.pid)
                result = run(program, work, "--url", url, "--scale", scale)
                after = seconds_by_thread(broker.pid)
            finally:
                broker.send_signal(signal.SIGTERM)
                broker.wait(30)
    return result, {name: (after[name] - before[name]) / result["jobs"] * 1e6 for name in after}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--scale", type=float, default=2)
    parser.add_argument("--work", action="append", choices=WORKS)
    arguments = parser.parse_args()
    program = program_of(arguments.bin)
    names = [*THREADS.values(), "others"]
    print(head(["work", "jobs/s", *(f"{name} µs" for name in names), "engine's limit, jobs/s"]))
    for work in arguments.work or WORKS:
        result, spent = measure(program, work, arguments.scale)
        limit = f"{1e6 / spent['engine']:,.0f}" if spent["engine"] else ""
        print(row([work, f"{result['rate']:,.0f}", *(f"{spent[name]:.1f}" for name in names), limit]), flush=True)


if __name__ == "__main__":
    main()
