// Groups, named limits and strict orders: what they forbid, whose turn it is, and for how long at most one
// waits.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

std::size_t Model::active_in_group(QueueNumber queue, const std::string& group) const {
  return static_cast<std::size_t>(std::ranges::count_if(active_, [&](const JobId& id) {
    const ModelJob& job = jobs_.at(id);
    return job.queue == queue && job.spec->group == group;
  }));
}

std::size_t Model::active_under(const std::string& limit) const {
  return static_cast<std::size_t>(std::ranges::count_if(active_, [&](const JobId& id) {
    const std::vector<std::string>& limits = jobs_.at(id).spec->limits;
    return std::ranges::find(limits, limit) != limits.end();
  }));
}

// Whether the job may become active now.
void Model::check_lane(const JobId& id, const ModelJob& known) {
  const ModelQueue& queue = queues_.at(known.spec->queue);
  const QueueSettings& settings = queue.settings;
  const std::string& group = known.spec->group;
  if (queue.paused_groups.contains(group)) bad("Q8", id, "was delivered while its group is paused");
  if (!group.empty() && settings.group_concurrency) {
    const std::size_t active = active_in_group(known.queue, group);
    if (active >= *settings.group_concurrency) {
      bad("Q5", id,
          fmt::format("was delivered while {} of group {} are active and {} may be", active, group,
                      *settings.group_concurrency));
    }
  }
  const auto pace = queue.group_paces.find(group);
  if (!group.empty() && settings.group_rate_limit && pace != queue.group_paces.end())
    check_rate(id, "Q6", *settings.group_rate_limit, pace->second);
  for (const std::string& name : known.spec->limits) {
    const auto limit = limits_named_.find(name);
    if (limit == limits_named_.end()) {
      rare_.add(Rare::job_ran_past_a_deleted_limit);
      continue;
    }
    if (limit->second.held_until > now_.wall)
      bad("Q7", id,
          fmt::format("was delivered and limit {} is held until {}", name, limit->second.held_until));
    const std::size_t active = active_under(name);
    if (limit->second.concurrency && active >= *limit->second.concurrency) {
      bad("Q7", id,
          fmt::format("was delivered while {} under limit {} are active and {} may be", active, name,
                      *limit->second.concurrency));
    }
    if (limit->second.rate) check_rate(id, "Q7", *limit->second.rate, limit->second.pace);
  }
  if (!known.spec->ordered) return;
  if (const auto why = kept_by_order(known, queue))
    bad("F2", id, fmt::format("was delivered out of its strict order: {}", name_of(*why)));
}

// A group that comes anew, and has used no worker's time, is served before any other group is served twice.
// Counted from the batch after the
// one in which it came: its job may have to be read.
void Model::check_turns(const JobId& id, const ModelJob& known, const std::string& worker) {
  const QueueNumber queue = known.queue;
  const std::string& group = known.spec->group;
  if (fresh_.erase({queue, group}) > 0) rare_.add(Rare::new_group_served);
  served_groups_.insert({queue, group});
  const ModelQueue& home = queues_.at(known.spec->queue);
  const bool takes_all = worker_names_[worker].empty();
  for (auto it = fresh_.lower_bound({queue, {}}); it != fresh_.end() && it->first.first == queue;) {
    Fresh& fresh = it->second;
    const std::string& waiting = it->first.second;
    const auto heads = first_of_lanes(queue, {});
    const bool eligible = std::ranges::any_of(heads, [&](const auto& head) {
      return head.first.group == waiting && !kept_by_lane(jobs_.at(head.second), home);
    });
    if (!eligible || !takes_all) {
      it = fresh_.erase(it);
      continue;
    }
    ++it;
    if (fresh.since >= run_batches_) continue;
    rare_.add(Rare::group_served_in_turn);
    if (++fresh.served[group] > 1) {
      bad("F1", id,
          fmt::format("is the second of group '{}' that is served while group '{}' came anew and waits",
                      group, waiting));
    }
  }
}

void Model::note_new_in_group(const JobId&, const ModelJob& job) {
  if (!is_ready(job.status) || served_groups_.contains({job.queue, job.spec->group})) return;
  const auto ready = ready_.find(job.queue);
  const auto in_group = [&](const JobId& id) {
    const ModelJob& other = jobs_.at(id);
    return other.queue == job.queue && other.spec->group == job.spec->group;
  };
  if (ready != ready_.end() &&
      std::ranges::any_of(ready->second, [&](const ReadyKey& key) { return in_group(key.id); }))
    return;
  if (std::ranges::any_of(active_, in_group)) return;
  fresh_[{job.queue, job.spec->group}] = {run_batches_ + 1, {}};
}

// ── Strict orders ──

