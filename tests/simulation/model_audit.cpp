// Audits: the model against the rows, the machine, and the clock.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

using Counts = std::array<std::uint64_t, status_count>;

std::string text_of(const Counts& counts) {
  std::string text;
  for (std::size_t i = 0; i < status_count; ++i)
    text += fmt::format(" {}={}", name_of(static_cast<Status>(i)), counts[i]);
  return text;
}

}  // namespace

std::string Model::difference(const Job& job, const ModelJob& known, bool from_store) const {
  const Spec& spec = *known.spec;
  const auto differs = [](std::string_view field, auto got, auto must) {
    return fmt::format("{} is {}, not {}", field, got, must);
  };
  if (known.status == Status::active && from_store) {
    if (place_of(job.status) != Place::ready && job.status != Status::delayed)
      return differs("status", name_of(job.status), "one of the ready place, or delayed");
    if (job.last_lease >= known.lease && known.lease != LeaseNumber::none)
      return "its row says that its lease is over";
  } else if (job.status != known.status) {
    return differs("status", name_of(job.status), name_of(known.status));
  }
  if (job.queue != known.queue) return "it stands under another queue";
  if (job.name != spec.name || job.priority != spec.priority || job.unique_key != spec.unique_key ||
      job.unique_for_ms != spec.unique_for_ms || job.max_attempts != spec.max_attempts ||
      job.max_stalls != spec.max_stalls || job.lease_ms != spec.lease_ms ||
      job.timeout_ms != spec.timeout_ms || !(job.backoff == spec.backoff) ||
      !(job.retention == spec.retention) || job.tags != spec.tags || job.group != spec.group ||
      job.limits != spec.limits || job.ordered != spec.ordered) {
    return "what was submitted changed";
  }
  if (!same_bytes(job.payload, spec.payload)) return "its payload changed";
  if (!same_bytes(job.result, known.result)) return "its result changed";
  if (const std::string wrong = difference_of_steps(job.steps, known); !wrong.empty()) return wrong;
  if (const std::string wrong = difference_of_parents(job.parents, known); !wrong.empty()) return wrong;
  if (const std::string wrong = difference_of_wait(job.wait.get(), known); !wrong.empty()) return wrong;
  if (job.cancel_requested != known.cancel_requested)
    return differs("cancel_requested", job.cancel_requested, known.cancel_requested);
  if (job.attempts_made != known.attempts) return differs("attempts", job.attempts_made, known.attempts);
  if (job.stalls != known.stalls) return differs("stalls", job.stalls, known.stalls);
  if (job.last_settle.lease != known.settled || job.last_settle.by_worker != known.settled_by_worker) {
    return "its last settle is another";
  }
  if (job.replays != known.replays) return differs("replays", job.replays, known.replays);
  if (job.created_at != known.created_at) return differs("created_at", job.created_at, known.created_at);
  if (job.run_at != known.run_at) return differs("run_at", job.run_at, known.run_at);
  if (job.finished_at != known.finished_at) return differs("finished_at", job.finished_at, known.finished_at);
  if (job.expires_at != known.expires_at) {
    const bool nothing_kept = job.expires_at == 0 && known.expires_at == known.finished_at;
    if (!nothing_kept) return differs("expires_at", job.expires_at, known.expires_at);
  }
  if (job.history.empty() ||
      (!(known.status == Status::active && from_store) && job.history.back().at != known.moved_at)) {
    return "its history does not end with its last move";
  }
  const auto& errors = known.error_types;
  if (job.errors.size() != errors.size()) return differs("count of errors", job.errors.size(), errors.size());
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (job.errors[i].type != errors[i]) return differs("an error's type", job.errors[i].type, errors[i]);
  }
  if (known.status == Status::active && !from_store &&
      (job.worker_id != known.worker || job.started_at != known.started_at)) {
    return "its worker or start differs";
  }
  return {};
}

void Model::check_record(const Job& job, bool from_store, std::string_view where) const {
  const auto known = jobs_.find(job.id);
  if (known == jobs_.end()) bad("D4", job.id, fmt::format("{}: nobody submitted it", where));
  const std::string wrong = difference(job, known->second, from_store);
  if (wrong.empty()) return;
  const bool dead = known->second.status == Status::failed && wrong.find("error") != std::string::npos;
  const bool bytes = wrong.find("payload") != std::string::npos || wrong.find("result") != std::string::npos;
  const bool step = wrong.starts_with("steps");
  const bool waits = wrong.starts_with("waits");
  const bool parents = wrong.starts_with("parents");
  bad(parents ? "W1"
      : dead  ? "S4"
      : bytes ? "D3"
      : step  ? "E1"
      : waits ? "E2"
              : "C2",
      job.id, fmt::format("{}: {}", where, wrong));
}

