// What a seed draws before the first step: sizes, limits and how rough the weather is.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/machine.h"
#include "tests/simulation/canary.h"

namespace pawl::sim {

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t steps = 20'000;
  std::size_t trace_lines = 30;  // in the report of a broken promise
  Canary canary = Canary::none;

  core::MachineOptions machine;
  std::size_t batch_commands = 8;
  std::size_t clients = 4;
  std::size_t pollers = 3;
  std::size_t connections = 3;
  std::uint64_t named_percent = 25;  // of workers take only some names
  std::size_t queues = 3;
  std::uint64_t pay_rounds = 32;        // in one batch
  std::uint64_t schedule_percent = 40;  // of what operators do
  std::size_t jobs_max = 400;           // above it nobody submits
  std::size_t payload_max = 64;
  std::size_t batches_in_flight = 4;   // a slower disk makes the broker wait
  std::uint64_t sync_percent = 30;     // chance of a sync after a turn
  std::uint64_t crash_one_in = 2'000;  // steps
  std::uint64_t disk_fails_one_in = 20'000;
  std::uint64_t clock_set_one_in = 3'000;
  std::uint64_t reply_lost_percent = 2;
  core::Millis pace_ms = 20;  // how fast time passes
  core::Millis lease_ms = 2'000;
  std::uint64_t audit_every = 500;  // steps
  std::size_t operation_slice = 8;  // jobs
  std::size_t operation_rows = 100;
  std::size_t operation_count = 100;  // jobs
  std::size_t failure_groups = 1000;  // of one queue

  /// Everything but the three given is drawn from the seed.
  static Options draw(std::uint64_t seed, std::uint64_t steps, Canary canary);
  /// One line of JSON.
  std::string json() const;
};

}  // namespace pawl::sim
