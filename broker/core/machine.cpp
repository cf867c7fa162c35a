// The machine's door: what a command needs, carrying it out, and what is written once for a batch.
#include "broker/core/machine.h"

#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

Machine::Machine(MachineOptions options, std::uint64_t seed, const Calendar* calendar)
    : state_(std::make_unique<State>(options, seed, calendar)) {}
Machine::~Machine() = default;

void Machine::restore_marks(const Marks& marks) { state_->marks = marks; }

void Machine::restore_queue(QueueRow row) {
  State& state = *state_;
  auto queue = std::make_unique<Queue>();
  queue->queue = queue.get();
  queue->row = std::move(row);
  queue->beyond = queue->count(Status::pending) + queue->count(Status::stalled) > 0;
  if (queue->count(Status::delayed) + queue->count(Status::blocked) > 0) state.timers_beyond = true;
  state.queues_by_number[static_cast<std::uint32_t>(queue->row.number)] = queue.get();
  state.note_refill(*queue);
  state.queues[queue->row.name] = std::move(queue);
}

void Machine::restore_retained(const RetainedRow& row) {
  state_->retained[{row.expires_at, row.queue, row.status}] = row.count;
}

void Machine::restore_grant(const Grant& grant, std::vector<Job> jobs, Now now) {
  State& state = *state_;
  state.seen_mono = now.mono;
  GrantState live;
  Millis nearest = never;
  for (Job& job : jobs) {
    const auto entry = std::ranges::find(grant.entries, job.id, &Grant::Entry::id);
    if (entry == grant.entries.end() || job.last_lease >= entry->lease ||
        state.queue_of(job.queue) == nullptr)
      continue;
    const Place row = place_of(job.status);
    // It was due and taken in one batch, and that has one time.
    if (job.status == Status::delayed) job.transit(Event::due, grant.granted_wall);
    if (job.status != Status::active) job.transit(Event::lease, grant.granted_wall);
    job.started_at = grant.granted_wall;
    job.worker_id = entry->worker < grant.workers.size() ? grant.workers[entry->worker] : std::string();
    Entry& adopted = state.adopt(std::move(job));
    adopted.row = row;
    const Job& held = adopted.job;
    ActiveLease active;
    active.grant = grant.number;
    active.lease = {entry->lease,
                    held.worker_id,
                    grant.granted_wall,
                    now.mono + entry->lease_ms,
                    now.wall + entry->lease_ms,
                    held.timeout_ms > 0 ? now.mono + held.timeout_ms : never,
                    now.mono,
                    now.wall};
    nearest = std::min({nearest, active.lease.expires_mono, active.lease.timeout_mono});
    adopted.active = std::move(active);
    Lane& lane = state.lane_of(adopted);
    adopted.lane = &lane;
    if (lane.number != 0) {
      adopted.active->granted_mono = now.mono;
      adopted.active->charged = 1;
      state.hold_in_lane(adopted);
    }
    ++state.active_jobs;
    state.active_bytes += adopted.bytes();
    live.jobs.push_back(held.id);
    ++live.live;
  }
  if (live.live == 0) {
    state.spent_grants.push_back(grant.number);
    return;
  }
  state.grants[grant.number] = std::move(live);
  state.look_at_grant(grant.number, nearest);
}

void Machine::State::need_job(const JobId& id, Needs& needs) const {
  if (!known(id)) needs.jobs.push_back(id);
}

// The key, and then the job that holds it.
void Machine::State::submit_needs(const NewJob& spec, Needs& needs) const {
  lane_needs(spec, needs);
  if (spec.unique_key.empty() && !spec.gathering) return;
  const auto queue = queues.find(spec.queue);
  if (queue == queues.end()) return;
  const QueueNumber number = queue->second->row.number;
  std::string key = key_held_by(spec);
  const auto held = unique.find({static_cast<std::uint32_t>(number), key});
  if (held == unique.end())
    needs.unique_keys.emplace_back(number, std::move(key));
  else if (held->second)
    need_job(held->second->id, needs);
}

