"""`pawl bench` against a real broker, and with one of its own."""
import json
import subprocess

from cli_case import PAWL, CliTest, clean_environment, main


class BenchTest(CliTest):
    def test_measures_the_broker_that_is_named_and_leaves_it_alone(self):
        kept = self.submit("mine")
        done = self.pawl("bench", "--work", "W1", "--work", "W4", "--scale", "0.005", "--json")
        results = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([result["work"] for result in results], ["W1", "W4"])
        for result in results:
            self.assertEqual((result["lost"], result["ranMoreThanOnce"]), (0, 0))
            self.assertGreater(result["rate"], 0)
            self.assertGreater(result["p99Ms"], 0)
            self.assertGreater(result["fsyncs"], 0)
        table = self.pawl("bench", "--work", "W2", "--scale", "0.005").out
        self.assertRegex(table, r"W2 +2 000")
        self.assertEqual(self.server.job(kept)["status"], "pending")

    def test_spreads_the_jobs_over_queues_priorities_and_workers(self):
        self.pawl("bench", "--work", "W4", "--jobs", "300", "--queues", "120", "--priorities", "2", "--payload", "1000",
                  "--workers", "3", "--json")
        queues = self.server.call("GET", "/queues?limit=1000").json["queues"]
        self.assertEqual(sorted(queue["lifetimeCompleted"] for queue in queues), [2] * 60 + [3] * 60)
        jobs = self.server.call("GET", f"/jobs?queue={queues[0]['queue']}&include=payload").json["jobs"]
        self.assertEqual({job["priority"] for job in jobs}, {0, 1})
        self.assertEqual({len(json.dumps(job["payload"], separators=(",", ":"))) for job in jobs}, {1000})

    def test_tells_how_a_paced_run_stands(self):
        lines = self.pawl("bench", "--work", "W5", "--rate", "400", "--seconds", "2", "--every", "500ms", "--json").out.splitlines()
        *readings, end = [json.loads(line) for line in lines]
        self.assertGreaterEqual(len(readings), 2)
        self.assertGreater(readings[-1]["submitted"], readings[0]["submitted"])
        self.assertGreater(readings[0]["pickUpP99Ms"], 0)
        self.assertEqual((end["jobs"], end["lost"], end["ranMoreThanOnce"]), (800, 0, 0))

    def test_with_a_broker_of_its_own_needs_no_setting_of_another(self):
        token_file = self.folder / "token"
        token_file.write_text("0123456789abcdef0123456789abcdef\n")
        environment = clean_environment(PAWL_TOKEN_FILE=str(token_file), PAWL_LISTEN="127.0.0.1:1", PAWL_DATA="/dev/null/none")
        done = subprocess.run([PAWL, "bench", "--work", "W3", "--scale", "0.005", "--json"], capture_output=True, text=True,
                              timeout=60, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["lost"], 0)


if __name__ == "__main__":
    main()