void Model::note_order(const JobId& id, const ModelJob& job) {
  const bool failed = job.status == Status::failed;
  if (failed && (job.spec->retention.failed_ms == 0 || job.spec->keeps_latest())) return;
  if (!failed && job.status != Status::delayed && job.status != Status::blocked) return;
  ModelQueue queue = queues_.at(job.spec->queue);
  queue.orders[job.spec->lane()] = {id, failed, failed ? job.expires_at : 0, run_};
  set_queue(job.spec->queue, std::move(queue));
}

void Model::leave_order(const JobId& id, const ModelJob& job) {
  const auto known = queues_.find(job.spec->queue);
  if (known == queues_.end()) return;
  const auto order = known->second.orders.find(job.spec->lane());
  if (order == known->second.orders.end() || order->second.job != id) return;
  ModelQueue queue = known->second;
  queue.orders.erase(job.spec->lane());
  set_queue(job.spec->queue, std::move(queue));
}

std::optional<Rare> Model::kept_by_order(const ModelJob& job, const ModelQueue& queue) const {
  const LaneKey lane = job.spec->lane();
  const bool runs = std::ranges::any_of(active_, [&](const JobId& id) {
    const ModelJob& other = jobs_.at(id);
    return other.queue == job.queue && other.spec->lane() == lane;
  });
  if (runs) {
    if (job.spec->keeps_latest()) rare_.add(Rare::latest_waited_for_a_run);
    return Rare::order_waited_for_an_active_job;
  }
  const auto order = queue.orders.find(lane);
  if (order == queue.orders.end()) return std::nullopt;
  if (!order->second.failed) return Rare::order_waited_for_a_delayed_job;
  if (queue.settings.skip_failed || job.spec->keeps_latest()) {
    rare_.add(Rare::order_skipped_a_failed_job);
    return std::nullopt;
  }
  if (order->second.until != 0 && order->second.until <= now_.wall) {
    rare_.add(Rare::order_freed_by_retention);
    return std::nullopt;
  }
  if (order->second.in_run != run_) rare_.add(Rare::order_hold_survived_a_restart);
  return Rare::order_held_by_a_failed_job;
}

// ── What keeps a job from a worker ──

std::map<LaneKey, JobId> Model::first_of_lanes(QueueNumber queue,
                                               const std::vector<std::string>& names) const {
  std::map<LaneKey, JobId> heads;
  std::set<LaneKey> passed;  // strict orders whose first has another name
  const auto ready = ready_.find(queue);
  if (ready == ready_.end()) return heads;
  for (const ReadyKey& key : ready->second) {
    const ModelJob& job = jobs_.at(key.id);
    const Spec& spec = *job.spec;
    const LaneKey lane = job.lane();
    if (passed.contains(lane)) continue;
    if (names.empty() || std::ranges::find(names, spec.name) != names.end())
      heads.try_emplace(lane, key.id);
    else if (spec.ordered && !heads.contains(lane))
      passed.insert(lane);
  }
  return heads;
}

std::optional<Rare> Model::kept_by_lane(const ModelJob& job, const ModelQueue& queue) {
  const QueueSettings& settings = queue.settings;
  const std::string& group = job.spec->group;
  bool of_before = false;
  if (const auto paused = queue.paused_groups.find(group); paused != queue.paused_groups.end()) {
    if (paused->second.in_run != run_) rare_.add(Rare::group_pause_survived_a_restart);
    return Rare::group_paused_with_waiting_workers;
  }
  if (!group.empty() && settings.group_concurrency &&
      active_in_group(job.queue, group) >= *settings.group_concurrency)
    return Rare::group_concurrency_full;
  const auto pace = queue.group_paces.find(group);
  if (!group.empty() && settings.group_rate_limit && pace != queue.group_paces.end() &&
      rate_full(*settings.group_rate_limit, pace->second, of_before)) {
    if (of_before) rare_.add(Rare::group_rate_survived_a_restart);
    return Rare::group_rate_full;
  }
  for (const std::string& name : job.spec->limits) {
    const auto found = limits_named_.find(name);
    if (found == limits_named_.end()) continue;
    const ModelLimit& limit = found->second;
    if (limit.held_until > now_.wall) {
      if (limit.held_in_run != run_) rare_.add(Rare::named_hold_survived_a_restart);
      return Rare::named_limit_held;
    }
    if (limit.concurrency && active_under(name) >= *limit.concurrency) return Rare::named_limit_full;
    if (limit.rate && rate_full(*limit.rate, limit.pace, of_before)) {
      if (of_before) rare_.add(Rare::named_rate_survived_a_restart);
      return Rare::named_rate_full;
    }
  }
  return job.spec->ordered ? kept_by_order(job, queue) : std::nullopt;
}

// ── Named limits ──

