"""The seven pieces of work of docs/PERFORMANCE.md, several times each: medians of rates, latencies and what a job costs

    works.py [--bin FOLDER] [--runs N] [--scale X] [--work W1 …] [--json] [--check]

Each run has a broker of its own on a fresh directory. --check compares what does not drift with the machine (keys, bytes,
fsyncs for each job), and with a wide margin the processor's time, with bounds, and fails when an answered job was not found or was run twice.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess

WORKS = ["W1", "W1-http", "W2", "W3", "W4", "W4-bulk", "W5", "W6", "W7"]
# What a job may cost: RocksDB keys and bytes of keys and values. W7's jobs wait in the delayed state first.
BOUNDS = {
    "W1": {"keysPerJob": 1.3, "bytesPerJob": 330},
    "W1-http": {"keysPerJob": 1.5, "bytesPerJob": 330},
    "W2": {"keysPerJob": 1.05, "bytesPerJob": 330},
    "W3": {"keysPerJob": 2.2, "bytesPerJob": 420},
    "W4": {"keysPerJob": 3.5, "bytesPerJob": 750},
    "W4-bulk": {"keysPerJob": 3.2, "bytesPerJob": 750},
    "W7": {"keysPerJob": 5.8, "bytesPerJob": 950},
}
# Microseconds of processor for each job, broker and client: some two and a half times what two cores of 2026 need, since they do
# drift with the machine, but not by so much.
PROCESSOR = {"W1": (30, 25), "W1-http": (110, 50), "W2": (18, 20), "W3": (40, 20), "W4": (65, 50), "W4-bulk": (55, 40),
             "W6": (60, 20), "W7": (90, 140)}
FSYNCS = {"W1": 0.1, "W2": 0.02, "W3": 0.05, "W4": 0.2, "W4-bulk": 0.05}  # for each job, at most
# In fewer jobs than these the rows that each batch has weigh more than those of a job, and how many batches there are is chance: W7
# with 2 000 jobs takes 4.5 to 6.1 keys for each, with 10 000 4.4 to 5.1.
SCALE_LEAST = {"W7": 0.5}
COLUMNS = [("rate", "jobs/s", "{:,.0f}"), ("p50Ms", "p50 ms", "{:.2f}"), ("p99Ms", "p99 ms", "{:.2f}"),
           ("allRanMs", "all ran ms", "{:.0f}"), ("cpuServerUsPerJob", "broker µs", "{:.1f}"),
           ("cpuClientUsPerJob", "client µs", "{:.1f}"), ("fsyncsPerJob", "fsyncs", "{:.4f}"),
           ("keysPerJob", "keys", "{:.3f}"), ("bytesPerJob", "bytes", "{:.0f}"), ("residentMiB", "MiB", "{:.0f}"),
           ("restartMs", "restart ms", "{:.0f}")]


def run(program, work, scale):
    command = [str(program), "bench", "--json", "--work", work, "--scale", str(max(scale, SCALE_LEAST.get(work, 0)))]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    result["fsyncsPerJob"] = result["fsyncs"] / result["jobs"]
    return result


def median(runs):
    return {"work": runs[0]["work"]} | {field: statistics.median(run[field] for run in runs)
                                        for field in runs[0] if field != "work"}


def problems(result):
    found = [f"{result['work']}: {field} is {result[field]:.3f}, at most {most} is expected"
             for field, most in BOUNDS.get(result["work"], {}).items() if result[field] > most]
    if result["fsyncsPerJob"] > FSYNCS.get(result["work"], 10):
        found.append(f"{result['work']}: {result['fsyncsPerJob']:.4f} fsyncs a job")
    for field, most in zip(("cpuServerUsPerJob", "cpuClientUsPerJob"), PROCESSOR.get(result["work"], ())):
        if result[field] > most:
            found.append(f"{result['work']}: {field} is {result[field]:.1f}, at most {most} is expected")
    if result["fsyncs"] == 0:
        found.append(f"{result['work']}: nothing was synced")
    if result["lost"] or result["ranMoreThanOnce"]:
        found.append(f"{result['work']}: {result['lost']} jobs lost, {result['ranMoreThanOnce']} run again")
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--work", action="append", choices=WORKS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.bin).resolve() / "pawl"
    works = arguments.work or WORKS
    runs = {work: [] for work in works}
    for _ in range(arguments.runs):  # interleaved: a slow minute touches all
        for work in works:
            runs[work].append(run(program, work, arguments.scale))
    results = [median(runs[work]) for work in works]
    if arguments.json:
        print("\n".join(json.dumps(result) for result in results))
    else:
        print("| work | " + " | ".join(title for _, title, _ in COLUMNS) + " |")
        print("|---" * (len(COLUMNS) + 1) + "|")
        for result in results:
            cells = [form.format(result[field]) if result[field] else "" for field, _, form in COLUMNS]
            print(f"| {result['work']} | " + " | ".join(cells) + " |")
    found = [problem for result in results for problem in problems(result)]
    if arguments.check and found:
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
