// Those who submit, look and operate.
#include <fmt/core.h>

#include <functional>

#include "tests/simulation/world.h"

namespace pawl::sim {

using namespace core;

namespace {

constexpr std::size_t known_max = 384;

std::array<std::uint64_t, 2> hash_of(const Submit& submit) {
  std::array<std::uint64_t, 2> hash{submit.jobs.size(), 7};
  for (const NewJob& job : submit.jobs) {
    hash[0] = hash[0] * 31 + (job.payload ? std::hash<std::string>{}(*job.payload) : 0);
    hash[1] = hash[1] * 31 + std::hash<std::string>{}(job.queue + job.name);
  }
  return hash;
}

}  // namespace

std::string World::queue_name() { return fmt::format("q{}", random_.below(options_.queues)); }

void World::remember(const JobId& id) {
  if (known_.size() < known_max)
    known_.push_back(id);
  else
    known_[known_at_++ % known_max] = id;
}

std::optional<JobId> World::some_job() {
  if (known_.empty()) return std::nullopt;
  return random_.pick(known_);
}

std::optional<JobId> World::some_job(Status status) {
  for (int tries = 0; tries < 12 && !known_.empty(); ++tries) {
    const JobId id = random_.pick(known_);
    const ModelJob* job = model_.find(id, broker_->now().wall);
    if (job != nullptr && job->status == status) return id;
  }
  return some_job();
}

NewJob World::new_job() {
  NewJob job;
  job.queue = queue_name();
  if (random_.percent(60)) job.name = fmt::format("n{}", random_.below(3));
  if (random_.percent(90)) {
    const auto size = static_cast<std::size_t>(random_.below(options_.payload_max) + 2);
    job.payload = std::make_shared<const std::string>(
        fmt::format("\"{:x}{}\"", random_.word(), std::string(size, 'p')));
  }
  if (random_.percent(50)) job.priority = static_cast<int>(random_.between(-2, 2));
  if (random_.percent(3)) job.priority = random_.one_in(2) ? 1000 : -1000;
  if (random_.percent(20))
    job.delay_ms = random_.between(0, random_.one_in(4) ? 120'000 : 4'000);
  else if (random_.percent(10))
    job.run_at = raw_wall_ + random_.between(-5'000, 20'000);
  if (random_.percent(50)) job.max_attempts = static_cast<std::uint32_t>(random_.between(1, 4));
  if (random_.percent(50)) job.max_stalls = static_cast<std::uint32_t>(random_.between(0, 3));
  if (random_.percent(80)) {
    Backoff backoff;
    backoff.type = static_cast<Backoff::Type>(random_.below(3));
    backoff.delay_ms = random_.one_in(5) ? 0 : random_.between(1, 2'000);
    if (random_.one_in(50)) backoff.delay_ms = INT64_MAX / 4;
    backoff.factor = 1 + static_cast<double>(random_.below(40)) / 10;
    if (random_.one_in(20)) backoff.factor = 100;
    backoff.max_delay_ms = random_.one_in(20) ? INT64_MAX / 4 : random_.between(0, 10'000);
    backoff.jitter = static_cast<double>(random_.below(11)) / 10;
    job.backoff = backoff;
  }
  job.lease_ms = random_.between(options_.lease_ms / 2, options_.lease_ms * 2);
  if (random_.percent(15)) job.timeout_ms = random_.between(500, 6'000);
  if (random_.percent(15)) {
    job.unique_key = fmt::format("u{}", random_.below(12));
    if (random_.percent(40)) job.unique_for_ms = random_.between(1, 20'000);
  }
  Retention retention;
  constexpr std::array<Millis, 5> keeps{-1, 0, 1'000, 60'000, 900'000};
  retention.completed_ms = keeps[random_.weighted(std::array<std::uint32_t, 5>{1, 4, 30, 30, 10})];
  retention.failed_ms = keeps[random_.weighted(std::array<std::uint32_t, 5>{20, 2, 10, 30, 30})];
  if (random_.percent(90)) job.retention = retention;
  if (random_.percent(8)) {
    auto callback = std::make_shared<Callback>();
    callback->url = fmt::format("http://c{}", random_.below(3));
    callback->on = static_cast<std::uint8_t>(random_.between(1, Callback::any));
    job.callback = std::move(callback);
  }
  return job;
}

// A group, limits, a strict order.
void World::add_terms(NewJob& job) {
  // Of a latest key only those with the same terms stand in one line.
  if (job.gathering && job.gathering->mode == Gathering::Mode::latest && !random_.one_in(4)) return;
  if (random_.percent(50)) job.group = fmt::format("t{}", random_.below(random_.one_in(4) ? 2'000 : 4));
  if (random_.percent(25)) {
    for (const auto& [name, limit] : model_.limits()) {
      if (random_.one_in(2)) job.limits.push_back(name);
    }
  }
  if (random_.one_in(150)) job.limits = {"nobody"};
  if (job.group.empty() || !random_.percent(20) || job.gathering) return;
  job.ordered = true;
  job.priority.reset();
  job.delay_ms.reset();
  job.run_at.reset();
}

void World::gather(NewJob& job, bool may_debounce) {
  job.unique_key.clear();
  job.unique_for_ms = 0;
  Gathering gathering;
  gathering.key = fmt::format("g{}", random_.below(4));
  if (may_debounce && random_.percent(50)) {
    gathering.mode = Gathering::Mode::latest;
    gathering.key = random_.one_in(4) ? "g1" : "g0";
    job.delay_ms.reset();
    job.run_at.reset();
    job.priority.reset();
    job.ordered = false;
    job.gathering = gathering;
    return;
  }
  gathering.window_ms = random_.between(1, random_.one_in(3) ? 60'000 : 3'000);
  if (may_debounce && random_.percent(60)) {
    gathering.mode = Gathering::Mode::debounce;
    if (random_.one_in(2)) gathering.max_wait_ms = gathering.window_ms + random_.between(0, 5'000);
    job.delay_ms.reset();
    job.run_at.reset();
  }
  job.gathering = gathering;
}

void World::submit(Client& client, std::size_t index) {
  Submit submit;
  const std::size_t count = random_.percent(25) ? static_cast<std::size_t>(random_.between(2, 12)) : 1;
  for (std::size_t i = 0; i < count; ++i) submit.jobs.push_back(new_job());
  for (NewJob& job : submit.jobs) {
    if (random_.percent(12)) gather(job, count == 1);
  }
  if (random_.percent(60)) {
    for (NewJob& job : submit.jobs) add_terms(job);
  }
  if (count > 2 && random_.percent(30)) submit.jobs.back() = submit.jobs.front();
  if (random_.percent(40)) submit.idempotency = Idempotency{fmt::format("k{}", next_key_++), hash_of(submit)};
  if (model_.waiting_in(submit.jobs.front().queue) > options_.machine.window_jobs &&
      submit.jobs.front().priority == 1000) {
    rare_.add(Rare::submit_ahead_of_a_full_window);
  }
  client.last = submit;
  client.waits = post(std::move(submit), Who::client, index);
}

void World::client_acts(std::size_t index) {
  Client& client = clients_[index];
  if (client.waits != Ticket::none) {
    if (!random_.one_in(8)) return;
    client.waits = Ticket::none;  // gives up on the answer
  }
  const bool has_key = client.last && client.last->idempotency;
  if (has_key && random_.percent(20)) {
    rare_.add(Rare::request_sent_twice);
    Submit again = *client.last;
    if (random_.one_in(10)) again.idempotency->body_hash[0] ^= 1;
    client.waits = post(std::move(again), Who::client, index);
    return;
  }
  if (model_.jobs().size() > options_.jobs_max) {  // makes room
    const auto ended = some_job(random_.one_in(2) ? Status::failed : Status::completed);
    const auto waits = some_job(random_.one_in(3) ? Status::delayed : Status::pending);
    if (ended) post(Delete{*ended, std::nullopt}, Who::nobody, 0);
    if (waits) post(Cancel{*waits}, Who::nobody, 0);
    return;
  }
  const auto job = some_job();
  if (!job || random_.percent(60)) return submit(client, index);
  switch (random_.weighted(std::array<std::uint32_t, 9>{20, 8, 10, 10, 8, 8, 4, 4, 20})) {
    case 0:
      client.waits = post(GetJob{*job}, Who::client, index);
      break;
    case 1:
      client.waits = post(Why{*job}, Who::client, index);
      break;
    case 2:
      client.waits = post(Cancel{*some_job(Status::active)}, Who::client, index);
      break;
    case 3:
      client.waits = post(Cancel{*job}, Who::client, index);
      break;
    case 4:
      client.waits = post(Promote{*some_job(Status::delayed)}, Who::client, index);
      break;
    case 5:
      client.waits = post(Retry{*some_job(Status::completed), std::nullopt}, Who::client, index);
      break;
    case 6:
      client.waits = post(Delete{*job, std::nullopt}, Who::client, index);
      break;
    case 8:
      client.waits = post(new_change(), Who::client, index);
      break;
    default:
      client.waits = post(LookResident{{*job, known_.front()}}, Who::client, index);
      break;
  }
}

void World::client_hears(Client&, const Reply& reply) {
  const auto* submitted = std::get_if<Submitted>(&reply);
  if (submitted == nullptr) return;
  for (const auto& item : submitted->jobs) remember(item.id);
}

// Another time, another priority, or both, mostly for a job that waits.
ChangeJob World::new_change() {
  constexpr std::array often{Status::pending, Status::delayed, Status::stalled, Status::blocked};
  ChangeJob change;
  change.id = *some_job(often[random_.weighted(std::array<std::uint32_t, 4>{40, 40, 10, 10})]);
  if (random_.percent(60)) {
    const Millis wait = random_.between(-2'000, random_.one_in(3) ? 60'000 : 4'000);
    if (random_.one_in(2))
      change.delay_ms = std::max<Millis>(wait, 0);
    else
      change.run_at = std::max<Millis>(raw_wall_ + wait, 0);
  }
  if (random_.percent(50) || (!change.delay_ms && !change.run_at)) {
    change.priority = static_cast<int>(random_.between(-3, 3));
    if (random_.one_in(20)) change.priority = random_.one_in(2) ? 1000 : -1000;
    const ModelJob* known = model_.find(change.id, broker_->now().wall);
    if (known != nullptr && random_.one_in(4)) change.priority = change.id.priority();
    if (known != nullptr && is_ready(known->status) &&
        model_.waiting_in(known->spec->queue) > options_.machine.window_jobs)
      rare_.add(Rare::priority_changed_in_a_full_queue);
  }
  return change;
}

PutQueue World::new_settings() {
  PutQueue put;
  put.name = queue_name();
  if (random_.percent(30)) put.priority = random_.one_in(2) ? std::nullopt : std::optional<int>(1);
  if (random_.percent(30))
    put.max_attempts = random_.one_in(2) ? std::nullopt : std::optional<std::uint32_t>(2);
  if (random_.percent(30))
    put.max_stalls = random_.one_in(2) ? std::nullopt : std::optional<std::uint32_t>(1);
  if (random_.percent(20))
    put.lease_ms = random_.one_in(2) ? std::nullopt : std::optional<Millis>(options_.lease_ms);
  if (random_.percent(20)) put.timeout_ms = random_.one_in(2) ? std::nullopt : std::optional<Millis>(3'000);
  if (random_.percent(20))
    put.retention = random_.one_in(2) ? std::nullopt : std::optional(Retention{2'000, 4'000});
  if (random_.percent(20))
    put.backoff =
        random_.one_in(2) ? std::nullopt : std::optional(Backoff{Backoff::Type::fixed, 50, 1, 50, 0});
  if (random_.percent(25))
    put.max_concurrency =
        random_.one_in(3) ? std::nullopt : std::optional(static_cast<std::uint32_t>(random_.between(1, 6)));
  if (random_.percent(25)) put.rate_limit = new_rate_limit(put.name);
  if (random_.percent(25))
    put.group_concurrency =
        random_.one_in(3) ? std::nullopt : std::optional(static_cast<std::uint32_t>(random_.between(1, 3)));
  if (random_.percent(25)) put.group_rate_limit = new_rate_limit(put.name);
  if (put.group_rate_limit && *put.group_rate_limit) {  // a group has fewer jobs than its queue
    RateLimit& limit = **put.group_rate_limit;
    limit.max = std::min<std::uint32_t>(limit.max, 4);
    limit.burst = std::min(limit.burst, limit.max);
  }
  if (random_.percent(25))
    put.priority_ageing_ms =
        random_.one_in(3) ? std::nullopt : std::optional<Millis>(random_.between(1, 5'000));
  if (random_.percent(25)) put.skip_failed = random_.one_in(2);
  if (random_.percent(30)) put.push = random_.one_in(3) ? nullptr : Receivers::new_push(random_);
  return put;
}

void World::group_acts() {
  const std::string queue = queue_name();
  const std::string group = fmt::format("t{}", random_.below(4));
  switch (random_.weighted(std::array<std::uint32_t, 3>{30, 40, 30})) {
    case 0:
      post(PauseGroup{queue, group, true, random_.one_in(2) ? "their bill" : ""}, Who::nobody, 0);
      break;
    case 1:
      post(PauseGroup{queue, group, false}, Who::nobody, 0);
      break;
    default:
      post(ListGroups{queue, random_.one_in(4) ? 2u : 100u, random_.one_in(3)}, Who::nobody, 0);
      break;
  }
}

void World::limit_acts() {
  const std::string name = fmt::format("l{}", random_.below(4));
  switch (random_.weighted(std::array<std::uint32_t, 5>{50, 10, 10, 15, 15})) {
    case 0: {
      PutLimit put{name, {}, {}};
      if (random_.percent(60)) put.concurrency = static_cast<std::uint32_t>(random_.between(1, 5));
      if (random_.percent(60)) put.rate = new_rate_limit({});
      post(std::move(put), Who::nobody, 0);
      break;
    }
    case 1:
      post(GetLimit{name}, Who::nobody, 0);
      break;
    case 2:
      post(ListLimits{}, Who::nobody, 0);
      break;
    case 3:
      post(DeleteLimit{name}, Who::nobody, 0);
      break;
    default:
      post(ResumeLimit{name}, Who::nobody, 0);
      break;
  }
}

std::optional<RateLimit> World::new_rate_limit(const std::string& queue) {
  if (random_.one_in(3)) return std::nullopt;
  const auto known = model_.queues().find(queue);
  if (known != model_.queues().end() && known->second.settings.rate_limit && random_.one_in(4))
    return known->second.settings.rate_limit;  // put again
  RateLimit limit;
  limit.max = static_cast<std::uint32_t>(random_.between(1, 20));
  limit.per_ms = random_.between(100, random_.one_in(3) ? 30'000 : 2'000);
  limit.burst = static_cast<std::uint32_t>(random_.below(limit.max + 1));
  return limit;
}

void World::operator_acts() {
  if (random_.percent(12)) return limit_acts();
  if (random_.percent(6)) return group_acts();
  if (random_.percent(20)) return raise_event();
  if (random_.percent(12)) return workflow_acts();
  if (random_.percent(6)) return trigger_acts();
  if (random_.percent(8)) {
    PutQueue put;
    put.name = queue_name();
    put.push = random_.one_in(2) ? nullptr : Receivers::new_push(random_);
    post(std::move(put), Who::nobody, 0);
    return receivers_->look();
  }
  if (random_.percent(options_.schedule_percent)) return scheduler_acts();
  switch (random_.weighted(std::array<std::uint32_t, 9>{14, 24, 10, 30, 12, 4, 4, 4, 4})) {
    case 0: {
      PutQueue pause;
      pause.name = queue_name();
      pause.paused = true;
      pause.pause_reason = "maintenance";
      pause.must_exist = true;
      post(std::move(pause), Who::nobody, 0);
      break;
    }
    case 1: {
      PutQueue resume;
      resume.name = queue_name();
      resume.paused = false;
      resume.must_exist = random_.one_in(2);
      resume.clear_hold = random_.one_in(2);
      post(std::move(resume), Who::nobody, 0);
      break;
    }
    case 2:
      post(new_settings(), Who::nobody, 0);
      break;
    case 3: {
      if (const auto dead = some_job(Status::failed)) {
        if (random_.one_in(3)) {
          post(Move{*dead, Status::failed, queue_name(), "moved-from:" + std::to_string(dead->high())},
               Who::nobody, 0);
        } else {
          post(Retry{*dead, Status::failed, true}, Who::nobody, 0);
        }
        if (random_.one_in(3)) post(Retry{*dead, Status::failed}, Who::nobody, 0);
      }
      break;
    }
    case 4: {
      if (const auto dead = some_job(Status::failed)) post(Delete{*dead, Status::failed}, Who::nobody, 0);
      break;
    }
    case 5: {
      const std::string name = random_.one_in(3) ? "made-by-" + schedule_id() : queue_name();
      post(DeleteQueue{name, random_.percent(80)}, Who::nobody, 0);
      break;
    }
    case 6:
      post(ListQueues{}, Who::nobody, 0);
      break;
    case 7:
      post(ListWorkers{}, Who::nobody, 0);
      break;
    default:
      post(GetQueue{queue_name()}, Who::nobody, 0);
      break;
  }
}

}  // namespace pawl::sim
