"""What is measured, and what it is held to: the pieces of work, the systems, the bounds."""
from typing import NamedTuple

# The work's name here, and in the harness.
WORKS = {"W1": "W1", "W2": "W2", "W3": "W3", "W4": "W4", "W4-bulk": "W4b", "W5": "W5", "W6": "W6", "W7": "W7"}
TEXTS = {
    "W1": "single submits, 64 under way",
    "W2": "bulk submits, 1 000 a call, two calls under way",
    "W3": "a backlog drained by one worker",
    "W4": "single submits and a worker at once",
    "W4-bulk": "bulk submits and a worker at once",
    "W5": "100 submits a second: from the submit to the handler's start",
    "W6": "a million pending jobs; the first 20 000 drained",
    "W7": "20 000 jobs due at one moment: how late they start",
}
# What a ratio is made of: the first is the work's main figure. Rates are better high, all others low.
MEASURES = {work: ["rate"] for work in WORKS} | {"W5": ["p50Ms", "p99Ms"], "W7": ["p50Ms", "allRanMs"]}
ALL = list(WORKS)
DRAINED = 20_000  # jobs of W6 that the drain takes

OWN = "Pawl"  # measured by `pawl bench`
NODE = "Pawl from Node"  # measured by the harness, with the driver in pawl/


class System(NamedTuple):
    """One row of the tables: a system under one setting."""
    name: str
    setting: str  # as it is shown
    durable: str  # whether an answer waits for the fsync: "yes", "no, …" or "not verified"
    works: list  # the pieces of work that it can do
    best: list = []  # those at which it is among the best, so that it is measured by default
    driver: str = ""  # the harness' names for it
    driver_setting: str = ""
    server: str = ""  # the program that must be installed
    options: dict = {}  # for each piece of work: further options for the harness

    @property
    def key(self):
        return f"{self.name}, {self.setting}"

    @property
    def is_peer(self):
        return self.name not in (OWN, NODE)


POSTGRES = "/usr/lib/postgresql/15/bin/postgres"
# As many as a bulk producer needs for a run of seconds; the harness' own number is for the producer of W4.
BULK = {"W4-bulk": ["--n4=80000"]}
SYSTEMS = [
    System(OWN, "libpawl", "yes", ALL, ALL),
    System(OWN, "plain HTTP", "yes", ["W1"], ["W1"]),
    System(NODE, "HTTP", "yes", ALL, ALL, "pawl", "http"),
    System(NODE, "submits gathered", "yes", ["W1", "W4"], ["W1", "W4"], "pawl", "gathered"),
    System("BullMQ", "always", "yes", ALL, ALL, "bullmq", "always", "redis-server", BULK),
    System("BullMQ", "everysec", "no, each second", ALL, [], "bullmq", "everysec", "redis-server", BULK),
    System("pg-boss", "poll 0.5 s", "yes", ALL, ["W2", "W3", "W4", "W4-bulk"], "pgboss", "poll", POSTGRES, BULK),
    System("pg-boss", "notify", "yes", ["W1", "W4", "W5", "W7"], [], "pgboss", "notify", POSTGRES),
    System("graphile-worker", "batched", "yes", ALL, ["W2", "W4-bulk"], "graphile", "batched", POSTGRES, BULK),
    System("graphile-worker", "plain", "yes", ["W3", "W4", "W5"], [], "graphile", "plain", POSTGRES),
    System("beanstalkd", "-f 0", "yes", ["W1", "W2", "W3", "W4", "W5", "W7"], ["W5", "W7"], "beanstalkd", "f0", "beanstalkd"),
    System("beanstalkd", "-f 50", "no, each 50 ms", ALL, [work for work in ALL if work != "W4-bulk"], "beanstalkd", "f50",
           "beanstalkd"),
    System("RabbitMQ", "classic", "not verified", ALL, [], "rabbitmq", "classic", "/usr/lib/rabbitmq/bin/rabbitmq-server"),
    System("RabbitMQ", "quorum", "not verified", ["W1", "W2", "W3", "W4", "W4-bulk", "W5", "W6"], ["W3"],
           "rabbitmq", "quorum", "/usr/lib/rabbitmq/bin/rabbitmq-server"),
    System("NATS JetStream", "file", "no, each 2 min", ["W1", "W2", "W3", "W4", "W4-bulk", "W5", "W6"], ["W3"],
           "nats", "file", "nats-server"),
    System("Celery", "prefork", "no, each second", ["W1", "W2", "W3", "W4", "W5", "W6", "W7"], [],
           "celery", "prefork", "redis-server"),
    System("Celery", "threads", "no, each second", ["W3", "W4", "W5"], [], "celery", "threads", "redis-server"),
]


class Bound(NamedTuple):
    """What Pawl's figure must reach: absolute, or divided by that of the best peer."""
    work: str
    measure: str
    limit: float  # at least for a rate, at most for all else
    against: str = ""  # "fsync": the best peer whose answers wait for the fsync; "any": of any durability; or a system's key
    setting: str = "libpawl"


BOUNDS = [
    Bound("W1", "rate", 3, "fsync"),
    Bound("W1", "rate", 1.2, "any"),
    Bound("W1", "rate", 1.5, "fsync", "plain HTTP"),
    Bound("W1", "p50Ms", 2, setting="plain HTTP"),
    Bound("W2", "rate", 2.4, "fsync"),
    Bound("W2", "rate", 2, "any"),
    Bound("W3", "rate", 4, "fsync"),
    Bound("W3", "rate", 1.5, "any"),
    Bound("W4-bulk", "rate", 3, "fsync"),
    Bound("W4", "rate", 5.5, "BullMQ, always"),
    Bound("W4", "rate", 2.2, "any"),
    Bound("W5", "p50Ms", 0.6, "fsync"),
    Bound("W5", "p99Ms", 0.8, "fsync"),
    Bound("W5", "p50Ms", 1, "any"),
    Bound("W5", "p99Ms", 1, "any"),
    Bound("W6", "residentMiB", 150),
    Bound("W6", "restartMs", 500),
    Bound("W6", "rate", 4, "fsync"),
    Bound("W6", "rate", 1.1, "any"),
    Bound("W7", "p50Ms", 0.4, "fsync"),
    Bound("W7", "p50Ms", 0.5, "any"),
    Bound("W7", "allRanMs", 0.5, "any"),
]


def chosen(works, everything, only=()):
    """The systems to measure, as {work: [System…]}. Pawl's own are always there."""
    def wanted(system, work):
        if only and system.is_peer:
            return work in system.works and system.driver in only
        return work in (system.works if everything or only else system.best)
    return {work: [system for system in SYSTEMS if wanted(system, work)] for work in works}
