// What a command must do: the moves it causes, in order, and its answer.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

template <typename T>
T first_of(const std::optional<T>& said, const std::optional<T>& by_queue, T otherwise) {
  return said ? *said : by_queue ? *by_queue : otherwise;
}

template <typename T>
void take(std::optional<T>& setting, const std::optional<std::optional<T>>& said) {
  if (said) setting = *said;
}

}  // namespace

void Model::before(const Command& command, Now now) {
  enter(now);
  seen_mono_ = now.mono;
  doing_ = Doing::command;
  asker_ = command.ticket;
  expected_.clear();
  change_due_.reset();
  under_way_.reset();
  row_due_.reset();
  new_ids_.clear();
  answer_ = Anything{};
  std::visit([&](const auto& body) { predict(body); }, command.body);
}

void Model::after(const Machine& machine) {
  doing_ = Doing::nothing;
  check_called_back();
  after_command_on_schedules();
  if (!expected_.empty()) {
    const Expected& missing = expected_.front();
    const std::string_view invariant = !missing.trigger.empty()                        ? "E3"
                                       : missing.id && missing.event == Event::unblock ? "E2"
                                                                                       : "S1";
    violated(invariant, fmt::format("a command did not do what it must: no {} of {}",
                                    missing.id ? name_of(missing.event) : "submit",
                                    missing.id ? short_id(*missing.id) : "a new job"));
  }
  if (change_due_) bad("S7", *change_due_, "its change was not told");
  if (answer_ && !std::holds_alternative<Anything>(*answer_)) violated("D2", "a command was not answered");
  take_new_queues(machine);
}

void Model::take_new_queues(const Machine& machine) {
  for (auto& [name, queue] : queues_) {
    if (queue.number != QueueNumber{}) continue;
    const auto number = machine.queue_number(name);
    if (!number) violated("D1", "queue " + name + " was to be made and is not there");
    if (static_cast<std::uint32_t>(*number) <= newest_queue_)
      violated("S5", "a queue's number was given twice");
    newest_queue_ = static_cast<std::uint32_t>(*number);
    queue.number = *number;
    names_[newest_queue_] = name;
  }
}

void Model::expect_queue(const std::string& name) {
  if (queues_.contains(name)) return;
  if (std::ranges::any_of(names_, [&](const auto& known) { return known.second == name; }))
    rare_.add(Rare::queue_made_again);
  set_queue(name, ModelQueue{{}, now_.wall, {}});
}

