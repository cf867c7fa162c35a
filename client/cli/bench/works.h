// The seven pieces of work that queues are compared by. docs/PERFORMANCE.md says how they are measured.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/cli/bench/load.h"
#include "client/cli/bench/reporter.h"
#include "client/cli/bench/target.h"

namespace pawl::cli::bench {

struct Work {
  std::string_view name;  // "W1"…
  std::string_view text;  // what is done
  std::uint64_t jobs;     // at scale 1
};
inline constexpr std::array works{
    Work{"W1", "single submits, 64 under way, each answered by itself, through libpawl", 200'000},
    Work{"W1-http", "the same over plain HTTP, 64 keep-alive connections", 100'000},
    Work{"W2", "bulk submits, 1 000 a call, two calls under way", 400'000},
    Work{"W3", "a backlog drained by one worker that does nothing", 200'000},
    Work{"W4", "submits as in W1 and a worker at once", 100'000},
    Work{"W4-bulk", "submits as in W2 and a worker at once", 200'000},
    Work{"W5", "100 submits a second (--rate): from the submit's time to the handler's start", 1'000},
    Work{"W6", "a backlog of a million: memory, disk, kill -9, the first 20 000 (--drain) drained",
         1'000'000},
    Work{"W7", "20 000 jobs due at one moment: how late they start", 20'000},
};

struct Outcome {
  std::string_view work;
  std::uint64_t jobs = 0;
  double seconds = 0;
  double rate = 0;  // jobs a second; W6: of the drain
  // Latencies: of W1 the answer to a submit, counted from the moment it was meant to be sent; of W5 and W7
  // the handler's start, counted from the moment the job was meant to be submitted or to run. Milliseconds;
  // 0: none.
  double p50_ms = 0;
  double p99_ms = 0;
  double submit_p50_ms = 0;  // W5: the answer to a submit, counted from the moment it was meant to be sent
  double submit_p99_ms = 0;
  double all_ran_ms = 0;  // W7: from the due moment to the last handler's start
  double cpu_server_us = 0, cpu_client_us = 0, fsyncs = 0, keys = 0, bytes = 0;  // for each job
  double resident_mib = 0;  // at the end; W6: with the backlog
  double disk_mib = 0;
  double restart_ms = 0;             // W6: from the start after kill -9 to ready
  std::uint64_t lost = 0;            // answered, and not found or not run
  std::uint64_t more_than_once = 0;  // handlers that ran again for a job
};

/// Does one piece of work. W6 restarts only a broker of its own. Throws Exception or std::runtime_error with
/// a sentence.
Outcome run_work(const Work& work, const Load& load, Target& target, const Progress& progress,
                 const OnReading& on_reading);

}  // namespace pawl::cli::bench