std::string Model::mismatch(const Image& image, Millis wall, const std::vector<JobId>& jobs,
                            const std::vector<std::string>& queues,
                            const std::vector<std::string>& idempotency,
                            const std::vector<std::string>& schedules,
                            const std::vector<std::string>& triggers,
                            const std::vector<std::string>& limits) const {
  std::map<JobId, LeaseNumber> leases;
  for (const auto& [number, grant] : image.grants) {
    for (const Grant::Entry& entry : grant.entries)
      leases[entry.id] = std::max(leases[entry.id], entry.lease);
  }
  for (const JobId& id : jobs) {
    const ModelJob* known = find(id, wall);
    const Image::JobPtr row = image.find(id);
    if ((known == nullptr) != (row == nullptr))
      return fmt::format("job {} is {}", short_id(id), row ? "there" : "not there");
    if (known == nullptr) continue;
    const std::string wrong = difference(*row, *known, true);
    if (!wrong.empty()) return fmt::format("job {}: {}", short_id(id), wrong);
    if (place_of(row->status) != Place::ready && row->status != Status::delayed) continue;
    const auto lease = leases.find(id);
    const LeaseNumber held =
        lease != leases.end() && lease->second > row->last_lease ? lease->second : LeaseNumber::none;
    if (held != known->lease) {
      return fmt::format("job {} has lease {}, not {}", short_id(id), static_cast<std::uint64_t>(held),
                         static_cast<std::uint64_t>(known->lease));
    }
  }
  if (image.marks.next_lease <= newest_lease_) return "the next lease number on disk was given already";
  const auto counts = recount(wall);
  for (const auto& [number, row] : image.queues) {
    const auto known = counts.find(number);
    for (const Status status :
         {Status::pending, Status::active, Status::stalled, Status::delayed, Status::blocked}) {
      const auto at = static_cast<std::size_t>(status);
      if (row.counts[at] != (known == counts.end() ? 0 : known->second[at])) {
        return fmt::format("queue {} counts other {} jobs", row.name, name_of(status));
      }
    }
  }
  for (const std::string& name : queues) {
    const auto known = queues_.find(name);
    const QueueRow* row = nullptr;
    for (const auto& [number, candidate] : image.queues) {
      if (candidate.name == name) row = &candidate;
    }
    if ((row == nullptr) != (known == queues_.end()))
      return fmt::format("queue {} is {}", name, row ? "there" : "not there");
    if (row == nullptr) continue;
    const ModelQueue& queue = known->second;
    if (row->number != queue.number || !same_settings(row->settings, queue.settings) ||
        !same_limits(row->settings, queue.settings)) {
      return fmt::format("queue {} has other settings", name);
    }
    if (row->held_until != queue.held_until)
      return fmt::format("queue {} is held until {}, not {}", name, row->held_until, queue.held_until);
    if (const std::string wrong = difference_of_pauses(image, queue); !wrong.empty())
      return fmt::format("queue {}: {}", name, wrong);
  }
  for (const std::string& key : idempotency) {
    const auto known = idempotency_.find(key);
    const bool there = image.idempotency.contains(key);
    const bool must = known != idempotency_.end() && known->second.expires_at > wall;
    if (there != must) return fmt::format("idempotency key {} is {}", key, there ? "there" : "not there");
  }
  for (const std::string& id : schedules) {
    const auto known = schedules_.find(id);
    const auto row = image.schedules.find(id);
    if ((known == schedules_.end()) != (row == image.schedules.end()))
      return fmt::format("schedule {} is {}", id, row == image.schedules.end() ? "not there" : "there");
    if (known == schedules_.end()) continue;
    const std::string wrong = difference(row->second, known->second);
    if (!wrong.empty()) return fmt::format("schedule {}: {}", id, wrong);
  }
  for (const std::string& id : triggers) {
    const auto known = triggers_.find(id);
    const auto row = image.triggers.find(id);
    if ((known == triggers_.end()) != (row == image.triggers.end()))
      return fmt::format("trigger {} is {}", id, row == image.triggers.end() ? "not there" : "there");
    if (known == triggers_.end()) continue;
    const std::string wrong = difference(row->second, known->second);
    if (!wrong.empty()) return fmt::format("trigger {}: {}", id, wrong);
  }
  for (const std::string& name : limits) {
    const auto row = image.limits.find(name);
    // What was deleted is kept while jobs that ran again name it.
    const bool made = row != image.limits.end() && row->second.made;
    if (limits_named_.contains(name) != made)
      return fmt::format("limit {} is {}", name, row == image.limits.end() ? "not there" : "there");
    if (!made) continue;
    const std::string wrong = difference(row->second, name);
    if (!wrong.empty()) return fmt::format("limit {}: {}", name, wrong);
  }
  return {};
}

