// Those who work: honestly, late, twice, or not at all.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/world.h"

namespace pawl::sim {

using namespace core;

namespace {
constexpr std::size_t stale_max = 16;
}  // namespace

// A worker id keeps its names for life: the model goes by it.
void World::name_worker(Worker& worker) {
  worker.id = fmt::format("w{}", next_worker_++);
  worker.names.clear();
  if (random_.percent(options_.named_percent))
    worker.names = {fmt::format("n{}", random_.below(3)), fmt::format("n{}", random_.below(3))};
  worker.credit = static_cast<std::uint32_t>(random_.between(1, 8));
}

void World::worker_acts(std::size_t index) {
  Worker& worker = workers_[index];
  if (step_ < worker.silent_until) return;
  if (worker.ticket == Ticket::none) {
    if (worker.connection) return open_connection(worker, index);
    if (worker.held.size() < worker.credit && random_.percent(60)) return ask_for_work(worker, index);
  }
  switch (random_.weighted(std::array<std::uint32_t, 10>{60, 15, 3, 6, 4, 2, 4, 3, 6, 4})) {
    case 0:
      return settle(worker, index, false);
    case 1:
      return heartbeat(worker, index);
    case 2:
      return log_lines(worker, index);
    case 3:
      return settle(worker, index, true);
    case 4:
      worker.silent_until = step_ + 20 + random_.below(400);
      return;
    case 5:
      return die(worker, index);
    case 6:
      if (!worker.connection || worker.ticket == Ticket::none) return;
      worker.credit = static_cast<std::uint32_t>(random_.between(random_.one_in(4) ? 0 : 1, 8));
      post(SetCredit{worker.ticket, worker.credit}, Who::nobody, 0);
      return;
    case 8:
      return keep_step(worker, index);
    case 9:
      return add_children(worker, index);
    default:
      if (worker.ticket == Ticket::none) return;
      if (worker.connection) {
        if (random_.one_in(2)) return open_connection(worker, index);
        // The connection breaks; the worker comes back with what it holds.
        post(CloseWorker{worker.ticket, random_.between(0, 1'500)}, Who::nobody, 0);
      } else {
        post(AbandonLease{worker.ticket}, Who::nobody, 0);
      }
      asked_.erase(static_cast<std::uint64_t>(worker.ticket));
      worker.ticket = Ticket::none;
      return;
  }
}

void World::ask_for_work(Worker& worker, std::size_t index) {
  Lease lease;
  lease.queue = random_.percent(5) ? callbacks_queue : queue_name();
  lease.worker_id = worker.id;
  lease.max = static_cast<std::uint32_t>(random_.between(1, 6));
  lease.wait_ms = random_.one_in(3) ? 0 : random_.between(1, 5'000);
  lease.names = worker.names;
  worker.ticket = post(std::move(lease), Who::worker, index);
}

void World::open_connection(Worker& worker, std::size_t index) {
  OpenWorker open;
  open.worker_id = worker.id;
  open.names = worker.names;
  open.credit = worker.credit;
  if (random_.percent(30))
    open.queues.push_back({callbacks_queue, 1});  // by name: so the model numbers new ones
  for (std::size_t i = 0; i < options_.queues; ++i) {
    if (random_.percent(50)) {
      open.queues.push_back({fmt::format("q{}", i), static_cast<std::uint32_t>(random_.between(1, 5))});
    }
  }
  for (const Held& held : worker.held) open.resume.push_back({held.id, held.lease});
  if (!worker.stale.empty() && random_.one_in(4))
    open.resume.push_back({worker.stale.back().id, worker.stale.back().lease});
  if (worker.ticket == Ticket::none) {
    worker.ticket = post(std::move(open), Who::worker, index, true);
  } else {
    inbox_.push_back({worker.ticket, std::move(open)});
  }
}

Settlement World::settlement(const Held& held) {
  Settlement out;
  out.id = held.id;
  out.lease = held.lease;
  switch (random_.weighted(std::array<std::uint32_t, 5>{60, 28, 12, 2, 8})) {
    case 0:
      out.outcome = Settlement::Outcome::complete;
      if (random_.one_in(2))
        out.result = std::make_shared<const std::string>(fmt::format("{}", random_.below(1'000'000)));
      break;
    case 1:
      out.outcome = Settlement::Outcome::fail;
      out.error_type = fmt::format("e{}", random_.below(4));
      out.error_message = fmt::format("it did not work within {} ms", random_.below(1'000));
      out.permanent = random_.percent(10);
      if (random_.percent(15)) out.retry_delay_ms = random_.between(0, 3'000);
      break;
    case 2:
      out.outcome = Settlement::Outcome::release;
      out.delay_ms = random_.one_in(2) ? 0 : random_.between(1, 2'000);
      break;
    case 4:
      out.outcome = Settlement::Outcome::suspend;
      out.suspension = new_suspension();
      break;
    default:
      out.outcome = Settlement::Outcome::rate_limited;
      out.retry_after_ms = random_.between(1, random_.one_in(3)   ? 10'000
                                              : random_.one_in(6) ? 60'000
                                                                  : 1'000);
      break;
  }
  return out;
}

void World::settle(Worker& worker, std::size_t index, bool stale) {
  std::vector<Held>& from = stale ? worker.stale : worker.held;
  if (from.empty()) return;
  Settle settle;
  std::vector<Held> settles;
  const auto count = static_cast<std::size_t>(random_.between(1, 4));
  for (std::size_t i = 0; i < count; ++i) {
    const Held held = random_.pick(from);
    settle.settlements.push_back(settlement(held));
    settles.push_back(held);
  }
  const Ticket ticket = post(std::move(settle), Who::worker, index);
  asked_[static_cast<std::uint64_t>(ticket)].settles = std::move(settles);
}

void World::heartbeat(Worker& worker, std::size_t index) {
  Heartbeat heartbeat;
  for (const Held& held : worker.held) {
    Beat beat{held.id, held.lease, {}, {}, {}};
    if (random_.one_in(3)) beat.progress = static_cast<double>(random_.below(101));
    if (random_.one_in(4)) beat.message = "going on";
    if (random_.one_in(6)) beat.lease_ms = random_.between(1'000, 6'000);
    heartbeat.beats.push_back(std::move(beat));
  }
  if (!worker.stale.empty() && random_.one_in(3)) {
    heartbeat.beats.push_back({worker.stale.front().id, worker.stale.front().lease, {}, {}, {}});
  }
  if (!heartbeat.beats.empty()) post(std::move(heartbeat), Who::worker, index);
}

void World::log_lines(Worker& worker, std::size_t index) {
  if (worker.held.empty()) return;
  const Held held = random_.pick(worker.held);
  AppendLogs logs{held.id, held.lease, {}};
  for (std::int64_t i = random_.between(1, 5); i > 0; --i) logs.lines.push_back(fmt::format("line {}", i));
  post(std::move(logs), Who::worker, index);
}

void World::die(Worker& worker, std::size_t) {
  if (worker.ticket != Ticket::none) {
    if (worker.connection)
      post(CloseWorker{worker.ticket, random_.between(0, 1'500)}, Who::nobody, 0);
    else if (random_.one_in(2))
      post(AbandonLease{worker.ticket}, Who::nobody, 0);
    asked_.erase(static_cast<std::uint64_t>(worker.ticket));
    worker.ticket = Ticket::none;
  }
  worker.held.clear();
  worker.stale.clear();
  name_worker(worker);
}

void World::drop_held(Worker& worker, const Held& held) {
  const auto same = [&](const Held& other) { return other.id == held.id && other.lease == held.lease; };
  std::erase_if(worker.held, same);
  if (std::ranges::none_of(worker.stale, same)) worker.stale.push_back(held);
  if (worker.stale.size() > stale_max) worker.stale.erase(worker.stale.begin());
}

void World::worker_hears(Worker& worker, const Asked& asked, Reply&& reply) {
  if (const auto* granted = std::get_if<Granted>(&reply)) {
    for (const GrantedJob& job : granted->jobs) {
      worker.held.push_back({job.id, job.lease});
      if (!job.tags.empty()) remember(job.id);  // nobody submitted it who could know it
    }
  } else if (const auto* notice = std::get_if<Notice>(&reply)) {
    if (notice->kind == Notice::Kind::lease_lost && random_.one_in(2))
      drop_held(worker, {notice->id, notice->lease});
  } else if (std::holds_alternative<Settled>(reply) || std::holds_alternative<WorkflowSubmitted>(reply)) {
    for (const Held& held : asked.settles) drop_held(worker, held);
  } else if (const auto* opened = std::get_if<WorkerOpened>(&reply)) {
    for (const JobId& id : opened->lost) {
      const auto held = std::ranges::find(worker.held, id, &Held::id);
      if (held != worker.held.end()) drop_held(worker, Held(*held));
    }
  }
}

}  // namespace pawl::sim
