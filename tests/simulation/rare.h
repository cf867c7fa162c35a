// Situations that seldom come up and in which brokers break: a run counts each, and the tests insist that all
// are met.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pawl::sim {

enum class Rare : std::uint8_t {
  stale_settle_refused,
  stale_heartbeat_refused,
  settle_repeated,
  settle_repeated_after_restart,
  lease_lost_while_settle_waited,
  heartbeat_kept_a_lease,
  stall,
  stall_budget_exhausted,
  attempts_exhausted,
  failed_for_good,
  retried_at_once,
  time_limit_hit,
  released_for_later,
  cancel_of_active,
  cancel_beat_fail,
  cancel_beat_release,
  cancel_beat_stall,
  complete_beat_cancel,
  dead_letter_replayed,
  replay_twice_refused,
  retry_refused_by_unique_key,
  deduplicated,
  deduplicated_within_a_batch,
  deduplicated_after_the_end,
  throttled,
  throttled_by_a_job_that_is_gone,
  debounced,
  debounce_waited_its_most,
  debounce_too_late_to_join,
  idempotent_repeat,
  idempotent_repeat_after_restart,
  idempotent_repeat_of_a_deleted_job,
  idempotent_mismatch,
  idempotency_key_expired,
  window_refill,
  window_trimmed,
  submit_ahead_of_a_full_window,
  names_found_beyond_the_window,
  timer_window_refill,
  timer_ahead_of_a_full_window,
  due_slice_full,
  timers_erased_together,
  restored_from_a_parked_row,
  name_filter_passed_over,
  active_memory_full,
  paused_with_waiting_workers,
  poll_answered_empty,
  poll_abandoned,
  worker_resumed,
  worker_resume_lost,
  grace_ran_out,
  weights_served_two_queues,
  retention_expired,
  queue_deleted_with_jobs,
  queue_made_again,
  queues_full,
  concurrency_limit_full,
  concurrency_limit_below_what_runs,
  rate_limit_full,
  rate_limit_survived_a_restart,
  rate_limit_changed_with_starts,
  burst_used_up,
  queue_held,
  queue_held_twice,
  hold_ran_out,
  hold_survived_a_restart,
  hold_ended_by_resume,
  repeated_hold_left_out,
  cancel_beat_rate_limited,
  schedule_ran,
  schedule_ran_after_restart,
  schedule_missed_runs_left_out,
  schedule_late_run_left_out,
  schedule_made_up_for_missed_runs,
  schedule_overlap_skipped,
  schedule_overlap_replaced,
  schedule_overlap_replaced_an_active_job,
  schedule_deduplicated,
  schedule_found_no_room_for_its_queue,
  schedule_ended,
  schedule_run_by_hand,
  schedule_kept_its_next_run,
  schedule_resumed_after_its_runs,
  schedule_slice_full,
  schedule_guarded_its_queue,
  schedules_full,
  child_released,
  child_released_after_restart,
  child_failed_with_its_parent,
  child_skipped,
  child_released_for_later,
  children_added,
  debt_left_to_a_later_batch,
  workflow_cancelled,
  workflow_retried,
  workflow_guarded_a_queue,
  step_kept,
  step_repeated,
  slept,
  sleep_was_over_at_once,
  suspension_refused_for_its_step,
  waits_full,
  cancel_beat_suspend,
  event_woke_a_job,
  event_woke_a_job_after_restart,
  event_passed_by_one_that_waits,
  wait_timed_out,
  trigger_started_a_job,
  trigger_gathered,
  trigger_filled_a_batch,
  trigger_batch_was_due,
  trigger_batch_was_due_after_restart,
  triggers_full,
  wall_clock_set_back,
  wall_clock_set_forward,
  restart_with_wall_clock_behind,
  broker_was_stopped,
  slow_disk_batches_in_flight,
  crash_with_unsynced_batches,
  crash_lost_batches,
  crash_kept_unanswered_batches,
  crash_inside_a_batch,
  disk_failed,
  reply_lost,
  request_sent_twice,
  drained,
  restart_equals_memory,
  count,
};

inline constexpr std::size_t rare_count = static_cast<std::size_t>(Rare::count);

std::string_view name_of(Rare rare);

class RareCounts {
 public:
  void add(Rare rare) { ++counts_[static_cast<std::size_t>(rare)]; }
  std::uint64_t of(Rare rare) const { return counts_[static_cast<std::size_t>(rare)]; }
  void add(const RareCounts& other) {
    for (std::size_t i = 0; i < rare_count; ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<std::uint64_t, rare_count> counts_{};
};

}  // namespace pawl::sim
