"""Half of what the broker can do, for long: memory, disk and latencies must stay as they are

    soak.py [--bin FOLDER] [--minutes N] [--rate N] [--keep SECONDS] [--every SECONDS] [--check]

Measures the rate of W4 of docs/PERFORMANCE.md three times, then submits at half of their median (or at `--rate`) for `--minutes` (30),
each job at its moment whatever becomes of those before, with a worker that runs them and completed jobs that expire after
`--keep` seconds (60). Every ten seconds: resident memory, bytes on disk, and the p99 of the answer to a submit and of the
handler's start, both from the moment the job was meant to be submitted.

The last third of the run is compared with the middle one, since the first still fills caches and waits for the first expiry.
--check fails when
  memory     its median is above 1.10 times,
  latencies  the median of a p99 is above 1.5 times,
  disk       its mean is above 1.25 times, and 64 MiB: logs come and go in pieces of nearly that size,
  pace       fewer jobs were completed than 98 % of those that were due.
A job that was lost or run twice fails the run.
"""
import argparse
import json
import statistics
import subprocess

from bench_runs import check_counts, command_of, environment, head, program_of, row, run

SATURATED_RUNS = 3
SHARE = 0.5  # of the saturated rate
PACE = 0.98
# What is compared, how its readings become one, and the bound of the last third: so many times the middle one, and so much more.
BOUNDS = [
    ("memory", "residentMiB", statistics.median, 1.10, 0),
    ("p99 of answers", "submitP99Ms", statistics.median, 1.5, 0),
    ("p99 of starts", "pickUpP99Ms", statistics.median, 1.5, 0),
    ("disk", "diskMiB", statistics.fmean, 1.25, 64),
]


def half_of_saturation(program):
    rate = statistics.median(run(program, "W4")["rate"] for _ in range(SATURATED_RUNS))
    print(f"W4 alone: {rate:,.0f} jobs/s; from here on {rate * SHARE:,.0f}\n", flush=True)
    return rate * SHARE


def soak(program, rate, seconds, keep, every):
    """The readings, printed as they come, and the end's result."""
    command = command_of(program, "W5", "--rate", rate, "--seconds", seconds, "--keep-completed", f"{keep}s",
                         "--every", f"{every}s")
    print(head(["s", "jobs/s", "resident MiB", "disk MiB", "p99 answer ms", "p99 start ms"]), flush=True)
    readings, before = [], {"atSeconds": 0, "completed": 0}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        for line in process.stdout:
            reading = json.loads(line)
            if "work" in reading:  # the result, and last
                result = reading
                continue
            pace = (reading["completed"] - before["completed"]) / (reading["atSeconds"] - before["atSeconds"])
            print(row([f"{reading['atSeconds']:.0f}", f"{pace:,.0f}", f"{reading['residentMiB']:.0f}", f"{reading['diskMiB']:.0f}",
                       f"{reading['submitP99Ms']:.2f}", f"{reading['pickUpP99Ms']:.2f}"]), flush=True)
            readings.append(reading)
            before = reading
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}")
    return readings, check_counts(result, command)


def problems(readings, rate):
    third = len(readings) // 3
    if third == 0:
        return ["too short: three readings are needed"]
    middle, last, found = readings[third:2 * third], readings[2 * third:], []
    for title, field, value, times, more in BOUNDS:
        before, after = (value([reading[field] for reading in part]) for part in (middle, last))
        most = times * before + more
        print(f"{title}: {before:.2f}, then {after:.2f}, at most {most:.2f}")
        if after > most:
            found.append(f"{title} has grown")
    due = rate * readings[-1]["atSeconds"]
    print(f"pace: {readings[-1]['completed']:,} of {due:,.0f} completed at the last reading")
    if readings[-1]["completed"] < PACE * due:
        found.append("it fell behind")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, help="submits a second (default: half of what W4 does)")
    parser.add_argument("--keep", type=int, default=60)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    program = program_of(arguments.bin)
    rate = arguments.rate or half_of_saturation(program)
    readings, result = soak(program, rate, arguments.minutes * 60, arguments.keep, arguments.every)
    print(f"\n{result['jobs']:,} jobs, none lost, none run twice; p99 of answers {result['submitP99Ms']:.2f} ms, "
          f"of starts {result['p99Ms']:.2f} ms; {result['cpuServerUsPerJob']:.1f} µs of the broker a job")
    found = problems(readings, rate)
    print("verdict: " + ("; ".join(found) if found else "steady"))
    if arguments.check and found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
