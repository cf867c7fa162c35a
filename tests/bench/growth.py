"""How the rate goes with the number of queues, priorities and workers, the size of payloads and the length of a backlog

    growth.py [--bin FOLDER] [--jobs N] [--runs N] [--backlog-max N] [--check]

First W4 of docs/PERFORMANCE.md with more of each, `--jobs` jobs (100 000; a fifth of them with the largest payload). Then W6 with
backlogs of 10 000, 100 000… up to `--backlog-max` (10 million: some minutes): memory and disk with all of it waiting, ready
again after kill -9, and how fast the first 200 000 jobs are drained. Medians of `--runs` runs; backlogs of a million and more
are made once.

--check fails when the longest backlog is drained at less than 80 % of the rate of the best of the short ones, or when it needs
more than 1.3 times the memory of a million jobs. A job that was lost or run twice fails every run.
"""
import argparse
import shutil
import statistics
import tempfile

from bench_runs import head, program_of, row, run

KIB = 1024
# What W4 is done with, the options that say so, and the share of the jobs.
SPREADS = [
    ("one queue, 200 bytes, one worker", [], 1),
    ("16 queues", ["--queues", 16], 1),
    ("1 000 queues (10 workers)", ["--queues", 1000], 1),
    ("10 priorities", ["--priorities", 10], 1),
    ("1 000 groups", ["--groups", 1000], 1),
    ("1 000 groups, a concurrency and a rate limit", ["--groups", 1000, "--limited"], 1),
    ("payloads of 1 KiB", ["--payload", KIB], 1),
    ("payloads of 16 KiB", ["--payload", 16 * KIB], 0.2),
    ("1 000 workers", ["--workers", 1000], 1),
]
SHORT = 100_000  # backlogs up to this are made several times and are what the long ones are compared with
MILLION = 1_000_000
DRAINED = 200_000
DISK_BYTES = 400  # for each waiting job, before anything is compressed
RATE_SHARE, MEMORY_FACTOR = 0.8, 1.3


def medians(runs):
    return {field: statistics.median(result[field] for result in runs) for field in runs[0] if field != "work"}


def spread(program, jobs, runs):
    found = [[] for _ in SPREADS]
    for _ in range(runs):  # interleaved: a slow minute touches all
        for results, (_, options, share) in zip(found, SPREADS):
            results.append(run(program, "W4", "--jobs", max(round(jobs * share), 1), *options))
    return [medians(results) for results in found]


def print_spread(results):
    print(head(["W4 with", "jobs/s", "of the first", "p50 / p99 ms", "broker µs", "client µs", "fsyncs", "keys", "bytes"]))
    for (title, _, _), result in zip(SPREADS, results):
        print(row([title, f"{result['rate']:,.0f}", f"{result['rate'] / results[0]['rate']:.0%}",
                   f"{result['p50Ms']:.1f} / {result['p99Ms']:.1f}", f"{result['cpuServerUsPerJob']:.1f}",
                   f"{result['cpuClientUsPerJob']:.1f}", f"{result['fsyncs'] / result['jobs']:.3f}",
                   f"{result['keysPerJob']:.2f}", f"{result['bytesPerJob']:.0f}"]), flush=True)


def lengths(most):
    found, length = [], 10_000
    while length <= most:
        found.append(length)
        length *= 10
    return found


def check_free_space(most):
    free, needed = shutil.disk_usage(tempfile.gettempdir()).free, most * DISK_BYTES
    if free < needed:
        raise SystemExit(f"a backlog of {most:,} jobs may need {needed >> 20:,} MiB in {tempfile.gettempdir()}, where {free >> 20:,} "
                         "MiB are free: name another folder with TMPDIR, or a smaller --backlog-max")


def backlogs(program, most, runs):
    """A result for each length; printed as they come."""
    print(head(["backlog", "first drained", "jobs/s", "resident MiB", "disk MiB", "ready again s"]))
    results = {}
    for length in lengths(most):
        timeout = 120 + length / 20_000
        result = medians([run(program, "W6", "--jobs", length, "--drain", DRAINED, timeout=timeout)
                          for _ in range(runs if length <= SHORT else 1)])
        results[length] = result
        print(row([f"{length:,}", f"{result['jobs']:,.0f}", f"{result['rate']:,.0f}", f"{result['residentMiB']:.0f}",
                   f"{result['diskMiB']:.0f}", f"{result['restartMs'] / 1000:.2f}"]), flush=True)
    return results


def problems(results):
    if not results:
        return []
    longest, found = max(results), []
    short = max(result["rate"] for length, result in results.items() if length <= SHORT)
    rate, memory = results[longest]["rate"], results[longest]["residentMiB"]
    if rate < RATE_SHARE * short:
        found.append(f"a backlog of {longest:,} is drained at {rate:,.0f} jobs/s, {rate / short:.0%} of {short:,.0f}")
    if longest > MILLION and memory > MEMORY_FACTOR * results[MILLION]["residentMiB"]:
        found.append(f"a backlog of {longest:,} needs {memory:.0f} MiB, one of a million {results[MILLION]['residentMiB']:.0f}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--backlog-max", type=int, default=10_000_000)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    check_free_space(arguments.backlog_max)
    program = program_of(arguments.bin)
    if arguments.jobs:
        print_spread(spread(program, arguments.jobs, arguments.runs))
        print()
    found = problems(backlogs(program, arguments.backlog_max, arguments.runs))
    for problem in found:
        print(problem)
    if arguments.check and found:
        raise SystemExit("over the bounds")


if __name__ == "__main__":
    main()
