"""Pawl beside the peers, on the same work, interleaved in one run: the tables of docs/PERFORMANCE.md, "Beside the peers"

    ./dev bench --peers [all] [--only NAME,…] [--works W1,…] [--rounds N] [--check] [--json FILE] [--install]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
import report
import runs
import systems

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
INSTALL_S = 1800


def words(text):
    return [word for word in text.split(",") if word]


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench --peers", description="Pawl beside the peers, interleaved in one run")
    parser.add_argument("which", nargs="?", choices=["best", "all"], default="best",
                        help="the peers with the best figures at each work (best), or every peer (all)")
    parser.add_argument("--only", type=words, default=[], metavar="NAME,…", help="only these peers: bullmq, pgboss, graphile, "
                        "beanstalkd, rabbitmq, nats, celery; none: Pawl alone")
    parser.add_argument("--works", type=words, default=list(systems.WORKS), metavar="WORK,…",
                        help=f"only these of {','.join(systems.WORKS)}")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many runs (3)")
    parser.add_argument("--scale", type=float, default=1, help="times so many jobs for `pawl bench`, to try the program out")
    parser.add_argument("--check", action="store_true", help="exit status 1 when a bound is missed or was not measured")
    parser.add_argument("--json", metavar="FILE", help="append each run to FILE, one JSON object a line")
    parser.add_argument("--read", metavar="FILE", help="measure nothing: the tables of the runs that --json kept")
    parser.add_argument("--install", action="store_true", help="install the peers, and end")
    parser.add_argument("--bin", default=REPOSITORY / "build/release/bin", help="the folder of pawl and pawld")
    parser.add_argument("--harness", default=os.environ.get("PAWL_PEERS", REPOSITORY / "../shared/peers"),
                        help="the folder of the peers and their harness [PAWL_PEERS]")
    options = parser.parse_args()
    names = {system.driver for system in systems.SYSTEMS if system.is_peer} | {"none"}
    if unknown := [work for work in options.works if work not in systems.WORKS] + sorted({*options.only} - names):
        parser.error(f"no such work or peer: {', '.join(unknown)}")
    return options


def install(place):
    if os.geteuid() != 0:
        raise SystemExit("installing the peers needs root: their servers are Debian packages")
    done = subprocess.run([str(place.harness / "install")], env=os.environ | {"PEERS_WORK": str(place.work)}, timeout=INSTALL_S)
    raise SystemExit(done.returncode)


def say(text):
    print(text, file=sys.stderr, flush=True)


def one_line(figures, work):
    shown = [(field, title, form) for field, title, form in report.COLUMNS if field in (*systems.MEASURES[work], "p50Ms")]
    noise = "" if figures["clean"] else "  (others used the machine)"
    return ", ".join(f"{title} {form.format(figures[field])}" for field, title, form in shown if field in figures) + noise


def measure_all(options, place, chosen):
    """All rounds, one work after the other, the systems of a work in turn: the runs, and whether each run of Pawl's succeeded."""
    kept, good = [], True
    for work, row in chosen.items():
        for number in range(1, options.rounds + 1):
            for system in row:
                head = f"{work} {number}/{options.rounds} {system.key}: "
                try:
                    line, figures = runs.measure(place, system, work, options.scale)
                except runs.Failed as failure:
                    say(f"{head}FAILED, {failure}")
                    good = good and system.is_peer
                    continue
                say(head + one_line(figures, work))
                kept.append({"work": work, "system": system.key, "round": number, "figures": figures, "line": line})
                if options.json:
                    with open(options.json, "a") as file:
                        print(json.dumps(kept[-1]), file=file)
    return kept, good


def main():
    options, good = arguments(), True
    place = runs.Place(options.bin, options.harness)
    if options.read:
        kept = [json.loads(line) for line in pathlib.Path(options.read).read_text().splitlines()]
    else:
        if not (place.harness / "harness/bench.js").exists():
            raise SystemExit(f"no peers in {place.harness}: name their folder with --harness or PAWL_PEERS")
        if options.install:
            install(place)
        chosen = systems.chosen(options.works, options.which == "all", options.only)
        if missing := place.missing(chosen):
            raise SystemExit(f"not installed: {', '.join(missing)}\ninstall the peers, as root: ./dev bench --peers --install\n"
                             f"(that is PEERS_WORK={place.work} {place.harness / 'install'})")
        kept, good = measure_all(options, place, chosen)
    text, within = report.report(kept)
    print(text)
    return 0 if good and (within or not options.check) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