void Model::set_limit(const std::string& name, std::optional<ModelLimit> value) {
  const auto it = limits_named_.find(name);
  building_.undo.emplace_back(
      UndoLimit{name, it == limits_named_.end() ? std::nullopt : std::optional(it->second)});
  if (value)
    limits_named_[name] = std::move(*value);
  else
    limits_named_.erase(name);
}

bool Model::lacks_limits(const NewJob& job) {
  for (const std::string& name : job.limits) {
    if (limits_named_.contains(name)) continue;
    rare_.add(Rare::limit_unknown);
    answer_ = Refusal::unknown_limit;
    return true;
  }
  return false;
}

bool Model::hold_limits(const ModelJob& job, Millis until) {
  bool any = false;
  for (const std::string& name : job.spec->limits) {
    const auto found = limits_named_.find(name);
    if (found == limits_named_.end()) continue;
    any = true;
    if (found->second.held_until >= until) continue;
    ModelLimit limit = found->second;
    limit.held_until = until;
    limit.held_in_run = run_;
    set_limit(name, std::move(limit));
  }
  return any;
}

void Model::predict(const PutLimit& put_limit) {
  const auto known = limits_named_.find(put_limit.name);
  ModelLimit limit = known == limits_named_.end() ? ModelLimit{} : known->second;
  if (known == limits_named_.end()) limit.created_at = now_.wall;
  limit.concurrency = put_limit.concurrency;
  change_rate(limit.pace, limit.rate, put_limit.rate);
  limit.rate = put_limit.rate;
  set_limit(put_limit.name, std::move(limit));
  answer_ = ExpectedLimit{put_limit.name};
}

void Model::predict(const GetLimit& get) {
  if (limits_named_.contains(get.limit))
    answer_ = ExpectedLimit{get.limit};
  else
    answer_ = Refusal::unknown_limit;
}

void Model::predict(const ListLimits&) { answer_ = ExpectedLimits{}; }

void Model::predict(const DeleteLimit& remove) {
  if (!limits_named_.contains(remove.limit)) {
    answer_ = Refusal::unknown_limit;
    return;
  }
  const auto names_it = [&](const std::vector<std::string>& limits) {
    return std::ranges::find(limits, remove.limit) != limits.end();
  };
  bool in_use = std::ranges::any_of(jobs_, [&](const auto& item) {
    return !is_end(item.second.status) && names_it(item.second.spec->limits);
  });
  for (const auto& [id, schedule] : schedules_) in_use = in_use || names_it(schedule.said.job.limits);
  for (const auto& [id, trigger] : triggers_) in_use = in_use || names_it(trigger.said.job.limits);
  if (in_use) {
    rare_.add(Rare::limit_in_use);
    answer_ = Refusal::limit_in_use;
    return;
  }
  rare_.add(Rare::limit_deleted);
  set_limit(remove.limit, std::nullopt);
}

void Model::predict(const ResumeLimit& resume) {
  const auto known = limits_named_.find(resume.limit);
  if (known == limits_named_.end()) {
    answer_ = Refusal::unknown_limit;
    return;
  }
  ModelLimit limit = known->second;
  if (limit.held_until > now_.wall) rare_.add(Rare::named_hold_ended_by_resume);
  limit.held_until = 0;
  set_limit(resume.limit, std::move(limit));
  answer_ = ExpectedLimit{resume.limit};
}

// ── Audits ──

std::string Model::difference(const LimitRow& row, const std::string& name) const {
  const auto known = limits_named_.find(name);
  if (known == limits_named_.end()) return "it is not known";
  const ModelLimit& limit = known->second;
  if (row.concurrency != limit.concurrency || row.rate != limit.rate) return "it is another limit";
  if (row.created_at != limit.created_at) return "it was made at another time";
  if (row.held_until != limit.held_until)
    return fmt::format("it is held until {}, not {}", row.held_until, limit.held_until);
  return {};
}

void Model::check_limit(const LimitView& view) const {
  LimitRow row = view.row;
  const auto known = limits_named_.find(row.name);
  if (known != limits_named_.end() && row.held_until == 0 && known->second.held_until <= now_.wall)
    row.held_until = known->second.held_until;
  const std::string wrong = difference(row, row.name);
  if (!wrong.empty()) violated("Q4", fmt::format("limit {} is shown: {}", row.name, wrong));
  if (view.active != active_under(row.name))
    violated("Q4", fmt::format("limit {} is shown with {} active jobs, not {}", row.name, view.active,
                               active_under(row.name)));
}

