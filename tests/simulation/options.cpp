#include "tests/simulation/options.h"

#include <fmt/core.h>

#include "tests/simulation/random.h"

namespace pawl::sim {

Options Options::draw(std::uint64_t seed, std::uint64_t steps, Canary canary) {
  Random random(seed);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return static_cast<std::uint64_t>(random.between(low, high));
  };
  Options drawn;
  drawn.seed = seed;
  drawn.steps = steps;
  drawn.canary = canary;
  drawn.machine.window_jobs = between(4, 64);
  drawn.machine.window_jobs_idle = between(1, 8);
  drawn.machine.window_bytes = between(4, 64) * 1024;
  drawn.machine.windows_bytes = between(16, 256) * 1024;
  drawn.machine.timer_window = between(4, 64);
  drawn.machine.active_bytes = random.one_in(4) ? between(90, 160) * 1024 : std::size_t{64} << 20;
  drawn.machine.named_scan = between(2, 64);
  drawn.machine.due_slice = between(1, 32);
  drawn.machine.queues_max = between(3, 8);
  drawn.machine.worker_forget_ms = static_cast<core::Millis>(between(100, 60'000));
  drawn.batch_commands = between(1, 24);
  drawn.clients = between(2, 8);
  drawn.pollers = between(1, 5);
  drawn.connections = between(1, 5);
  drawn.named_percent = random.one_in(3) ? 0 : between(10, 60);
  drawn.queues = between(2, 6);
  drawn.jobs_max = between(100, 600);
  drawn.payload_max = random.one_in(3) ? between(256, 4096) : between(8, 128);
  drawn.batches_in_flight = between(1, 8);
  drawn.sync_percent = between(5, 60);
  drawn.crash_one_in = between(500, 4'000);
  drawn.disk_fails_one_in = between(5'000, 20'000);
  drawn.clock_set_one_in = between(500, 4'000);
  drawn.reply_lost_percent = between(0, 5);
  drawn.pace_ms = static_cast<core::Millis>(between(5, 60));
  drawn.lease_ms = static_cast<core::Millis>(between(1'000, 5'000));
  drawn.machine.due_together = between(1, 8);
  drawn.machine.schedules_max = random.one_in(3) ? between(2, 4) : 100;
  drawn.machine.schedule_slice = between(1, 16);
  drawn.machine.waits_max = random.one_in(3) ? between(1, 4) : 100'000;
  drawn.machine.triggers_max = random.one_in(3) ? between(1, 3) : 100;
  drawn.machine.trigger_slice = between(1, 4);
  drawn.machine.release_slice = between(1, 20);
  drawn.pay_rounds = random.one_in(2) ? between(3, 6) : 32;  // two to load what one needs, and one to pay
  drawn.schedule_percent = between(20, 60);
  drawn.machine.soon_ms = random.one_in(4) ? 0 : static_cast<core::Millis>(between(1, 10'000));
  drawn.machine.soon_bytes = between(0, 16) * 1024;
  drawn.machine.soon_slice = between(1, 16);
  drawn.operation_slice = between(1, 16);
  drawn.operation_rows = between(1, 64);
  drawn.operation_count = between(1, 64);
  drawn.failure_groups = random.one_in(2) ? between(1, 4) : 1000;
  return drawn;
}

std::string Options::json() const {
  std::string_view canary_name = "none";
  for (const CanaryInfo& info : canaries) {
    if (info.canary == canary) canary_name = info.name;
  }
  return fmt::format(
      R"({{"seed":{},"steps":{},"canary":"{}","windowJobs":{},"windowJobsIdle":{},"windowBytes":{},"windowsBytes":{},)"
      R"("timerWindow":{},"activeBytes":{},"namedScan":{},"dueSlice":{},"queuesMax":{},"batchCommands":{},"clients":{},"pollers":{},)"
      R"("connections":{},"namedPercent":{},"queues":{},"jobsMax":{},"payloadMax":{},"batchesInFlight":{},"syncPercent":{},)"
      R"("crashOneIn":{},"diskFailsOneIn":{},"clockSetOneIn":{},"replyLostPercent":{},"paceMs":{},"leaseMs":{},"dueTogether":{},"schedulesMax":{},"scheduleSlice":{},"schedulePercent":{},"waitsMax":{},"triggersMax":{},"triggerSlice":{},"soonMs":{},"soonBytes":{},"soonSlice":{},"auditEvery":{},"operationSlice":{},"operationRows":{},"operationCount":{},"failureGroups":{}}})",
      seed, steps, canary_name, machine.window_jobs, machine.window_jobs_idle, machine.window_bytes,
      machine.windows_bytes, machine.timer_window, machine.active_bytes, machine.named_scan,
      machine.due_slice, machine.queues_max, batch_commands, clients, pollers, connections, named_percent,
      queues, jobs_max, payload_max, batches_in_flight, sync_percent, crash_one_in, disk_fails_one_in,
      clock_set_one_in, reply_lost_percent, pace_ms, lease_ms, machine.due_together, machine.schedules_max,
      machine.schedule_slice, schedule_percent, machine.waits_max, machine.triggers_max,
      machine.trigger_slice, machine.soon_ms, machine.soon_bytes, machine.soon_slice, audit_every,
      operation_slice, operation_rows, operation_count, failure_groups);
}

}  // namespace pawl::sim
