"""The verdicts of growth.py and soak.py turn red when what they watch goes wrong: on made-up readings."""
import contextlib
import io
import unittest

import growth
import soak


class GrowthTest(unittest.TestCase):
    STEADY = {10_000: (30_000, 32), 100_000: (70_000, 70), 1_000_000: (68_000, 90), 10_000_000: (64_000, 110)}

    def problems(self, **changed):
        results = {int(length.lstrip("_")): value for length, value in changed.items()}
        return growth.problems({length: {"rate": rate, "residentMiB": memory}
                                for length, (rate, memory) in (self.STEADY | results).items()})

    def test_what_stays_is_right(self):
        self.assertEqual(self.problems(), [])

    def test_a_slow_long_backlog_is_found(self):
        self.assertIn("drained at 55,000 jobs/s, 79% of 70,000", self.problems(_10000000=(55_000, 110))[0])

    def test_memory_that_goes_with_the_backlog_is_found(self):
        self.assertIn("needs 120 MiB, one of a million 90", self.problems(_10000000=(64_000, 120))[0])


class SoakTest(unittest.TestCase):
    RATE = 1000

    def problems(self, **series):
        """Each series is a function of the reading's number, 0…29."""
        steady = {"residentMiB": lambda n: 90, "diskMiB": lambda n: 50 + 90 * (n % 2), "submitP99Ms": lambda n: 7 + n % 3,
                  "pickUpP99Ms": lambda n: 8 + n % 3, "completed": lambda n: self.RATE * 10 * (n + 1) - 5}
        readings = [{"atSeconds": 10 * (n + 1)} | {field: of(n) for field, of in (steady | series).items()} for n in range(30)]
        with contextlib.redirect_stdout(io.StringIO()):
            return soak.problems(readings, self.RATE)

    def test_what_stays_is_right_whatever_the_first_third_did(self):
        self.assertEqual(self.problems(), [])
        self.assertEqual(self.problems(residentMiB=lambda n: min(90, 9 * (n + 1))), [])

    def test_what_grows_is_found(self):
        self.assertEqual(self.problems(residentMiB=lambda n: 80 + n), ["memory has grown"])
        self.assertEqual(self.problems(diskMiB=lambda n: 20 * n), ["disk has grown"])
        self.assertEqual(self.problems(submitP99Ms=lambda n: 1 + n), ["p99 of answers has grown"])
        self.assertEqual(self.problems(pickUpP99Ms=lambda n: 1 + n), ["p99 of starts has grown"])

    def test_a_worker_that_falls_behind_is_found(self):
        self.assertEqual(self.problems(completed=lambda n: 9700 * (n + 1)), ["it fell behind"])

    def test_too_few_readings_are_no_verdict(self):
        self.assertEqual(soak.problems([{}, {}], self.RATE), ["too short: three readings are needed"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