void Model::audit_touched(const Disk& disk, Now now) {
  for (const Undo& step : untold_.back().undo) {
    const auto* touched = std::get_if<UndoJob>(&step);
    if (touched == nullptr) continue;
    const ModelJob* known = find(touched->id, now.wall);
    const std::optional<Job> row = disk.job(touched->id, now.wall);
    if (known == nullptr) {
      if (row)
        bad(jobs_.contains(touched->id) ? "C2" : "S6", touched->id, "it is gone and its row is still there");
      continue;
    }
    if (!row) bad("D1", touched->id, "its row is not there");
    check_record(*row, true, "its row");
    const std::optional<Millis> due = timer_of(*known);
    if (due.has_value() != disk.has_timer(due.value_or(known->run_at), touched->id)) {
      bad("C2", touched->id, due ? "it has no timer and must" : "it has a timer and must not");
    }
  }
}

void Model::audit_image(const Image& image, Now now) {
  audit_places(image, now);
  for (const auto& [due, id] : image.timers) {
    if (!names_alive(id.queue())) continue;  // its queue was deleted: the timer goes when it is due
    if (!delayed_.contains({due, id})) bad("C2", id, fmt::format("a timer at {} stands for it", due));
  }
  for (const auto& timer : delayed_) {
    if (!image.timers.contains(timer)) bad("C2", timer.second, "it is delayed without a timer");
  }
  std::map<JobId, LeaseNumber> leases;
  for (const auto& [number, grant] : image.grants) {
    bool live = false;
    for (const Grant::Entry& entry : grant.entries) {
      const auto ready = image.ready.find({entry.id.queue(), {entry.priority, entry.id}});
      const auto parked = image.parked.find({entry.id.queue(), entry.id});
      const Image::JobPtr row = ready != image.ready.end()     ? ready->second
                                : parked != image.parked.end() ? parked->second
                                                               : nullptr;
      if (row == nullptr || row->last_lease >= entry.lease) continue;
      live = true;
      if (!leases.emplace(entry.id, entry.lease).second) bad("L1", entry.id, "two grants name it");
      const ModelJob* known = find(entry.id, now.wall);
      if (known == nullptr || known->lease != entry.lease)
        bad("C2", entry.id, "a grant names it that it does not hold");
    }
    if (!live && run_batches_ > 0)
      violated("C2", fmt::format("grant {} is over and its row is still there", number));
  }
  for (const JobId& id : active_) {
    if (!leases.contains(id)) bad("C2", id, "it is active and no grant says so");
  }
  audit_keys(image, now);
  audit_events(image);
  audit_graphs(image);
  audit_lanes(image, now);
}

void Model::audit_places(const Image& image, Now now) {
  std::size_t rows = 0;
  const auto row = [&](Place place, QueueNumber queue, const Job& job) {
    ++rows;
    const ModelJob* known = find(job.id, now.wall);
    if (known == nullptr) bad("D4", job.id, "a row without a job");
    const bool taken_when_due = known->status == Status::active && place == Place::parked;
    if ((place_of(known->status) != place && !taken_when_due) || job.queue != queue)
      bad("C2", job.id, "its row stands in a wrong place");
    check_record(job, true, "its row");
  };
  for (const auto& [key, job] : image.ready) {
    if (key.second != job->ready_key()) bad("C2", job->id, "its ready row stands under a wrong key");
    const bool changed = job->priority != job->id.priority();
    if (changed != image.priorities.contains({key.first, job->id}))
      bad("C2", job->id, changed ? "nothing leads to its row" : "it is said to have another priority");
    row(Place::ready, key.first, *job);
  }
  for (const auto& [address, at] : image.priorities) {
    if (!image.ready.contains({address.first, {at.priority, address.second}}))
      bad("C2", address.second, "it does not stand where its changed priority says");
  }
  for (const auto& [key, job] : image.parked) row(Place::parked, key.first, *job);
  for (const auto& [key, job] : image.ended) row(Place::ended, key.first, *job);
  for (const auto& [key, job] : image.dead) row(Place::dead, key.first, *job);
  std::size_t known = 0;
  for (const auto& [id, job] : jobs_) {
    if (find(id, now.wall) == nullptr) continue;
    ++known;
    if (image.find(id) == nullptr)
      bad(job.status == Status::failed ? "S4" : "D1", id, "its row is not there");
  }
  if (rows != known) violated("C2", fmt::format("{} rows for {} jobs", rows, known));
}