Spec Model::spec_of(const NewJob& job) const {
  const auto queue = queues_.find(job.queue);
  const QueueSettings settings = queue == queues_.end() ? QueueSettings{} : queue->second.settings;
  Spec spec;
  spec.queue = job.queue;
  spec.name = job.name.empty() ? job.queue : job.name;
  spec.payload = job.payload;
  spec.priority = first_of(job.priority, settings.priority, 0);
  spec.max_attempts = first_of(job.max_attempts, settings.max_attempts, 3u);
  spec.max_stalls = first_of(job.max_stalls, settings.max_stalls, 3u);
  spec.backoff = first_of(job.backoff, settings.backoff, Backoff{});
  spec.lease_ms = first_of(job.lease_ms, settings.lease_ms, Millis{30'000});
  spec.timeout_ms = first_of(job.timeout_ms, settings.timeout_ms, Millis{0});
  spec.unique_key = job.unique_key;
  spec.unique_for_ms = job.unique_for_ms;
  spec.retention = first_of(job.retention, settings.retention, Retention{});
  spec.tags = job.tags;
  spec.group = job.group;
  spec.limits = job.limits;
  spec.ordered = job.ordered;
  spec.callback = job.callback;
  spec.target = job.target;
  if (job.gathering && job.gathering->mode == Gathering::Mode::latest) {
    spec.unique_key = '\3' + job.gathering->key;
    spec.ordered = true;
  }
  if (spec.ordered) spec.priority = 0;
  return spec;
}

Model::Expected Model::expected_new(const NewJob& job) const {
  Expected move;
  move.spec = std::make_shared<const Spec>(spec_of(job));
  move.run_at_min = job.delay_ms && *job.delay_ms > 0 ? now_.wall + *job.delay_ms : now_.wall;
  if (job.run_at) move.run_at_min = std::max(now_.wall, *job.run_at);
  move.run_at_max = move.run_at_min;
  return move;
}

// U3: within a throttle's window there is one job. U4: a debounced job has the last payload, and waits as
// long as the last submit says.
void Model::predict_gathering(const NewJob& job, std::size_t index, ExpectedSubmit& items,
                              std::map<std::pair<std::string, std::string>, std::size_t>& keys_here) {
  const Gathering& gathering = *job.gathering;
  if (gathering.mode == Gathering::Mode::latest) return predict_latest(job, index, items);
  const bool debounce = gathering.mode == Gathering::Mode::debounce;
  items.keys = debounce ? "U4" : "U3";
  const std::string key = (debounce ? '\2' : '\1') + gathering.key;
  ExpectedItem item;
  const auto here = keys_here.find({job.queue, key});
  const ModelKey* held = key_holder(job.queue, key, now_.wall);
  if (here != keys_here.end()) {
    item.same_as = here->second;
  } else if (held != nullptr && !debounce) {
    rare_.add(Rare::throttled);
    if (find(held->id, now_.wall) == nullptr) rare_.add(Rare::throttled_by_a_job_that_is_gone);
    item.id = held->id;
    item.same_as = index;
  } else if (held != nullptr) {
    const ModelJob* first = find(held->id, now_.wall);
    if (first != nullptr && first->status == Status::delayed && first->started_at == 0 &&
        first->run_at == held->until) {
      item.id = held->id;
      item.same_as = index;
      join(*item.id, *first, job, key);
    } else {
      rare_.add(Rare::debounce_too_late_to_join);
    }
  }
  if (!item.same_as) {
    Expected move = expected_new(job);
    move.gathers_under = key;
    move.gathers_until = now_.wall + gathering.window_ms;
    if (debounce) move.run_at_min = move.run_at_max = move.gathers_until;
    expected_.push_back(std::move(move));
    keys_here[{job.queue, key}] = index;
  }
  items.items.push_back(item);
}

// While one of the key waits that has not run, it gets what is new.
void Model::predict_latest(const NewJob& job, std::size_t index, ExpectedSubmit& items) {
  items.keys = "U5";
  ExpectedItem item;
  const ModelKey* held = key_holder(job.queue, '\3' + job.gathering->key, now_.wall);
  const ModelJob* waits = held != nullptr ? find(held->id, now_.wall) : nullptr;
  if (waits != nullptr && waits->status == Status::pending && waits->started_at == 0) {
    rare_.add(Rare::latest_took_the_place_of_another);
    item.id = held->id;
    item.same_as = index;
    ModelJob known = *waits;
    Spec spec = *waits->spec;
    spec.payload = job.payload;
    spec.tags = job.tags;
    known.spec = std::make_shared<const Spec>(std::move(spec));
    put(*item.id, std::move(known));
  } else {
    expected_.push_back(expected_new(job));
  }
  items.items.push_back(item);
}

void Model::join(const JobId& id, const ModelJob& first, const NewJob& job, const std::string& key) {
  rare_.add(Rare::debounced);
  ModelJob known = first;
  Spec spec = *first.spec;
  spec.payload = job.payload;
  spec.tags = job.tags;
  known.spec = std::make_shared<const Spec>(std::move(spec));
  known.run_at = now_.wall + job.gathering->window_ms;
  if (job.gathering->max_wait_ms > 0 && first.created_at + job.gathering->max_wait_ms < known.run_at) {
    rare_.add(Rare::debounce_waited_its_most);
    known.run_at = first.created_at + job.gathering->max_wait_ms;
  }
  const Millis until = known.run_at;
  const QueueNumber queue = known.queue;
  put(id, std::move(known));
  set_key(queue, key, ModelKey{id, until});
}

void Model::predict(const Submit& submit) {
  if (submit.idempotency) {
    const auto known = idempotency_.find(submit.idempotency->key);
    if (known != idempotency_.end() && known->second.expires_at > now_.wall) {
      if (known->second.body_hash != submit.idempotency->body_hash) {
        rare_.add(Rare::idempotent_mismatch);
        answer_ = Refusal::idempotency_mismatch;
        return;
      }
      rare_.add(Rare::idempotent_repeat);
      if (known->second.in_run != run_) rare_.add(Rare::idempotent_repeat_after_restart);
      for (const auto& item : known->second.jobs) {
        if (find(item.id, now_.wall) == nullptr) rare_.add(Rare::idempotent_repeat_of_a_deleted_job);
      }
      answer_ = Submitted{known->second.jobs, true};
      return;
    }
    if (known != idempotency_.end()) rare_.add(Rare::idempotency_key_expired);
  }
  std::set<std::string> fresh;
  for (const NewJob& job : submit.jobs) {
    if (!queues_.contains(job.queue)) fresh.insert(job.queue);
  }
  if (!fresh.empty() && queues_.size() + fresh.size() > limits_.queues_max) {
    rare_.add(Rare::queues_full);
    answer_ = Refusal::too_many_queues;
    return;
  }
  for (const NewJob& job : submit.jobs) {
    if (lacks_limits(job)) return;
  }
  ExpectedSubmit items;
  items.idempotency = submit.idempotency;
  std::map<std::pair<std::string, std::string>, std::size_t> keys_here;
  for (std::size_t i = 0; i < submit.jobs.size(); ++i) {
    const NewJob& job = submit.jobs[i];
    ExpectedItem item;
    if (job.gathering) {
      predict_gathering(job, i, items, keys_here);
      continue;
    }
    if (!job.unique_key.empty()) {
      const auto here = keys_here.find({job.queue, job.unique_key});
      const ModelKey* held = key_holder(job.queue, job.unique_key, now_.wall);
      if (here != keys_here.end()) {
        rare_.add(Rare::deduplicated_within_a_batch);
        item.same_as = here->second;
      } else if (held != nullptr) {
        rare_.add(held->until == 0 ? Rare::deduplicated : Rare::deduplicated_after_the_end);
        item.id = held->id;
        item.same_as = i;
      } else {
        keys_here[{job.queue, job.unique_key}] = i;
      }
    }
    if (!item.same_as) expected_.push_back(expected_new(job));
    items.items.push_back(item);
  }
  for (const std::string& name : fresh) expect_queue(name);
  answer_ = std::move(items);
}

void Model::predict(const Heartbeat& heartbeat) {
  ExpectedBeats beats;
  for (const Beat& beat : heartbeat.beats) {
    const ModelJob* known = find(beat.id, now_.wall);
    std::optional<Refusal> refused;
    if (known == nullptr) {
      refused = Refusal::unknown_job;
    } else if (known->lease != beat.lease || beat.lease == LeaseNumber::none) {
      refused = Refusal::lease_lost;
      rare_.add(Rare::stale_heartbeat_refused);
    } else {
      ModelJob& job = jobs_.at(beat.id);  // in memory only: nothing to undo
      job.expires_mono = now_.mono + beat.lease_ms.value_or(job.spec->lease_ms);
      job.may_go_on = job.must_go_on = false;
      job.in_grace = false;
      ++job.beats;
    }
    beats.results.emplace_back(refused, beat.id);
  }
  answer_ = std::move(beats);
}

void Model::predict(const AppendLogs& logs) {
  const ModelJob* known = find(logs.id, now_.wall);
  if (known == nullptr)
    answer_ = Refusal::unknown_job;
  else if (known->lease != logs.lease || logs.lease == LeaseNumber::none)
    answer_ = Refusal::lease_lost;
}

void Model::predict(const GetJob& get) {
  if (find(get.id, now_.wall) == nullptr) answer_ = Refusal::unknown_job;
}

void Model::predict(const PutQueue& put_queue) {
  const auto known = queues_.find(put_queue.name);
  if (known == queues_.end()) {
    if (put_queue.must_exist)
      answer_ = Refusal::unknown_queue;
    else if (queues_.size() >= limits_.queues_max)
      answer_ = Refusal::too_many_queues;
    if (answer_ && std::holds_alternative<Refusal>(*answer_)) return;
  }
  ModelQueue queue = known == queues_.end() ? ModelQueue{{}, now_.wall, {}} : known->second;
  QueueSettings& settings = queue.settings;
  if (put_queue.paused) settings.paused = *put_queue.paused;
  take(settings.priority, put_queue.priority);
  take(settings.max_attempts, put_queue.max_attempts);
  take(settings.max_stalls, put_queue.max_stalls);
  take(settings.backoff, put_queue.backoff);
  take(settings.lease_ms, put_queue.lease_ms);
  take(settings.timeout_ms, put_queue.timeout_ms);
  take(settings.retention, put_queue.retention);
  take(settings.max_concurrency, put_queue.max_concurrency);
  if (settings.max_concurrency && active_in(queue.number) > *settings.max_concurrency)
    rare_.add(Rare::concurrency_limit_below_what_runs);
  if (put_queue.rate_limit) {
    change_rate(queue.pace, settings.rate_limit, *put_queue.rate_limit);
    settings.rate_limit = *put_queue.rate_limit;
  }
  take(settings.group_concurrency, put_queue.group_concurrency);
  if (put_queue.group_rate_limit) {
    for (auto& [group, pace] : queue.group_paces)
      change_rate(pace, settings.group_rate_limit, *put_queue.group_rate_limit);
    settings.group_rate_limit = *put_queue.group_rate_limit;
  }
  take(settings.priority_ageing_ms, put_queue.priority_ageing_ms);
  if (put_queue.skip_failed) settings.skip_failed = *put_queue.skip_failed;
  if (put_queue.push) settings.push = *put_queue.push;
  if (put_queue.clear_hold) clear_hold(queue);
  set_queue(put_queue.name, queue);
}

void Model::predict(const DeleteQueue& remove) {
  const auto known = queues_.find(remove.name);
  if (known == queues_.end()) {
    answer_ = Refusal::unknown_queue;
    return;
  }
  std::vector<JobId> mine;
  bool in_use = false;
  for (const auto& [id, job] : jobs_) {
    if (job.queue != known->second.number) continue;
    if (job.expires_at == 0 || job.expires_at > now_.wall) {
      const bool quiet_end = job.status == Status::completed || job.status == Status::cancelled;
      in_use = in_use || job.status == Status::active || (!remove.with_jobs && !quiet_end);
    }
    mine.push_back(id);
  }
  for (const auto& [ticket, waiter] : waiters_) {
    in_use =
        in_use || (waiter.connection && std::ranges::find(waiter.queues, remove.name) != waiter.queues.end());
  }
  for (const auto& [id, schedule] : schedules_) {
    if (schedule.said.job.queue != remove.name) continue;
    if (!in_use) rare_.add(Rare::schedule_guarded_its_queue);
    in_use = true;
  }
  for (const auto& [id, job] : jobs_) {
    if (job.queue != known->second.number || !job.member || is_end(job.status)) continue;
    if (!in_use) rare_.add(Rare::workflow_guarded_a_queue);
    in_use = true;
  }
  for (const auto& [id, trigger] : triggers_) in_use = in_use || trigger.said.job.queue == remove.name;
  if (in_use) {
    answer_ = Refusal::queue_in_use;
    return;
  }
  if (!mine.empty()) rare_.add(Rare::queue_deleted_with_jobs);
  for (const JobId& id : mine) put(id, std::nullopt);
  std::vector<std::string> keys;
  for (const auto& [key, held] : keys_) {
    if (key.first == known->second.number) keys.push_back(key.second);
  }
  const QueueNumber number = known->second.number;
  for (const std::string& key : keys) set_key(number, key, std::nullopt);
  set_queue(remove.name, std::nullopt);
}

void Model::predict(const Lease& lease) {
  if (draining_) return;
  if (!queues_.contains(lease.queue)) {
    if (queues_.size() >= limits_.queues_max) {
      answer_ = Refusal::too_many_queues;
      return;
    }
    expect_queue(lease.queue);
  }
  waiters_[asker_] = {lease.worker_id,           false, {lease.queue}, lease.names, lease.max,
                      now_.mono + lease.wait_ms, {}};
  worker_names_[lease.worker_id] = lease.names;
}

void Model::predict(const AbandonLease& abandon) {
  if (waiters_.erase(abandon.waiter) > 0) rare_.add(Rare::poll_abandoned);
}

void Model::predict(const OpenWorker& open) {
  ExpectedOpened answer;
  for (const OpenWorker::Held& held : open.resume) {
    const ModelJob* known = find(held.id, now_.wall);
    if (known == nullptr || known->lease != held.lease || held.lease == LeaseNumber::none) {
      rare_.add(Rare::worker_resume_lost);
      answer.lost.push_back(held.id);
      continue;
    }
    rare_.add(Rare::worker_resumed);
    answer.resumed.push_back(held.id);
    ModelJob& job = jobs_.at(held.id);
    job.connection = asker_;
    job.resumed_by = open.worker_id;
    job.in_grace = job.may_go_on = job.must_go_on = false;
    job.expires_mono = std::max(job.expires_mono, now_.mono + job.spec->lease_ms);
  }
  ModelWaiter waiter{open.worker_id, true, {}, open.names, open.credit, never, {}};
  for (const OpenWorker::Queue& queue : open.queues) {
    if (!queues_.contains(queue.name) && queues_.size() >= limits_.queues_max) continue;
    expect_queue(queue.name);
    waiter.queues.push_back(queue.name);
  }
  waiters_[asker_] = std::move(waiter);
  worker_names_[open.worker_id] = open.names;
  answer_ = std::move(answer);
}

void Model::predict(const SetCredit& set) {
  const auto waiter = waiters_.find(set.worker);
  if (waiter != waiters_.end()) waiter->second.credit = set.credit;
}

void Model::predict(const CloseWorker& close) {
  waiters_.erase(close.worker);
  for (const JobId& id : active_) {
    ModelJob& job = jobs_.at(id);
    if (job.connection != close.worker) continue;
    job.connection = Ticket::none;
    job.in_grace = job.expires_mono > now_.mono + close.grace_ms;
    job.expires_mono = std::min(job.expires_mono, now_.mono + close.grace_ms);
  }
}

void Model::predict(const StopLeasing&) {
  rare_.add(Rare::drained);
  draining_ = true;
}

}  // namespace pawl::sim
