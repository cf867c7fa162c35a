"""The figures, ratios, tables and bounds of `./dev bench --peers`, on lines written for it"""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import report
import runs
import systems

ALWAYS, F0, F50 = "BullMQ, always", "beanstalkd, -f 0", "beanstalkd, -f 50"
OWN, OWN_HTTP, NODE, GATHERED = "Pawl, libpawl", "Pawl, plain HTTP", "Pawl from Node, HTTP", "Pawl from Node, submits gathered"


def own_line(**fields):
    zeros = dict.fromkeys(["rate", "p50Ms", "p99Ms", "allRanMs", "cpuServerUsPerJob", "cpuClientUsPerJob", "fsyncs", "keysPerJob",
                           "bytesPerJob", "residentMiB", "diskMiB", "restartMs", "lost", "ranMoreThanOnce"], 0)
    return zeros | {"jobs": 1000} | fields


def run(work, system, number=1, clean=True, **figures):
    return {"work": work, "system": system, "round": number, "figures": figures | {"clean": clean}}


def row_of(text, *starts):
    """The cells of the first table row that starts so."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return next(row for row in rows if tuple(row[:len(starts)]) == starts)


class FiguresTest(unittest.TestCase):
    def test_ARunOfPawlHasNoFiguresThatItsWorkHasNot(self):
        line = own_line(rate=40_000, p50Ms=1.5, p99Ms=4, fsyncs=16, keysPerJob=1.05, bytesPerJob=274, residentMiB=30, diskMiB=9)
        self.assertEqual(runs.own_figures("W1", line), {
            "rate": 40_000, "p50Ms": 1.5, "p99Ms": 4, "fsyncsPerJob": 0.016, "keysPerJob": 1.05, "bytesPerJob": 274, "clean": True})
        figures = runs.own_figures("W6", line | {"restartMs": 330, "p50Ms": 0, "p99Ms": 0})
        self.assertEqual((figures["residentMiB"], figures["diskMiB"], figures["restartMs"]), (30, 9, 330))
        self.assertNotIn("rate", runs.own_figures("W5", line))

    def test_ALostJobFailsTheRun(self):
        with self.assertRaises(runs.Failed):
            runs.own_figures("W4", own_line(rate=1, lost=1))

    def test_ProcessorTimeOfAPeerIsForEachJob(self):
        line = {"n": 50_000, "rate": 10_000, "lat": {"p50": 2, "p99": 9}, "cpuServer": 1.5, "cpuClient": 0.5, "clean": False}
        self.assertEqual(runs.harness_figures("W1", line), {
            "rate": 10_000, "p50Ms": 2, "p99Ms": 9, "cpuServerUsPerJob": 30, "cpuClientUsPerJob": 10, "clean": False})

    def test_TheBacklogOfAPeer(self):
        line = {"n": 10**6, "drain": 14_000, "drainCpuServer": 1, "drainCpuClient": 2, "mem": {"rss": 100, "sysShmem": 410},
                "memEmpty": {"rss": 50, "sysShmem": 10}, "disk": {"apparent": 300 * 2**20},
                "restart": {"clean": {"firstJobMs": 1}, "crash": {"portReadyMs": 5, "firstJobMs": 900}}}
        self.assertEqual(runs.harness_figures("W6", line), {
            "rate": 14_000, "cpuServerUsPerJob": 50, "cpuClientUsPerJob": 100, "residentMiB": 500, "diskMiB": 300,
            "restartMs": 900, "clean": True})

    def test_ARunThatLeftJobsOutIsNone(self):
        for work, line in (("W3", {"n": 10, "started": 9, "rate": 1}), ("W7", {"n": 19_999, "late": {"p50": 1, "p99": 1}})):
            with self.assertRaises(runs.Failed):
                runs.harness_figures(work, line)


class MediansTest(unittest.TestCase):
    def test_MediansAreOfTheCleanRuns(self):
        found = report.medians([run("W1", ALWAYS, rate=rate, clean=clean) for rate, clean in ((10, True), (1, False), (20, True))])
        self.assertEqual(found["W1"][ALWAYS], {"rate": 15, "clean": 2, "runs": 3})

    def test_WithoutACleanRunTheyAreOfAll(self):
        found = report.medians([run("W1", ALWAYS, rate=rate, clean=False) for rate in (10, 1, 20)])
        self.assertEqual(found["W1"][ALWAYS], {"rate": 10, "clean": 0, "runs": 3})


class TablesTest(unittest.TestCase):
    single = [run("W1", OWN, rate=60_000, keysPerJob=1.05), run("W1", OWN_HTTP, rate=29_000, p50Ms=2.1),
              run("W1", NODE, rate=10_000), run("W1", GATHERED, rate=30_000), run("W1", ALWAYS, rate=20_000),
              run("W1", F50, rate=40_000)]

    def test_RatiosAreOfPawlAndOfPawlFromNode(self):
        text, _ = report.report(self.single)
        self.assertEqual(row_of(text, "BullMQ", "always", "yes")[-2:], ["3.00", "1.50"])
        self.assertEqual(row_of(text, "beanstalkd", "-f 50", "no, each 50 ms")[-2:], ["1.50", "0.75"])
        self.assertEqual(row_of(text, "Pawl from Node", "HTTP", "yes")[-2:], ["6.00", ""])
        self.assertEqual(row_of(text, "Pawl", "libpawl")[-2:], ["1.00", ""])

    def test_OnlyColumnsWithFiguresAreShown(self):
        text = report.report(self.single)[0].split("Bounds")[0]
        self.assertIn("| keys |", text)
        self.assertNotIn("restart", text)
        self.assertNotIn("clean runs", text)
        noisy, _ = report.report([*self.single, run("W1", ALWAYS, 2, clean=False, rate=1)])
        self.assertEqual(row_of(noisy, "BullMQ", "always")[-3:], ["1 of 2", "3.00", "1.50"])

    def test_LatenciesHaveARatioEach(self):
        text, _ = report.report([run("W5", OWN, p50Ms=0.5, p99Ms=3), run("W5", F0, p50Ms=1, p99Ms=2)])
        self.assertEqual(row_of(text, "beanstalkd", "-f 0")[-2], "0.50 / 1.50")


class BoundsTest(unittest.TestCase):
    def verdicts(self, measured):
        text, kept = report.report(measured)
        lines = text.split("Bounds")[1].splitlines()
        return [line.strip("| ").split(" | ") for line in lines if line.startswith("| W")], kept

    def test_ABoundIsHeldAgainstTheBestPeerOfItsDurability(self):
        rows, kept = self.verdicts(TablesTest.single)
        self.assertEqual(rows, [
            ["W1, libpawl", "jobs/s", f"best that fsyncs: {ALWAYS}", "≥ 3 ×", "3.00 ×", "ok"],
            ["W1, libpawl", "jobs/s", f"best of any durability: {F50}", "≥ 1.2 ×", "1.50 ×", "ok"],
            ["W1, plain HTTP", "jobs/s", f"best that fsyncs: {ALWAYS}", "≥ 1.5 ×", "1.45 ×", "MISSED"],
            ["W1, plain HTTP", "p50", "", "≤ 2", "2.10", "MISSED"]])
        self.assertFalse(kept)

    def test_TheBestPeerOfEachFigureMayBeAnother(self):
        rows, kept = self.verdicts([run("W5", OWN, p50Ms=0.5, p99Ms=1), run("W5", F0, p50Ms=1, p99Ms=4),
                                    run("W5", ALWAYS, p50Ms=2, p99Ms=2), run("W5", F50, p50Ms=0.6, p99Ms=3)])
        self.assertEqual([row[2].split(": ")[1] for row in rows], [F0, ALWAYS, F50, ALWAYS])
        self.assertEqual([row[4] for row in rows], ["0.50 ×", "0.50 ×", "0.83 ×", "0.50 ×"])
        self.assertTrue(kept)

    def test_WhatWasNotMeasuredIsNotKept(self):
        rows, kept = self.verdicts([run("W2", OWN, rate=100_000), run("W2", F50, rate=10_000)])
        self.assertEqual([row[-1] for row in rows], ["not measured", "ok"])
        self.assertFalse(kept)

    def test_EveryBoundHasAPeerAmongTheDefaultSystems(self):
        chosen = systems.chosen(systems.WORKS, False)
        for bound in systems.BOUNDS:
            keys = {system.key for system in chosen[bound.work]}
            wanted = {"fsync": set(report.peers("yes")), "any": set(report.peers()), "": keys}.get(bound.against, {bound.against})
            self.assertTrue(keys & wanted, bound)
            self.assertIn(f"{systems.OWN}, {bound.setting}", keys)
            self.assertTrue(all(bound.work in system.works for system in chosen[bound.work]))


if __name__ == "__main__":
    unittest.main()