void Machine::needs(const Command& command, Needs& needs) const {
  const State& state = *state_;
  const auto job = [&](const JobId& id) { state.need_job(id, needs); };
  const auto unique_key = [&](QueueNumber queue, const std::string& key) {
    if (!key.empty() && !state.unique.contains({static_cast<std::uint32_t>(queue), key})) {
      needs.unique_keys.emplace_back(queue, key);
    }
  };
  const auto visit = [&]<typename Body>(const Body& body) {
    if constexpr (std::is_same_v<Body, Submit>) {
      if (body.idempotency && !state.idempotency.contains(body.idempotency->key)) {
        needs.idempotency_keys.push_back(body.idempotency->key);
      }
      for (const NewJob& spec : body.jobs) state.submit_needs(spec, needs);
    } else if constexpr (std::is_same_v<Body, Settle>) {
      for (const Settlement& settlement : body.settlements) job(settlement.id);
    } else if constexpr (std::is_same_v<Body, Heartbeat>) {
      for (const Beat& beat : body.beats) job(beat.id);
    } else if constexpr (std::is_same_v<Body, RunSchedule> || std::is_same_v<Body, GetSchedule> ||
                         std::is_same_v<Body, PauseSchedule> || std::is_same_v<Body, DeleteSchedule>) {
      const auto row = state.schedules.find(body.schedule);
      if (row != state.schedules.end()) state.schedule_needs(row->second, needs);
    } else if constexpr (std::is_same_v<Body, PutSchedule>) {
      const auto row = state.schedules.find(body.schedule.id);
      if (row != state.schedules.end()) state.schedule_needs(row->second, needs);
    } else if constexpr (std::is_same_v<Body, SubmitWorkflow>) {
      for (const NewMember& member : body.members) state.lane_needs(member.job, needs);
    } else if constexpr (std::is_same_v<Body, AddChildren>) {
      for (const NewMember& member : body.members) state.lane_needs(member.job, needs);
      job(body.id);
      const Entry* entry = state.find(body.id);
      if (entry != nullptr && !entry->job.workflow.is_none() &&
          !state.workflows.contains(entry->job.workflow))
        needs.workflows.push_back(entry->job.workflow);
    } else if constexpr (requires { body.workflow; }) {
      state.workflow_needs(body.workflow, needs);
    } else if constexpr (std::is_same_v<Body, RaiseEvent>) {
      state.event_needs(body, needs);
    } else if constexpr (requires { body.id; }) {
      job(body.id);
      if constexpr (std::is_same_v<Body, Why> || std::is_same_v<Body, Cancel>) {
        const Entry* entry = state.find(body.id);
        const bool waits =
            entry != nullptr && entry->job.status == Status::blocked && entry->job.wait == nullptr;
        if (waits && !state.parents.contains(body.id)) needs.parents.push_back(body.id);
      }
      if constexpr (std::is_same_v<Body, Retry> || std::is_same_v<Body, Move>) {
        const Entry* entry = state.find(body.id);
        if (entry == nullptr) return;
        unique_key(entry->job.queue, entry->job.unique_key);
        if constexpr (std::is_same_v<Body, Move>) state.move_needs(entry->job, body.queue, needs);
      }
    }
  };
  std::visit(visit, command.body);
}

void Machine::apply(const Command& command, Now now, Outbox& outbox) {
  state_->observe(now);
  std::visit([&](const auto& body) { state_->apply(command.ticket, body, now, outbox); }, command.body);
}

void Machine::flush(Now now, Outbox& outbox) {
  State& state = *state_;
  // A turn that only matched told this time too.
  state.marks.wall = std::max(state.marks.wall, now.wall);
  state.write_fired(outbox);
  state.write_owed(outbox);
  if (!state.open_grant.entries.empty()) {
    const auto grant = state.grants.find(state.open_grant.number);
    if (grant != state.grants.end()) {
      outbox.put_grant(state.open_grant);
      state.look_at_grant(state.open_grant.number, state.open_grant_deadline);
    } else {
      std::erase(state.spent_grants, state.open_grant.number);
    }
    state.open_grant = {};
  }
  for (const std::uint64_t number : std::exchange(state.spent_grants, {})) outbox.erase_grant(number);
  for (const RetainedKey& key : std::exchange(state.retained_dirty, {})) {
    const auto count = state.retained.find(key);
    outbox.put_retained(
        {key.queue, key.status, key.expires_at, count == state.retained.end() ? 0 : count->second});
    if (count != state.retained.end() && count->second == 0) state.retained.erase(count);
  }
  // By number, so that the same seed gives the same bytes.
  state.flush_lanes(outbox);
  std::vector<Queue*> dirty(state.dirty_queues.begin(), state.dirty_queues.end());
  std::ranges::sort(dirty, {}, [](const Queue* queue) { return queue->row.number; });
  for (Queue* queue : dirty) {
    outbox.put_queue(queue->row);
    queue->dirty = false;
  }
  state.dirty_queues.clear();
  // The newest time that was told goes with every change: after a restart the clock must not stand before it.
  if (state.marks_dirty || !dirty.empty()) outbox.put_marks(state.marks);
  state.marks_dirty = false;
}

}  // namespace pawl::core
