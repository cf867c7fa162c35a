"""The history on the real broker: it equals what was done, is there after a restart and after a SIGKILL, and an idle broker writes nothing."""
import sys
import time

import harness
from harness import eventually

JOBS = 40


def sums(broker, query):
    answer = broker.call("GET", f"/stats?{query}", expect=200).json
    total = {}
    for point in answer["points"]:
        for key in ("submitted", "started", "completed", "failed", "retried"):
            total[key] = total.get(key, 0) + point[key]
        total["runs"] = total.get("runs", 0) + point["runMs"]["count"]
    return total, answer


class HistoryTest(harness.BrokerTest):
    def work(self, broker, queue):
        for _ in range(JOBS):
            broker.submit(queue, maxAttempts=1)
        for number in range(JOBS):
            job = broker.lease(queue)[0]
            if number % 4 == 0:
                broker.call("POST", f"/jobs/{job['jobId']}/fail", {"leaseId": job["leaseId"], "error": {"type": "no", "message": "no"}}, expect=200)
            else:
                broker.call("POST", f"/jobs/{job['jobId']}/complete", {"leaseId": job["leaseId"]}, expect=200)

    def expect(self, broker, queue, times=1):
        for step in (1, 60):
            for query in (f"queue={queue}&step={step}", f"step={step}"):
                total, answer = sums(broker, query + "&seconds=600")
                self.assertEqual(total, {"submitted": times * JOBS, "started": times * JOBS, "completed": times * JOBS * 3 // 4,
                                         "failed": times * JOBS // 4, "retried": 0, "runs": times * JOBS}, query)
                self.assertEqual(answer["points"][-1]["counts"]["failed"], times * JOBS // 4)

    def commits(self, broker):
        return broker.call("GET", "/stats", expect=200).json["engine"]["batches"]

    def test_the_history_survives_a_stop_and_a_kill(self):
        broker = self.broker()
        self.work(broker, "mail")
        self.expect(broker, "mail")
        broker.terminate()
        broker.start()
        self.expect(broker, "mail")
        self.work(broker, "mail")
        # What was gathered is on disk five seconds after the second is over, without anybody asking.
        time.sleep(8)
        broker.kill()
        broker.start()
        self.expect(broker, "mail", times=2)
        self.assertEqual(broker.call("GET", "/stats?queue=nobody").status, 404)
        broker.terminate()
        self.assert_store_is_sound(broker.data)

    def test_an_idle_broker_writes_nothing(self):
        broker = self.broker()
        broker.submit("mail")
        before = self.commits(broker)
        eventually(lambda: self.commits(broker) > before, 15, "the write of the last seconds")
        # The minute's row comes at its end; after that there is nothing more to write.
        time.sleep(62)
        before = self.commits(broker)
        time.sleep(8)
        self.assertEqual(self.commits(broker), before)


if __name__ == "__main__":
    sys.exit(harness.main())
