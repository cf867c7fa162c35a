"""The real broker under load from the real client, killed at random, again and again; then an audit from outside."""
import os
import random
import subprocess
import sys
import threading
import time

import harness
import journal_audit

KILLS = int(os.environ.get("PAWL_KILLS", "50"))
SEED = int(os.environ.get("PAWL_SEED", random.SystemRandom().randrange(1 << 32)))


class KillTest(harness.BrokerTest):
    def test_nothing_that_was_answered_is_lost(self):
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        chance = random.Random(SEED)
        broker = self.broker()
        journal_path = self.folder / "journal"
        seconds = 3600
        client = subprocess.Popen([str(harness.BIN / "journal_client"), broker.url, str(journal_path), str(seconds)])
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        slowest = 0
        for _ in range(KILLS):
            # The length of life is what is varied: from within the first requests to well under way.
            threading.Event().wait(chance.choice((0.005, 0.05, 0.3, 0.8)) * (0.5 + chance.random()))
            broker.kill()
            began = time.monotonic()
            broker.start(timeout=20)
            slowest = max(slowest, time.monotonic() - began)
            self.assertIsNone(client.poll(), "the client ended")
        threading.Event().wait(1)
        client.kill()
        client.wait()
        broker.kill()
        self.assert_store_is_sound(broker.data)
        broker.start()
        journal = journal_audit.Journal(journal_path)
        print(f"{journal.operations()} operations were answered, {len(journal.refused)} settles refused; "
              f"the slowest start took {slowest:.2f} s", flush=True)
        self.assertGreater(len(journal.submitted), 20 * KILLS)
        self.assertGreater(len(journal.settled), 5 * KILLS)
        self.assertEqual(journal_audit.audit(broker, journal)[:20], [])
        self.assertEqual(journal_audit.results_of(broker, journal), [])
        self.assertLess(slowest, 5)
        self.assertEqual(broker.terminate(), 0)
        self.assert_store_is_sound(broker.data)


if __name__ == "__main__":
    sys.exit(harness.main())