bool Model::names_alive(QueueNumber queue) const {
  const auto name = names_.find(static_cast<std::uint32_t>(queue));
  if (name == names_.end()) return false;
  const auto known = queues_.find(name->second);
  return known != queues_.end() && known->second.number == queue;
}

std::map<QueueNumber, std::array<std::uint64_t, status_count>> Model::recount(Millis wall) const {
  std::map<QueueNumber, Counts> counts;
  for (const auto& [id, job] : jobs_) {
    if (find(id, wall) != nullptr) ++counts[job.queue][static_cast<std::size_t>(job.status)];
  }
  return counts;
}

void Model::audit_keys(const Image& image, Now now) {
  auto counts = recount(now.wall);
  std::map<std::tuple<QueueNumber, Status, Millis>, std::uint64_t> retained;
  for (const auto& [id, job] : jobs_) {
    if (find(id, now.wall) != nullptr && job.expires_at != 0)
      ++retained[{job.queue, job.status, job.expires_at}];
  }
  if (image.queues.size() != queues_.size()) violated("C2", "there are more or fewer queues on disk");
  for (const auto& [number, row] : image.queues) {
    const auto known = queues_.find(row.name);
    if (known == queues_.end() || known->second.number != number)
      violated("C2", "queue " + row.name + " is not known");
    if (!same_settings(row.settings, known->second.settings)) {
      violated(row.settings.paused != known->second.settings.paused ? "O3" : "D1",
               "queue " + row.name + " has other settings on disk");
    }
    if (!same_limits(row.settings, known->second.settings))
      violated("Q4", "queue " + row.name + " has other limits on disk");
    if (row.held_until != known->second.held_until) {
      violated("Q4", fmt::format("queue {} is held on disk until {}, not {}", row.name, row.held_until,
                                 known->second.held_until));
    }
    if (row.counts != counts[number]) {
      violated("C1", fmt::format("queue {} counts on disk{}, a recount{}", row.name, text_of(row.counts),
                                 text_of(counts[number])));
    }
  }
  if (image.retained != retained)
    violated("C1", "the counts of jobs that leave by retention differ from a recount");
  for (const auto& [key, held] : keys_) {
    if (held.until != 0 && held.until <= now.wall) continue;
    const auto row = image.unique.find(key);
    if (row == image.unique.end() || row->second.id != held.id || row->second.until != held.until) {
      bad("U1", held.id, "its unique key's row is not there or names another");
    }
  }
  for (const auto& [key, row] : image.unique) {
    if (row.until != 0 && row.until <= now.wall) continue;
    if (!keys_.contains(key)) bad("U1", row.id, "a unique key is held that should be free");
  }
  if (image.schedules.size() != schedules_.size())
    violated("T4", "there are more or fewer schedules on disk");
  for (const auto& [id, row] : image.schedules) {
    const auto known = schedules_.find(id);
    if (known == schedules_.end()) violated("T4", "schedule " + id + " on disk is not known");
    const std::string wrong = difference(row, known->second);
    if (!wrong.empty()) violated("T4", fmt::format("schedule {} on disk: {}", id, wrong));
  }
  for (const auto& [key, known] : idempotency_) {
    if (known.expires_at <= now.wall) continue;
    const auto row = image.idempotency.find(key);
    if (row == image.idempotency.end() || row->second.body_hash != known.body_hash)
      violated("U2", "an Idempotency-Key's row is not there");
  }
  if (image.marks.next_lease <= newest_lease_)
    violated("L3", "the next lease number on disk was given already");
  if (image.marks.last_id_high < newest_id_)
    violated("O1", "the newest id on disk is older than the newest given");
}

