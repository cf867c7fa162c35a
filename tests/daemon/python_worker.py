"""A worker in Python, written from docs/worker-protocol.md alone: the standard library and python3-websockets.

python_worker.py URL QUEUE [CREDIT] does the jobs of one queue as handle() says and prints what happens. SIGTERM drains.
"""
import asyncio
import functools
import itertools
import json
import os
import random
import signal
import sys

import websockets


class PermanentError(Exception): ...  # no further attempt can help
class Release(Exception): ...  # not now: give the job back


say = functools.partial(print, flush=True)


class Worker:
    def __init__(self, url, queue, credit, token):
        self.url, self.queue, self.credit = url.replace("http", "ws", 1) + "/worker", queue, credit
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.worker_id = f"python-{os.getpid()}"
        self.tasks = {}  # (jobId, leaseId) → task: what is held here
        self.unsettled = {}  # (jobId, leaseId) → settlement that the broker has not confirmed
        self.ids, self.sent = itertools.count(1), {}  # frame id → whose settlements it carried
        self.draining, self.socket = asyncio.Event(), None

    async def run(self):
        wait = 0.05
        while not (self.draining.is_set() and not self.tasks):
            try:
                async with websockets.connect(self.url, subprotocols=["pawl.worker.v1"], max_size=None,
                                              extra_headers=self.headers) as self.socket:
                    wait = 0.05
                    await self.serve()
            except (OSError, websockets.WebSocketException) as error:
                say("connection-lost", type(error).__name__)
            self.socket = None
            await asyncio.sleep(wait := min(wait * (1 + random.random()), 2))

    async def serve(self):
        held = [{"jobId": job, "leaseId": lease} for job, lease in self.tasks]
        await self.send(type="hello", workerId=self.worker_id, queues=[{"queue": self.queue}], credit=self.credit, leases=held)
        beside = asyncio.gather(self.heartbeats(), self.say_bye())
        try:
            async for text in self.socket:
                await self.on_frame(json.loads(text))
        finally:
            beside.cancel()

    async def on_frame(self, frame):
        kind = frame["type"]
        if kind == "welcome":
            say("welcome", "resumed", len(frame["resumed"]), "lost", len(frame["lost"]))
            for key in [key for key in self.tasks if key[0] in frame["lost"]]:
                self.forget(key)
            await self.settle(list(self.unsettled))
        elif kind == "jobs":
            for job in frame["jobs"]:
                key = job["jobId"], job["leaseId"]
                self.tasks[key] = asyncio.create_task(self.work(key, job))
        elif kind == "settled":
            for key, result in zip(self.sent.pop(frame["id"], []), frame["results"]):
                say("settled", key[0], result.get("status"))
                self.unsettled.pop(key, None)
                self.tasks.pop(key, None)
        elif kind == "cancel":
            self.tasks[frame["jobId"], frame["leaseId"]].cancel()
        elif kind == "lease-lost":
            self.forget((frame["jobId"], frame["leaseId"]))
        elif kind in ("drain", "error"):
            say(kind, json.dumps(frame.get("problem")))

    async def work(self, key, job):
        try:
            verdict = {"outcome": "complete", "result": await handle(self, key, job)}
        except Release:
            verdict = {"outcome": "release"}
        except asyncio.CancelledError:
            verdict = {"outcome": "fail", "error": {"type": "cancelled", "message": "stopped on request"}}
        except Exception as error:
            verdict = {"outcome": "fail", "error": {"type": type(error).__name__, "message": str(error)},
                       "permanent": isinstance(error, PermanentError), "retryDelayMs": 10}
        if key in self.tasks:  # else the lease is lost, and no verdict counts
            self.unsettled[key] = {"jobId": key[0], "leaseId": key[1]} | verdict
            await self.settle([key])

    async def settle(self, keys):
        self.sent[number := next(self.ids)] = keys
        if keys:
            await self.send(type="settle", id=number, settlements=[self.unsettled[key] for key in keys])

    async def beat(self, *keys, **more):
        await self.send(type="heartbeat", id=next(self.ids), beats=[{"jobId": job, "leaseId": lease} | more for job, lease in keys])

    async def heartbeats(self):
        while True:
            await asyncio.sleep(0.3)
            if self.tasks:
                await self.beat(*self.tasks)

    async def say_bye(self):
        await self.draining.wait()
        await self.send(type="bye")

    async def send(self, **frame):
        try:
            await self.socket.send(json.dumps(frame))
        except (AttributeError, websockets.ConnectionClosed):
            pass  # what matters is sent again after the reconnect

    def forget(self, key):
        say("lost", key[0])
        self.unsettled.pop(key, None)
        if task := self.tasks.pop(key, None):
            task.cancel()


async def handle(worker, key, job, released=set()):
    kind, payload = job["name"], job["payload"]
    say("job", key[0], kind, job["attempt"])
    if kind == "flaky" and job["attempt"] == 1:
        raise RuntimeError("the first attempt fails")
    if kind == "bad":
        raise PermanentError("cannot be done")
    if kind == "release" and key[0] not in released:
        released.add(key[0])
        raise Release()
    for step in range(10 if kind == "sleep" else 0):
        await worker.beat(key, progress=step * 10, message=f"step {step}")
        await asyncio.sleep(payload["ms"] / 10000)
    return payload["text"].upper() if kind == "upper" else {"done": True}


async def main():
    worker = Worker(sys.argv[1], sys.argv[2], int((sys.argv + ["8"])[3]), os.environ.get("PAWL_TOKEN"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.draining.set)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
