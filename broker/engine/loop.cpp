#include "broker/engine/loop.h"

#include <algorithm>
#include <random>
#include <utility>

namespace pawl::engine {

using core::Millis;
using core::Now;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// The wall clock may be set while the engine sleeps; it looks at least this often when something waits for
// it.
constexpr Millis wall_look_ms = 1000;
constexpr milliseconds pressure_every{100};
constexpr milliseconds pressure_look{250};
constexpr int refill_rounds = 8;
constexpr int pay_rounds = 32;

core::MachineOptions machine_options(const EngineOptions& options) {
  core::MachineOptions machine = options.machine;
  machine.ends = options.ends.get();
  return machine;
}

std::uint64_t seed_of(const EngineOptions& options) {
  if (options.seed != 0) return options.seed;
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Loop::Loop(Parts parts, const EngineOptions& options)
    : partition_(parts.partition),
      inbox_(parts.inbox),
      gate_(parts.gate),
      pressure_(parts.pressure),
      search_(parts.search),
      options_(options),
      machine_(machine_options(options), seed_of(options), options.calendar.get()),
      loader_(partition_, machine_, inbox_, [this](const std::string& why) { gate_.fail(why); }) {
  outbox_.value_at = options.payload_value;
  outbox_.audit_kept_ms = options.audit_kept_ms;
}

void Loop::run() {
  while (true) {
    gate_.wait_below(options_.batches_in_flight);
    if (gate_.failed()) break;
    if (next_ >= taken_.size()) {
      taken_.clear();
      next_ = 0;
    }
    if (!inbox_.take(taken_, waiters_.released(), std::exchange(done_, 0), std::exchange(done_bytes_, 0),
                     sleep_until())) {
      break;
    }
    turn();
  }
  if (!gate_.failed()) gate_.wait_below(1);
  taken_.clear();
  inbox_.clear();
}

std::optional<Loop::Instant> Loop::sleep_until() const {
  if (again_ || !old_logs_.empty()) return steady_clock::now();
  const Now now = clock_->last();
  const core::Machine::Deadline deadline = machine_.next_deadline();
  Millis wait = core::never;
  if (deadline.wall != core::never) wait = std::min(wall_look_ms, deadline.wall - now.wall);
  if (deadline.mono != core::never) wait = std::min(wait, deadline.mono - now.mono);
  if (pressure_.slow || pressure_.no_space) wait = std::min(wait, Millis{pressure_look.count()});
  if (wait == core::never) return std::nullopt;
  // Counted from the reading that the machine has seen, so that a long turn does not make the sleep longer.
  return turn_began_ + milliseconds(std::max<Millis>(wait, 0));
}

void Loop::turn() {
  const Now now = clock_->read();
  turn_began_ = steady_clock::now();
  pressure_.wall = now.wall;
  again_ = false;
  served_ = 0;
  // After the commands were taken: whoever subscribes and then asks hears of all that follows his answer.
  outbox_.with_events = gate_.wants_events();
  const bool searched = search_.armed();
  if (searched && !outbox_.with_notes) outbox_.notes.forget_told();
  outbox_.with_notes = searched;
  read_pressure();
  erase_old_logs();
  tick_if_due(now);
  if (loader_.is_slow()) prefetch(next_, std::min(taken_.size(), next_ + options_.batch_commands), now);
  while (next_ < taken_.size() && served_ < options_.batch_commands &&
         outbox_.batch.bytes() < options_.batch_bytes) {
    Item& item = taken_[next_++];
    serve(item, now);
    ++served_;
    ++done_;
    done_bytes_ += item.bytes;
    item = {};
  }
  pay(now);
  machine_.match(now, outbox_);
  machine_.flush(now, outbox_);
  if (gate_.failed()) return;
  hand_over();
  refill();
}

// What ended jobs owe to those that wait for them. What is too much for one batch is left to the next.
void Loop::pay(Now now) {
  if (!machine_.owes()) return;
  for (int round = 0; round < pay_rounds; ++round) {
    if (round > 0 && outbox_.batch.bytes() >= options_.batch_bytes) break;
    needs_.clear();
    machine_.pay_needs(needs_);
    loader_.fetch(needs_, now.wall);
    loader_.settle();
    // A first round may only have loaded what says what else is needed.
    if (!machine_.pay(now, outbox_) && needs_.empty()) break;
  }
  again_ = again_ || machine_.owes();
}

void Loop::load_for(const core::Command& command, Now now) {
  // A loaded row may name another that is needed: a workflow its members, those their parents.
  for (int round = 0; round < 5; ++round) {
    needs_.clear();
    machine_.needs(command, needs_);
    if (needs_.empty()) return;
    loader_.fetch(needs_, now.wall);
    loader_.settle();
  }
}

void Loop::prefetch(std::size_t from, std::size_t to, Now now) {
  needs_.clear();
  for (std::size_t i = from; i < to; ++i) {
    if (taken_[i].task == nullptr) machine_.needs(taken_[i].command, needs_);
  }
  std::ranges::sort(needs_.jobs);
  const auto repeated = std::ranges::unique(needs_.jobs);
  needs_.jobs.erase(repeated.begin(), repeated.end());
  loader_.fetch(needs_, now.wall);
  loader_.settle();
}

std::optional<core::Job> Loop::look(const core::JobId& id, Now now) {
  aside_.clear();
  machine_.apply({core::Ticket{1}, core::LookResident{{id}}}, now, aside_);
  if (aside_.replies.empty()) return std::nullopt;
  auto* resident = std::get_if<core::Resident>(&aside_.replies.front().second);
  if (resident == nullptr || resident->jobs.empty() || resident->jobs.front().gone) return std::nullopt;
  return std::move(resident->jobs.front().view.job);
}

// The replies are kept here: nobody waits for them by a name.
void Loop::carry_out(Together& together, Now now) {
  constexpr core::Ticket own{~std::uint64_t{0}};
  together.replies.resize(together.commands.size());
  for (std::size_t i = 0; i < together.commands.size(); ++i) {
    const core::Command command{own, std::move(together.commands[i])};
    load_for(command, now);
    if (together.wanted) {
      const core::JobId id = together.jobs[i];
      const std::optional<core::Job> job = look(id, now);
      if (!job || !together.wanted(*job)) continue;
    }
    const std::size_t said = outbox_.replies.size();
    machine_.apply(command, now, outbox_);
    for (std::size_t r = outbox_.replies.size(); r-- > said;) {
      if (outbox_.replies[r].first != own) continue;
      together.replies[i] = std::move(outbox_.replies[r].second);
      outbox_.replies.erase(outbox_.replies.begin() + static_cast<std::ptrdiff_t>(r));
      break;
    }
  }
}

void Loop::serve(Item& item, Now now) {
  if (item.task != nullptr) {
    if (item.task->before != nullptr) carry_out(*item.task->before, now);
    item.task->run(machine_, outbox_, now);
    if (item.task->durable) calls_.push_back(std::move(item.task->durable));
    return;
  }
  const core::Command& command = item.command;
  if (item.target != nullptr && command.ticket != core::Ticket::none &&
      waiters_.find(command.ticket) == nullptr) {
    const bool stays = std::holds_alternative<core::OpenWorker>(command.body);
    waiters_.bind(command.ticket, std::move(item.target), item.tag, stays);
  }
  load_for(command, now);
  const std::size_t first_reply = outbox_.replies.size();
  machine_.apply(command, now, outbox_);
  if (item.actor != nullptr) write_audit(item, first_reply, now);
  // What the command made the machine forget gets no more replies.
  if (const auto* abandon = std::get_if<core::AbandonLease>(&command.body))
    closing_.push_back(abandon->waiter);
  if (const auto* close = std::get_if<core::CloseWorker>(&command.body)) closing_.push_back(close->worker);
}

void Loop::write_audit(const Item& item, std::size_t first_reply, Now now) {
  std::optional<AuditEntry> entry = audited(item.command.body);
  if (!entry) return;
  entry->actor = *item.actor;
  if (entry->queue.empty() && !entry->target.empty()) {
    if (const auto id = parse_uuid(entry->target)) {
      const std::string* queue = machine_.queue_name(id->queue());
      if (queue != nullptr) entry->queue = *queue;
    }
  }
  for (std::size_t i = first_reply; i < outbox_.replies.size(); ++i) {
    if (outbox_.replies[i].first == item.command.ticket) add_outcome(*entry, outbox_.replies[i].second);
  }
  outbox_.put_audit(*entry, now.wall);
}

void Loop::tick_if_due(Now now) {
  const core::Machine::Deadline deadline = machine_.next_deadline();
  if (deadline.wall > now.wall && deadline.mono > now.mono) return;
  for (int round = 0; round < 4; ++round) {
    needs_.clear();
    machine_.tick_needs(now, needs_);
    if (needs_.empty()) break;
    // Timers stand for parked jobs; the last jobs of schedules may be anywhere.
    loader_.fetch_parked(std::exchange(needs_.jobs, {}), now.wall);
    loader_.fetch(needs_, now.wall);
    loader_.settle();
  }
  machine_.tick(now, outbox_);
}

void Loop::erase_old_logs() {
  for (const core::JobId& id : std::exchange(old_logs_, {})) {
    storage::Range range{family::logs, std::string(id.view()), std::string(id.view()).append(13, '\xff')};
    std::vector<std::string> keys;
    loader_.read_all(range, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    });
    for (const std::string& key : keys) outbox_.batch.erase(family::logs, key);
  }
}

Owed Loop::collect_owed() {
  Owed owed;
  owed.commands = served_;
  owed.replies.reserve(outbox_.replies.size());
  for (auto& [ticket, reply] : outbox_.replies) {
    Waiters::Waiter* waiter = waiters_.find(ticket);
    if (waiter == nullptr) continue;
    if (waiter->stays) {
      owed.replies.push_back({waiter->target, waiter->tag, std::move(reply)});
    } else {
      owed.replies.push_back({std::move(waiter->target), waiter->tag, std::move(reply)});
      waiters_.release(ticket);
    }
  }
  for (const core::Ticket ticket : std::exchange(closing_, {})) waiters_.release(ticket);
  owed.events = std::exchange(outbox_.events, {});
  owed.samples = std::exchange(outbox_.samples, {});
  owed.failures = std::exchange(outbox_.failures, {});
  owed.calls = std::exchange(calls_, {});
  old_logs_ = std::exchange(outbox_.log_erases, {});
  return owed;
}

void Loop::hand_over() {
  Owed owed = collect_owed();
  // Before the commit: what a snapshot shows, the index knows.
  for (const core::QueueNumber queue : outbox_.searchable_changed) search_.reset(queue);
  if (!outbox_.notes.empty()) search_.note(outbox_.notes);
  if (!outbox_.batch.empty()) {
    partition_.commit(outbox_.batch, gate_.hold(std::move(owed)));
  } else if (!owed.replies.empty() || !owed.events.empty() || !owed.calls.empty()) {
    gate_.follow(std::move(owed));
  }
  outbox_.clear();
  machine_.after_commit();
}

void Loop::refill() {
  const std::vector<core::NamedRequest> named = machine_.named_requests();
  for (const core::NamedRequest& request : named) loader_.fetch_named(request);
  loader_.settle();
  bool loaded = !named.empty();
  for (int round = 0; round < refill_rounds && !gate_.failed(); ++round) {
    const std::vector<core::WindowRequest> requests = machine_.window_requests();
    const std::optional<core::TimerRequest> timers = machine_.timer_request();
    if (requests.empty() && !timers) break;
    for (const core::WindowRequest& request : requests) loader_.fetch_window(request);
    if (timers) loader_.fetch_timers(*timers);
    loader_.settle();
    loaded = loaded || !requests.empty();
    if (round + 1 == refill_rounds) again_ = true;
  }
  if (loaded && machine_.waiter_count() > 0) again_ = true;
  read_ahead();
}

// What is due at one moment is in memory before. Who sleeps looks in time: wall_look_ms is shorter than
// soon_ms.
void Loop::read_ahead() {
  const Now now = clock_->last();
  std::vector<core::JobId> soon = machine_.due_soon(now);
  if (soon.empty()) return;
  again_ = again_ || soon.size() == options_.machine.soon_slice;
  loader_.fetch_parked(std::move(soon), now.wall);
  loader_.settle();
}

void Loop::read_pressure() {
  if (turn_began_ - pressure_read_ < pressure_every) return;
  pressure_read_ = turn_began_;
  const storage::Counters counters = partition_.counters();
  if (counters.low_on_space && !pressure_.no_space && options_.log_warn) {
    options_.log_warn(
        "the disk is nearly full: submits are refused, and schedules wait, until there is room again");
  }
  pressure_.slow = counters.write_stalled;
  pressure_.no_space = counters.low_on_space;
  machine_.hold_schedules(counters.low_on_space);
}

}  // namespace pawl::engine