// True when the reason was one of a group, a named limit or a strict order; it must be true.
bool Model::check_named_reason(const Reason& reason) const {
  using Code = Reason::Code;
  const QueueSettings& settings = queues_.at(reason.queue).settings;
  const auto untrue = [&](std::string_view what) {
    violated("Q4", fmt::format("why a job of queue {} does not run: {} ({}, until {}, limit {})",
                               reason.queue, what, reason.text, reason.until, reason.limit));
  };
  const auto limit = limits_named_.find(reason.text);
  const bool named = reason.code == Code::named_concurrency_limit || reason.code == Code::named_rate_limit ||
                     reason.code == Code::named_limit_held;
  if (named && limit == limits_named_.end()) untrue("there is no such limit");
  switch (reason.code) {
    case Code::group_paused: {
      const auto& paused = queues_.at(reason.queue).paused_groups;
      const auto pause = paused.find(reason.text);
      if (pause == paused.end() || pause->second.said.reason != reason.words) untrue("it is not paused so");
      return true;
    }
    case Code::group_concurrency_limit:
      if (settings.group_concurrency != reason.limit) untrue("groups have another limit");
      if (active_in_group(queues_.at(reason.queue).number, reason.text) < reason.limit)
        untrue("fewer of the group are active");
      return true;
    case Code::group_rate_limit:
      if (!settings.group_rate_limit || settings.group_rate_limit->max != reason.limit)
        untrue("groups have another rate");
      if (reason.until <= now_.wall) untrue("the time is over");
      return true;
    case Code::named_concurrency_limit:
      if (limit->second.concurrency != reason.limit) untrue("it has another limit");
      if (active_under(reason.text) < reason.limit) untrue("fewer are active under it");
      return true;
    case Code::named_rate_limit:
      if (!limit->second.rate || limit->second.rate->max != reason.limit) untrue("it has another rate");
      if (reason.until <= now_.wall) untrue("the time is over");
      return true;
    case Code::named_limit_held:
      if (limit->second.held_until != reason.until || reason.until <= now_.wall) untrue("it is not held");
      return true;
    case Code::ordered_behind:
    case Code::ordered_failed: {
      const ModelJob* parent = reason.parent ? find(*reason.parent, now_.wall) : nullptr;
      if (parent == nullptr || !parent->spec->ordered) untrue("it waits for no job of its order");
      if ((parent->status == Status::failed) != (reason.code == Code::ordered_failed))
        untrue("that job does not stand in its way so");
      return true;
    }
    default:
      return false;
  }
}

void Model::audit_limit_rows(const Image& image) const {
  std::map<std::string, std::map<std::uint32_t, std::uint64_t>> live;
  for (const auto& [id, job] : jobs_) {
    if (is_end(job.status)) continue;
    for (const std::string& name : job.spec->limits) ++live[name][static_cast<std::uint32_t>(job.queue)];
  }
  std::size_t made = 0;
  for (const auto& [name, row] : image.limits) {
    if (row.live != live[name]) violated("Q4", fmt::format("limit {} on disk counts other live jobs", name));
    live.erase(name);
    if (!row.made) continue;
    ++made;
    const std::string wrong = difference(row, name);
    if (!wrong.empty()) violated("Q4", fmt::format("limit {} on disk: {}", name, wrong));
  }
  if (made != limits_named_.size()) violated("Q4", "there are more or fewer limits on disk");
  if (!live.empty())
    violated("Q4", fmt::format("jobs name limit {}, which is not on disk", live.begin()->first));
}

void Model::audit_lanes(const Image& image, Now now) const {
  audit_groups(image);
  audit_limit_rows(image);
  std::map<std::pair<QueueNumber, std::uint32_t>, int> numbers;
  for (const auto& [at, number] : image.lanes) {
    if (++numbers[{at.first, number}] > 1) violated("C2", "two lanes have one number");
  }
  for (const auto& [key, job] : image.ready) {
    const LaneKey lane = job->lane_key();
    if (lane.empty() != (job->lane == 0)) bad("C2", job->id, "it stands in a lane that it must not stand in");
    if (lane.empty()) continue;
    const auto number = image.lanes.find({job->queue, lane});
    if (number == image.lanes.end() || number->second != job->lane)
      bad("C2", job->id, "it stands in another lane than its own");
  }
  for (const auto& [name, queue] : queues_) {
    std::size_t rows = 0;
    for (const auto& [at, row] : image.orders) {
      if (at.first != queue.number || (row.until != 0 && row.until <= now.wall)) continue;
      ++rows;
      const bool known = std::ranges::any_of(queue.orders, [&](const auto& order) {
        return order.second.job == row.job && order.second.failed == row.failed;
      });
      if (!known) bad("F2", row.job, "a strict order is held up by it on disk, and must not be");
    }
    const auto holds = std::ranges::count_if(queue.orders, [&](const auto& order) {
      return order.second.until == 0 || order.second.until > now.wall;
    });
    if (static_cast<std::size_t>(holds) != rows)
      violated("F2",
               fmt::format("{} strict orders of queue {} are held up on disk, not {}", rows, name, holds));
  }
}

}  // namespace pawl::sim
