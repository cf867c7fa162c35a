// Durable steps: what an attempt keeps, how it gives the worker back, and what brings it on.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

bool matches(const Match& match, const EventData& data) {
  return std::ranges::all_of(match, [&](const auto& wanted) {
    const std::optional<std::string> value = data.value_at(wanted.first);
    return value && *value == wanted.second;
  });
}

namespace {

Millis saturating_sum(Millis a, Millis b) { return a > never - b ? never : a + b; }

Refused too_many_steps() {
  return {Refusal::too_many_steps,
          "a job keeps at most " + std::to_string(steps_max) + " steps with " +
              std::to_string(steps_bytes_max) + " bytes of names and results in all",
          {},
          {}};
}

}  // namespace

bool has_room(const Job& job, const Step& step) {
  const std::size_t bytes = step.name.size() + (step.result ? step.result->size() : 0);
  return job.steps.size() < steps_max && job.steps_bytes() + bytes <= steps_bytes_max;
}

void Machine::State::add_step(Entry& entry, Step step) {
  if (entry.active) active_bytes -= entry.bytes();
  entry.steps_bytes += step.name.size() + (step.result ? step.result->size() : 0);
  entry.job.steps.push_back(std::move(step));
  if (entry.active) active_bytes += entry.bytes();
}

void Machine::State::apply(Ticket to, const KeepStep& keep, Now now, Outbox& outbox) {
  Entry* entry = find(keep.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  if (!holds(*entry, keep.lease)) return outbox.reply(to, lease_lost(entry->job));
  if (const Step* known = entry->job.step(keep.step.name)) return outbox.reply(to, StepKept{*known, true});
  if (!has_room(entry->job, keep.step)) return outbox.reply(to, too_many_steps());
  see_worker(entry->active->lease.worker_id, now);
  entry->active->lease.hear(now);
  add_step(*entry, keep.step);
  rewrite(*entry, outbox);
  outbox.reply(to, StepKept{keep.step, false});
}

std::optional<Refused> Machine::State::check_suspension(const Job& job, const Suspension& suspension) const {
  if (!suspension.as.empty()) {
    if (job.step(suspension.as) != nullptr) {
      return Refused{Refusal::step_exists,
                     "the job has a step named " + suspension.as + " already: go on with what it says",
                     {},
                     {}};
    }
    if (!has_room(job, {suspension.as, nullptr})) return too_many_steps();
  }
  if (!suspension.event.empty() && event_waits_count >= options.waits_max) {
    return Refused{Refusal::too_many_waits,
                   "the broker holds its limit of jobs that wait for events; let it sleep and ask again",
                   {},
                   {}};
  }
  return std::nullopt;
}

// REQUIRES: the lease is its own, and check_suspension().
void Machine::State::suspend(Entry& entry, const Suspension& suspension, Now now, Outbox& outbox) {
  Job& job = entry.job;
  const auto leave_lease = [&](Event event, Millis run_at) {
    end_lease(entry, {LeaseNumber::none, *next(job.status, event), run_at, true});
  };
  if (job.cancel_requested) {
    leave_lease(Event::cancel, 0);
    return end(entry, Event::cancel, now, outbox);
  }
  if (!suspension.event.empty()) {
    const Millis until = suspension.timeout_ms > 0 ? saturating_sum(now.wall, suspension.timeout_ms) : 0;
    leave_lease(Event::suspend, 0);
    job.wait = std::make_shared<const Wait>(suspension.as, suspension.event, suspension.match, until);
    job.run_at = now.wall;
    return change(entry, Event::suspend, now, outbox);
  }
  const Millis run_at =
      suspension.until ? *suspension.until : saturating_sum(now.wall, suspension.sleep_ms.value_or(0));
  const Event event = run_at > now.wall ? Event::release_later : Event::release;
  leave_lease(event, event == Event::release_later ? run_at : 0);
  if (!suspension.as.empty()) add_step(entry, {suspension.as, nullptr});
  job.run_at = std::max(run_at, now.wall);
  change(entry, event, now, outbox);
}

void Machine::State::place_blocked(Entry& entry, Outbox& outbox) {
  const Job& job = entry.job;
  outbox.put_job(Place::parked, job);
  entry.row = Place::parked;
  if (job.wait == nullptr) return;
  outbox.put_wait(job.id, *job.wait);
  note_wait(job.id, *job.wait);
  if (const auto due = job.timer_due()) {
    outbox.put_timer(*due, job.id);
    add_timer(*due, job.id);
  }
}

void Machine::State::note_wait(const JobId& id, const Wait& wait) {
  std::vector<std::string> paths;
  std::vector<std::string> values;
  for (const auto& [path, value] : wait.match) {
    paths.push_back(path);
    values.push_back(value);
  }
  if (event_waits[wait.event][paths][values].insert(id).second) ++event_waits_count;
}

void Machine::State::forget_wait(const JobId& id, const Wait& wait) {
  const auto event = event_waits.find(wait.event);
  if (event == event_waits.end()) return;
  std::vector<std::string> paths;
  std::vector<std::string> values;
  for (const auto& [path, value] : wait.match) {
    paths.push_back(path);
    values.push_back(value);
  }
  const auto by_paths = event->second.find(paths);
  if (by_paths == event->second.end()) return;
  const auto by_values = by_paths->second.find(values);
  if (by_values == by_paths->second.end()) return;
  event_waits_count -= by_values->second.erase(id);
  if (by_values->second.empty()) by_paths->second.erase(by_values);
  if (by_paths->second.empty()) event->second.erase(by_paths);
  if (event->second.empty()) event_waits.erase(event);
}

// Of a queue that is deleted with its jobs.
void Machine::State::drop_waits(QueueNumber queue, Outbox& outbox) {
  std::vector<std::pair<JobId, Wait>> theirs;
  for (const auto& [event, by_paths] : event_waits) {
    for (const auto& [paths, by_values] : by_paths) {
      for (const auto& [values, ids] : by_values) {
        Wait wait;
        wait.event = event;
        for (std::size_t i = 0; i < paths.size(); ++i) wait.match.emplace_back(paths[i], values[i]);
        for (const JobId& id : ids) {
          if (id.queue() == queue) theirs.emplace_back(id, wait);
        }
      }
    }
  }
  for (const auto& [id, wait] : theirs) {
    outbox.erase_wait(id);
    forget_wait(id, wait);
  }
}

void Machine::restore_wait(const JobId& id, const Wait& wait) { state_->note_wait(id, wait); }

/// In the order of their ids.
std::vector<JobId> Machine::State::waiting_for(const RaiseEvent& event) const {
  std::vector<JobId> found;
  const auto waits_of_name = event_waits.find(event.name);
  if (waits_of_name == event_waits.end()) return found;
  for (const auto& [paths, by_values] : waits_of_name->second) {
    std::vector<std::string> values;
    for (const std::string& path : paths) {
      std::optional<std::string> value = event.values->value_at(path);
      if (!value) break;
      values.push_back(*std::move(value));
    }
    if (values.size() < paths.size()) continue;
    const auto ids = by_values.find(values);
    if (ids != by_values.end()) found.insert(found.end(), ids->second.begin(), ids->second.end());
  }
  std::ranges::sort(found);
  return found;
}

// What it waited for has come, or the time is over; then there is no data.
void Machine::State::resume(Entry& entry, Bytes data, Now now, Outbox& outbox) {
  add_step(entry, {entry.job.wait->as, std::move(data)});
  entry.job.run_at = now.wall;
  change(entry, Event::unblock, now, outbox);
}

void Machine::State::apply(Ticket to, const RaiseEvent& event, Now now, Outbox& outbox) {
  EventRaised answer;
  for (const JobId& id : waiting_for(event)) {
    Entry* entry = find(id);
    if (entry == nullptr || entry->job.status != Status::blocked || entry->job.wait == nullptr) continue;
    resume(*entry, event.data, now, outbox);
    ++answer.resumed;
  }
  pull_triggers(event, now, answer, outbox);
  outbox.reply(to, std::move(answer));
}

}  // namespace pawl::core
