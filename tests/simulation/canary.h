// Brokers that are broken on purpose, one for each promise: a test that never turned red proves nothing.
// The core stays as it is; what goes into it and comes out of it is falsified.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::sim {

enum class Canary : std::uint8_t {
  none,
  early_reply,
  lying_disk,
  torn_batch,
  changed_payload,
  invented_job,
  forgotten_lease,
  taken_stale_settle,
  same_lease_numbers,
  early_expiry,
  late_expiry,
  no_grace,
  left_end,
  lost_attempt,
  early_retry,
  lost_errors,
  replayed_twice,
  cancelled_again,
  early_due,
  late_due,
  lost_wakeup,
  wall_goes_back,
  last_in_first_out,
  priority_ignored,
  pause_ignored,
  lost_debt,
  lost_dependent,
  early_release,
  lost_steps,
  deaf_event,
  forgotten_wait,
  lost_gathered,
  forgotten_trigger,
  double_unique,
  throttle_ignored,
  debounce_ignored,
  debounce_kept_payload,
  forgotten_idempotency,
  miscounted,
  kept_row,
  lost_timer,
  changed_by_restart,
  repeated_run,
  lost_run,
  forgotten_schedule,
  kept_schedule,
  overlap_ignored,
  missed_ignored,
  concurrency_ignored,
  rate_ignored,
  forgotten_starts,
  hold_ignored,
  forgotten_hold,
  slow_rate,
  limit_never_wakes,
};

struct CanaryInfo {
  Canary canary;
  std::string_view name;
  std::string_view invariants;  // that may catch it, separated by spaces
  std::string_view what;
};

