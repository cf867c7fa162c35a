// The model's state: maps, the way back, and recovery.
#include "tests/simulation/model.h"

#include <fmt/core.h>

#include <algorithm>

namespace pawl::sim {

using namespace core;

Model::Model(ModelLimits limits, Trace& trace, RareCounts& rare)
    : limits_(limits), trace_(trace), rare_(rare) {}

void Model::bad(std::string_view invariant, const JobId& id, const std::string& text) const {
  std::string about = fmt::format("job {}: {}", short_id(id), text);
  const auto known = jobs_.find(id);
  if (known != jobs_.end()) {
    const ModelJob& job = known->second;
    about += fmt::format(
        "\n  the model knows: status {} attempts {}/{} stalls {}/{} replays {} lease {} run_at {} "
        "expires_mono {} "
        "timeout_mono {} queue {} priority {}",
        name_of(job.status), job.attempts, job.spec->max_attempts, job.stalls, job.spec->max_stalls,
        job.replays, static_cast<std::uint64_t>(job.lease), job.run_at, job.expires_mono, job.timeout_mono,
        job.spec->queue, job.spec->priority);
  }
  about += fmt::format("\n  now: wall {} mono {}", now_.wall, now_.mono);
  violated(invariant, about);
}

const ModelJob* Model::find(const JobId& id, Millis wall) const {
  const auto it = jobs_.find(id);
  if (it == jobs_.end()) return nullptr;
  const ModelJob& job = it->second;
  return job.expires_at != 0 && job.expires_at <= wall ? nullptr : &job;
}

void Model::index(const JobId& id, const ModelJob& job) {
  if (is_ready(job.status)) ready_[job.queue].insert({job.spec->priority, id});
  if (const auto due = timer_of(job)) delayed_.insert({*due, id});
  if (job.status == Status::active) {
    active_.insert(id);
    active_payload_ += job.spec->payload ? job.spec->payload->size() : 0;
  }
}

void Model::unindex(const JobId& id, const ModelJob& job) {
  if (is_ready(job.status)) ready_[job.queue].erase({job.spec->priority, id});
  if (const auto due = timer_of(job)) delayed_.erase({*due, id});
  if (job.status == Status::active) {
    active_.erase(id);
    active_payload_ -= job.spec->payload ? job.spec->payload->size() : 0;
  }
}

void Model::put(const JobId& id, std::optional<ModelJob> value) {
  const auto it = jobs_.find(id);
  building_.undo.emplace_back(UndoJob{id, it == jobs_.end() ? std::nullopt : std::optional(it->second)});
  restore(id, std::move(value));
}

void Model::restore(const JobId& id, std::optional<ModelJob> value) {
  const auto it = jobs_.find(id);
  if (it != jobs_.end()) unindex(id, it->second);
  if (!value) {
    jobs_.erase(id);
    return;
  }
  index(id, *value);
  jobs_.insert_or_assign(id, std::move(*value));
}

void Model::set_queue(const std::string& name, std::optional<ModelQueue> value) {
  const auto it = queues_.find(name);
  building_.undo.emplace_back(
      UndoQueue{name, it == queues_.end() ? std::nullopt : std::optional(it->second)});
  if (value) {
    names_[static_cast<std::uint32_t>(value->number)] = name;
    queues_[name] = std::move(*value);
  } else {
    queues_.erase(name);
  }
}

void Model::set_key(QueueNumber queue, const std::string& key, std::optional<ModelKey> value) {
  const std::pair at{queue, key};
  const auto it = keys_.find(at);
  building_.undo.emplace_back(UndoKey{at, it == keys_.end() ? std::nullopt : std::optional(it->second)});
  if (value)
    keys_[at] = *value;
  else
    keys_.erase(at);
}

void Model::set_idempotency(const std::string& key, std::optional<ModelIdempotency> value) {
  const auto it = idempotency_.find(key);
  building_.undo.emplace_back(
      UndoIdempotency{key, it == idempotency_.end() ? std::nullopt : std::optional(it->second)});
  if (value)
    idempotency_[key] = std::move(*value);
  else
    idempotency_.erase(key);
}

void Model::set_schedule(const std::string& id, std::optional<ModelSchedule> value) {
  const auto it = schedules_.find(id);
  building_.undo.emplace_back(
      UndoSchedule{id, it == schedules_.end() ? std::nullopt : std::optional(it->second)});
  if (value)
    schedules_[id] = std::move(*value);
  else
    schedules_.erase(id);
}

void Model::undo(BatchLog& log) {
  for (auto step = log.undo.rbegin(); step != log.undo.rend(); ++step) {
    if (auto* job = std::get_if<UndoJob>(&*step)) restore(job->id, std::move(job->was));
    if (auto* queue = std::get_if<UndoQueue>(&*step)) {
      if (queue->was)
        queues_[queue->name] = std::move(*queue->was);
      else
        queues_.erase(queue->name);
    }
    if (auto* key = std::get_if<UndoKey>(&*step)) {
      if (key->was)
        keys_[key->key] = *key->was;
      else
        keys_.erase(key->key);
    }
    if (auto* key = std::get_if<UndoIdempotency>(&*step)) {
      if (key->was)
        idempotency_[key->key] = std::move(*key->was);
      else
        idempotency_.erase(key->key);
    }
    if (auto* schedule = std::get_if<UndoSchedule>(&*step)) {
      if (schedule->was)
        schedules_[schedule->id] = std::move(*schedule->was);
      else
        schedules_.erase(schedule->id);
    }
    if (auto* trigger = std::get_if<UndoTrigger>(&*step)) {
      if (trigger->was)
        triggers_[trigger->id] = std::move(*trigger->was);
      else
        triggers_.erase(trigger->id);
    }
    if (auto* workflow = std::get_if<UndoWorkflow>(&*step)) {
      if (workflow->was)
        workflows_[workflow->id] = std::move(*workflow->was);
      else
        workflows_.erase(workflow->id);
    }
    if (auto* limit = std::get_if<UndoLimit>(&*step)) {
      if (limit->was)
        limits_named_[limit->name] = std::move(*limit->was);
      else
        limits_named_.erase(limit->name);
    }
    if (auto* marks = std::get_if<UndoMarks>(&*step)) {
      newest_lease_ = marks->newest_lease;
      newest_id_ = marks->newest_id;
      newest_queue_ = marks->newest_queue;
    }
  }
  log.undo.clear();
}

void Model::enter(Now now) {
  if (now.wall < now_.wall || now.mono < now_.mono) {
    violated("T3", fmt::format("the machine's time went back: wall {} to {}, mono {} to {}", now_.wall,
                               now.wall, now_.mono, now.mono));
  }
  now_ = now;
  check_called_back();
}

void Model::open_batch() {
  building_ = {};
  building_.undo.emplace_back(UndoMarks{newest_lease_, newest_id_, newest_queue_});
}

void Model::close_batch(std::uint64_t number) {
  if (!leased_unnamed_.empty())
    bad("L1", leased_unnamed_.front(), "became active and no worker was told its lease");
  building_.number = number;
  building_.wall = now_.wall;
  untold_.push_back(std::exchange(building_, {}));
  ++run_batches_;
}

void Model::told(std::uint64_t batch) {
  while (!untold_.empty() && untold_.front().number <= batch) {
    told_wall_ = untold_.front().wall;
    told_ = untold_.front().number;
    untold_.pop_front();
  }
}

void Model::recover(const Disk& disk, Millis wall) {
  doing_ = Doing::nothing;
  expected_.clear();
  leased_unnamed_.clear();
  under_way_.reset();
  row_due_.reset();
  undo(building_);
  if (untold_.empty()) return;
  const Image image = disk.image(wall);
  std::vector<JobId> jobs;
  std::vector<std::string> queues;
  std::vector<std::string> idempotency;
  std::vector<std::string> schedules;
  std::vector<std::string> triggers;
  std::vector<std::string> limits;
  for (const BatchLog& log : untold_) {
    for (const Undo& step : log.undo) {
      if (const auto* job = std::get_if<UndoJob>(&step)) jobs.push_back(job->id);
      if (const auto* queue = std::get_if<UndoQueue>(&step)) queues.push_back(queue->name);
      if (const auto* key = std::get_if<UndoIdempotency>(&step)) idempotency.push_back(key->key);
      if (const auto* schedule = std::get_if<UndoSchedule>(&step)) schedules.push_back(schedule->id);
      if (const auto* trigger = std::get_if<UndoTrigger>(&step)) triggers.push_back(trigger->id);
      if (const auto* limit = std::get_if<UndoLimit>(&step)) limits.push_back(limit->name);
    }
  }
  std::ranges::sort(jobs);
  jobs.erase(std::ranges::unique(jobs).begin(), jobs.end());
  const std::uint64_t newest = untold_.back().number;
  std::string reason;
  for (;;) {
    const std::string different =
        mismatch(image, wall, jobs, queues, idempotency, schedules, triggers, limits);
    if (different.empty()) break;
    if (reason.empty() || untold_.size() <= 1) reason = different;
    if (untold_.empty()) {
      violated(
          "D1",
          fmt::format("the store after a crash is at none of the batches {}…{}: what was told is gone, or a "
                      "batch is there by half\n  at batch {}: {}",
                      told_, newest, told_, different));
    }
    undo(untold_.back());
    untold_.pop_back();
  }
  const std::uint64_t at = untold_.empty() ? told_ : untold_.back().number;
  if (at < newest) rare_.add(Rare::crash_lost_batches);
  if (!untold_.empty()) rare_.add(Rare::crash_kept_unanswered_batches);
  told(at);
}

void Model::restarted(Now now) {
  ++run_;
  now_ = now;
  seen_mono_ = now.mono;
  run_batches_ = 0;
  waiters_.clear();
  fresh_.clear();
  served_groups_.clear();
  draining_ = false;
  for (const auto& [id, known] : schedules_) {
    if (std::max(known.updated_at, known.last_at) > now.wall)
      violated("T3", "a restart begins before what was told of schedule " + id);
  }
  for (const JobId& id : active_) {
    ModelJob& job = jobs_.at(id);
    served_groups_.insert({job.queue, job.spec->group});
    job.connection = Ticket::none;
    job.may_go_on = job.must_go_on = false;
    job.expires_mono = now.mono + job.spec->lease_ms;
    job.timeout_mono = job.spec->timeout_ms > 0 ? now.mono + job.spec->timeout_ms : never;
  }
}

void Model::forget_expired(Millis safe) {
  if (!untold_.empty()) return;  // their way back needs what they changed
  const std::size_t left = std::erase_if(
      jobs_, [&](const auto& row) { return row.second.expires_at != 0 && row.second.expires_at <= safe; });
  for (std::size_t i = 0; i < left; ++i) rare_.add(Rare::retention_expired);
  std::erase_if(idempotency_, [&](const auto& row) { return row.second.expires_at <= safe; });
}

const ModelKey* Model::key_holder(const std::string& queue, const std::string& key, Millis wall) const {
  const auto number = queues_.find(queue);
  if (number == queues_.end()) return nullptr;
  const auto it = keys_.find({number->second.number, key});
  if (it == keys_.end()) return nullptr;
  return it->second.until == 0 || it->second.until > wall ? &it->second : nullptr;
}

bool Model::unique_held(const std::string& queue, const std::string& key, Millis wall) const {
  return key_holder(queue, key, wall) != nullptr;
}

std::size_t Model::waiting_in(const std::string& queue) const {
  const auto number = queues_.find(queue);
  if (number == queues_.end()) return 0;
  const auto it = ready_.find(number->second.number);
  return it == ready_.end() ? 0 : it->second.size();
}

}  // namespace pawl::sim