void Model::audit_machine(const Machine& machine, const std::vector<QueueView>& views, Now now) {
  auto counts = recount(now.wall);
  if (views.size() != queues_.size()) violated("C1", "the machine has more or fewer queues");
  for (const QueueView& view : views) {
    const auto known = queues_.find(view.name);
    if (known == queues_.end()) violated("C1", "the machine has an unknown queue " + view.name);
    if (!same_settings(view.settings, known->second.settings))
      violated("O3", "the machine has other settings of queue " + view.name);
    if (view.counts != counts[known->second.number]) {
      violated("C1", fmt::format("queue {} counts{}, a recount{}", view.name, text_of(view.counts),
                                 text_of(counts[known->second.number])));
    }
  }
  audit_limits(views, now);
  audit_leases(machine);
  if (machine.active_count() != active_.size()) violated("C1", "the count of active jobs is wrong");
}

void Model::audit_leases(const Machine& machine) const {
  const auto leases = machine.active_leases();
  if (leases.size() != active_.size())
    violated("L1", fmt::format("{} leases in memory, {} known", leases.size(), active_.size()));
  for (const auto& [id, lease] : leases) {
    const auto known = jobs_.find(id);
    if (known == jobs_.end() || known->second.lease != lease.number)
      bad("L1", id, "the machine holds another lease");
    if (known->second.expires_mono != lease.expires_mono) {
      bad("L4", id,
          fmt::format("the machine's lease ends at {}, it must at {}", lease.expires_mono,
                      known->second.expires_mono));
    }
    if (lease.worker_id != known->second.worker && lease.worker_id != known->second.resumed_by) {
      bad("L1", id,
          fmt::format("the machine's lease names worker {}, not {}", lease.worker_id, known->second.worker));
    }
  }
}

void Model::audit_quiet(Now now) {
  for (const JobId& id : active_) {
    const ModelJob& job = jobs_.at(id);
    if (job.expires_mono <= now.mono)
      bad("L4", id,
          fmt::format("its lease ran out {} ms ago and it is still held", now.mono - job.expires_mono));
    if (job.timeout_mono <= now.mono)
      bad("L4", id, fmt::format("its time limit passed {} ms ago", now.mono - job.timeout_mono));
  }
  audit_quiet_events(now);
  audit_quiet_graphs();
  if (!delayed_.empty() && delayed_.begin()->first <= now.wall) {
    bad(jobs_.at(delayed_.begin()->second).status == Status::blocked ? "E2" : "T1", delayed_.begin()->second,
        fmt::format("is {} ms late", now.wall - delayed_.begin()->first));
  }
  for (const auto& [id, known] : schedules_) {
    if (!known.said.paused && known.next <= now.wall)
      violated("T2", fmt::format("schedule {} did not run {} ms ago", id, now.wall - known.next));
  }
  const bool memory_full = active_payload_ + 1024 * active_.size() + 65'536 > limits_.active_bytes;
  if (memory_full && !active_.empty()) {
    rare_.add(Rare::active_memory_full);
    return;
  }
  for (const auto& [ticket, waiter] : waiters_) {
    if (!waiter.connection && waiter.deadline_mono <= now.mono)
      violated("T1", "a poll waits longer than it said");
    if (draining_) continue;
    std::size_t held = 0;
    for (const JobId& id : active_) held += waiter.connection && jobs_.at(id).connection == ticket ? 1 : 0;
    if (held >= waiter.credit) continue;
    for (const std::string& name : waiter.queues) {
      const auto queue = queues_.find(name);
      if (queue == queues_.end()) continue;
      const auto heads = first_of_lanes(queue->second.number, waiter.names);
      if (heads.empty()) continue;
      if (queue->second.settings.paused) {
        rare_.add(Rare::paused_with_waiting_workers);
        continue;
      }
      if (const auto limit = kept_by_limits(queue->second)) {
        rare_.add(*limit);
        continue;
      }
      for (const auto& [lane, job] : heads) {
        if (const auto limit = kept_by_lane(jobs_.at(job), queue->second)) {
          rare_.add(*limit);
          continue;
        }
        bad("T1", job,
            fmt::format(
                "waits while worker {} of its queue has room: ticket {}, credit {}, held {}, {} names, {}",
                waiter.worker_id, static_cast<std::uint64_t>(ticket), waiter.credit, held,
                waiter.names.size(), waiter.connection ? "connected" : "polling"));
      }
    }
  }
}

}  // namespace pawl::sim
