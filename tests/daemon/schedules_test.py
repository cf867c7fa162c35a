"""Schedules on the real broker, killed again and again around their ticks: each tick has exactly one job."""
import os
import random
import sys
import threading
import time

import harness
from harness import eventually

SEED = int(os.environ.get("PAWL_SEED", random.SystemRandom().randrange(1 << 32)))
SECONDS = 15  # under kills
SCHEDULES = 5


def sleep_until(moment):
    threading.Event().wait(max(0, moment - time.time()))


class SchedulesTest(harness.BrokerTest):
    def put(self, broker, schedule, missed):
        """Every second from now on; when its first run is due."""
        body = {"queue": schedule, "everyMs": 1000, "missed": missed}
        return harness.seconds_of(broker.call("PUT", f"/schedules/{schedule}", body, expect=200).json["nextRuns"][0])

    def end(self, broker, schedule):
        """Stops it and returns it as it stands."""
        return broker.call("POST", f"/schedules/{schedule}/pause", expect=200).json

    def jobs(self, broker, schedule):
        return broker.call("GET", f"/jobs?tag=schedule:{schedule}&limit=1000", expect=200).json["jobs"]

    def ticks(self, schedule, first):
        """How many there were from the first to the last that took place, which must be one."""
        ticks = harness.seconds_of(schedule["lastRun"]["at"]) - first
        self.assertAlmostEqual(ticks, round(ticks), places=3)
        return round(ticks) + 1

    def check_every_tick_has_its_job(self, broker, name, first):
        schedule = self.end(broker, name)
        jobs = self.jobs(broker, name)
        self.assertEqual((schedule["skipped"], schedule["runs"]), (0, self.ticks(schedule, first)))
        self.assertEqual(len(jobs), schedule["runs"])
        self.assertEqual({job["queue"] for job in jobs}, {name})
        self.assertIn(schedule["lastRun"]["jobId"], [job["jobId"] for job in jobs])
        # The k-th job was made when the k-th tick was due, or when the broker came back.
        made = sorted(harness.seconds_of(job["createdAt"]) for job in jobs)
        for tick, moment in enumerate(made):
            self.assertGreaterEqual(moment, first + tick - 0.001, f"job {tick} of {name} came before its time")

    def test_each_tick_has_exactly_one_job_whatever_is_killed(self):
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        broker = self.broker()
        first = {f"all-{i}": self.put(broker, f"all-{i}", "all") for i in range(SCHEDULES)}
        until = time.time() + SECONDS
        kills = 0
        while time.time() < until:
            # Just before, at or after a tick of one of them, when its job and its row are being written; now and then
            # the broker then stays away for several ticks.
            tick = chance.choice(list(first.values()))
            tick += max(0, int(time.time() - tick) + 1)
            sleep_until(tick + chance.uniform(-0.01, 0.03))
            broker.kill()
            kills += 1
            threading.Event().wait(chance.choice((0, 0, 0, 1.2, 2.4)))
            broker.start()
        print(f"{kills} kills", flush=True)
        self.assertGreaterEqual(kills, 4)
        for name in first:
            eventually(lambda: broker.call("GET", f"/schedules/{name}").json["runs"] >= SECONDS, what=f"the runs of {name}")
            self.check_every_tick_has_its_job(broker, name, first[name])
        # And nothing more comes of it.
        broker.kill()
        self.assert_store_is_sound(broker.data)
        broker.start()
        for name in first:
            self.check_every_tick_has_its_job(broker, name, first[name])

    def test_missed_ticks_are_made_up_for_once(self):
        broker = self.broker()
        first = self.put(broker, "one", "one")
        eventually(lambda: broker.call("GET", "/schedules/one").json["runs"] >= 1, what="the first run")
        broker.kill()
        away = time.time()
        threading.Event().wait(4.3)
        back = time.time()
        broker.start()
        late = eventually(lambda: (s := broker.call("GET", "/schedules/one").json)["skipped"] > 0 and s, what="the late run")
        self.assertGreater(harness.seconds_of(late["lastRun"]["at"]), back - 1)
        eventually(lambda: broker.call("GET", "/schedules/one").json["runs"] > late["runs"], what="the run after it")
        schedule = self.end(broker, "one")
        jobs = self.jobs(broker, "one")
        self.assertEqual(len(jobs), schedule["runs"])
        # At least the four ticks of the stop but for the last; those in one go count once.
        self.assertGreaterEqual(self.ticks(schedule, first) - schedule["runs"], 3)
        self.assertLess(schedule["skipped"], 3)
        self.assertEqual([job for job in jobs if away + 0.1 < harness.seconds_of(job["createdAt"]) < back], [])

    def test_what_is_wrong_is_pointed_at_and_makes_no_schedule(self):
        broker = self.broker()
        good = {"queue": "q", "everyMs": 3_600_000}
        for wrong, pointers in [
            ({"queue": "q", "cron": "0 0 30 2 *"}, ["/cron"]),
            ({"queue": "q", "cron": "0 0 * * *", "timezone": "Europe/Atlantis"}, ["/timezone"]),
            (good | {"cron": "0 0 * * *"}, ["/cron"]),
            ({"queue": "q"}, ["/cron"]),
            (good | {"startAt": "2030-01-02T00:00:00Z", "endAt": "2030-01-01T00:00:00Z"}, ["/endAt"]),
            (good | {"startAt": "2030-01-02T00:00:00Z", "endAt": "2030-01-02T00:00:00Z"}, ["/endAt"]),
            (good | {"everyMs": 10, "overlap": "both"}, ["/everyMs", "/overlap"]),
        ]:
            with self.subTest(wrong):
                problem = broker.call("PUT", "/schedules/s", wrong, expect=422).json
                self.assertEqual((problem["type"], problem["status"]), ("urn:pawl:error:invalid-input", 422))
                self.assertEqual([error["pointer"] for error in problem["errors"]], pointers)
                self.assertEqual(broker.call("GET", "/schedules", expect=200).json["schedules"], [])
                self.assertEqual(broker.call("GET", "/schedules/s", expect=404).json["type"], "urn:pawl:error:unknown-schedule")
        # Nor does it change one that there is.
        broker.call("PUT", "/schedules/s", good, expect=200)
        before = broker.call("GET", "/schedules/s", expect=200).json
        broker.call("PUT", "/schedules/s", {"queue": "q", "cron": "0 0 30 2 *"}, expect=422)
        self.assertEqual(broker.call("GET", "/schedules/s", expect=200).json, before)


if __name__ == "__main__":
    sys.exit(harness.main())