inline constexpr std::array canaries{
    CanaryInfo{Canary::early_reply, "early-reply", "D1 D2 L1", "answers leave before their batch is durable"},
    CanaryInfo{Canary::lying_disk, "lying-disk", "D1 D2 L1",
               "a batch that was synced is gone after a power cut"},
    CanaryInfo{Canary::torn_batch, "torn-batch", "D1 D2", "half a batch survives a power cut"},
    CanaryInfo{Canary::changed_payload, "changed-payload", "D3", "a stored payload differs by a byte"},
    CanaryInfo{Canary::invented_job, "invented-job", "D4 D1", "a row appears that nobody submitted"},
    CanaryInfo{Canary::forgotten_lease, "forgotten-lease", "L1",
               "a restart forgets a lease, so a second one is given"},
    CanaryInfo{Canary::taken_stale_settle, "taken-stale-settle", "L2", "a settle with an old lease is taken"},
    CanaryInfo{Canary::same_lease_numbers, "same-lease-numbers", "L3", "a restart gives lease numbers again"},
    CanaryInfo{Canary::early_expiry, "early-expiry", "L4", "leases run out two seconds early"},
    CanaryInfo{Canary::late_expiry, "late-expiry", "L4", "leases never run out"},
    CanaryInfo{Canary::no_grace, "no-grace", "L4", "a closed connection loses its leases at once"},
    CanaryInfo{Canary::left_end, "left-end", "S1 S6 C2", "an ended job is taken for a waiting one"},
    CanaryInfo{Canary::lost_attempt, "lost-attempt", "S2 C2", "an attempt is not counted"},
    CanaryInfo{Canary::early_retry, "early-retry", "S3", "a retry does not wait its backoff"},
    CanaryInfo{Canary::lost_errors, "lost-errors", "S4", "a dead letter has lost its errors"},
    CanaryInfo{Canary::replayed_twice, "replayed-twice", "S5",
               "a dead letter is replayed again after it was completed"},
    CanaryInfo{Canary::cancelled_again, "cancelled-again", "S6", "a cancelled job is delivered"},
    CanaryInfo{Canary::early_due, "early-due", "T1 T2", "delayed jobs run five seconds early"},
    CanaryInfo{Canary::late_due, "late-due", "T1 T2 D3", "delayed jobs never become due"},
    CanaryInfo{Canary::lost_wakeup, "lost-wakeup", "T1", "a waiting worker is not given a waiting job"},
    CanaryInfo{Canary::wall_goes_back, "wall-goes-back", "T3", "the wall clock is used as it is"},
    CanaryInfo{Canary::last_in_first_out, "last-in-first-out", "O1 O2", "the second in line is served first"},
    CanaryInfo{Canary::priority_ignored, "priority-ignored", "O2 O1", "the more urgent job is passed over"},
    CanaryInfo{Canary::pause_ignored, "pause-ignored", "O3", "a paused queue goes on"},
    CanaryInfo{Canary::lost_debt, "lost-debt", "W2", "what an end owes and no batch has paid is not on disk"},
    CanaryInfo{Canary::lost_dependent, "lost-dependent", "W2", "a job's end does not know who waits for it"},
    CanaryInfo{Canary::early_release, "early-release", "W1", "a job runs when one of its parents has ended"},
    CanaryInfo{Canary::lost_steps, "lost-steps", "E1", "steps are not on disk"},
    CanaryInfo{Canary::deaf_event, "deaf-event", "E2 E3", "an event is not heard"},
    CanaryInfo{Canary::forgotten_wait, "forgotten-wait", "E2", "a restart forgets who waits for an event"},
    CanaryInfo{Canary::lost_gathered, "lost-gathered", "E3", "what a trigger has gathered is not on disk"},
    CanaryInfo{Canary::forgotten_trigger, "forgotten-trigger", "E3 O2 D3", "a restart forgets a trigger"},
    CanaryInfo{Canary::double_unique, "double-unique", "U1 S5", "a unique key on disk is not looked up"},
    CanaryInfo{Canary::throttle_ignored, "throttle-ignored", "U3",
               "a throttle's window on disk is not looked up"},
    CanaryInfo{Canary::debounce_ignored, "debounce-ignored", "U4",
               "a debounce's wait on disk is not looked up"},
    CanaryInfo{Canary::debounce_kept_payload, "debounce-kept-payload", "D3",
               "a debounced job runs with its first payload"},
    CanaryInfo{Canary::forgotten_idempotency, "forgotten-idempotency", "U2",
               "an Idempotency-Key on disk is not looked up"},
    CanaryInfo{Canary::miscounted, "miscounted", "C1 D1", "a queue's counter is off by one on disk"},
    CanaryInfo{Canary::kept_row, "kept-row", "C2 S6", "a job's old row is not erased"},
    CanaryInfo{Canary::lost_timer, "lost-timer", "C2", "a delayed job gets no timer"},
    CanaryInfo{Canary::changed_by_restart, "changed-by-restart", "R1",
               "a restart forgets how many jobs were ever completed"},
    CanaryInfo{Canary::repeated_run, "repeated-run", "T2",
               "a schedule's last run comes again after a restart"},
    CanaryInfo{Canary::lost_run, "lost-run", "T2", "a restart leaves out a schedule's next run"},
    CanaryInfo{Canary::forgotten_schedule, "forgotten-schedule", "T4", "a restart forgets a schedule"},
    CanaryInfo{Canary::kept_schedule, "kept-schedule", "T4 D1", "a deleted schedule is still on disk"},
    CanaryInfo{Canary::overlap_ignored, "overlap-ignored", "T2",
               "a schedule runs although its last job has not ended"},
    CanaryInfo{Canary::missed_ignored, "missed-ignored", "T2",
               "a schedule makes up for what it must leave out"},
    CanaryInfo{Canary::concurrency_ignored, "concurrency-ignored", "Q1",
               "more of a queue run at once than may"},
    CanaryInfo{Canary::rate_ignored, "rate-ignored", "Q2", "more of a queue start in a time than may"},
    CanaryInfo{Canary::forgotten_starts, "forgotten-starts", "Q2",
               "a restart forgets the starts that count against a limit"},
    CanaryInfo{Canary::hold_ignored, "hold-ignored", "Q3", "a queue goes on that a service outside held"},
    CanaryInfo{Canary::forgotten_hold, "forgotten-hold", "Q3", "a restart forgets that a queue is held"},
    CanaryInfo{Canary::slow_rate, "slow-rate", "T1 Q4", "a queue starts half as many as its limit lets it"},
    CanaryInfo{Canary::limit_never_wakes, "limit-never-wakes", "T1",
               "nobody looks again when a limit has room"},
};

constexpr std::optional<Canary> canary_named(std::string_view name) {
  for (const CanaryInfo& info : canaries) {
    if (info.name == name) return info.canary;
  }
  return std::nullopt;
}

}  // namespace pawl::sim
