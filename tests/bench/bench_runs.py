"""Runs of `pawl bench`, and tables of what they say; for growth.py and soak.py."""
import json
import os
import pathlib
import subprocess


def program_of(folder):
    return pathlib.Path(folder).resolve() / "pawl"


def command_of(program, work, *options):
    return [str(program), "bench", "--json", "--work", work, *map(str, options)]


def environment():
    """Without the settings of another broker."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PAWL_")}


def run(program, work, *options, timeout=300):
    """One run with a broker of its own: its result. `pawl bench` itself fails when a job was lost."""
    command = command_of(program, work, *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment())
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return check_counts(json.loads(done.stdout), command)


def check_counts(result, command):
    if result["lost"] or result["ranMoreThanOnce"]:
        raise SystemExit(f"{' '.join(command)}: {result['lost']} jobs lost, {result['ranMoreThanOnce']} run again")
    return result


def row(cells):
    return "| " + " | ".join(cells) + " |"


def head(titles):
    return row(titles) + "\n" + "|---" * len(titles) + "|"
