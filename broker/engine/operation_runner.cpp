#include "broker/engine/operation_runner.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "broker/engine/bulk_reader.h"
#include "broker/engine/list_merge.h"
#include "broker/engine/operation_audit.h"
#include "broker/engine/replay_watch.h"

namespace pawl::engine {

using core::JobId;
using core::Millis;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t slice_jobs = 256;
constexpr std::size_t count_jobs = 20'000;  // for one slice of a count
constexpr std::size_t slice_rows = 20'000;  // seen for one slice, when the filter refuses most
constexpr milliseconds wait_most{2000};
constexpr milliseconds when_busy{20};
constexpr milliseconds look_every{100};
constexpr Millis keep_ended_ms = 7 * 86'400'000ll;

JobId new_uuid(Millis wall) {
  std::random_device device;
  const auto word = [&] { return std::uint64_t{device()} << 32 | device(); };
  const std::uint64_t high = static_cast<std::uint64_t>(wall) << 16 | 0x7000 | (word() & 0xfff);
  return JobId::from_words(high, (word() >> 2) | 0x8000000000000000ull);
}

bool running(const OperationView& view) { return view.state == OperationView::State::running; }
bool ended(const OperationView& view) { return !running(view) && view.state != OperationView::State::paused; }

// Positions: a letter for the place, then the key of the last row that was looked at.
constexpr char position_ready = 'r';
constexpr char position_parked = 'p';
constexpr char position_dead = 'd';
// Those of bulk: a letter for what goes on, then the last job that was seen, if any.
constexpr char position_counting = 'c';
constexpr char position_acting = 'b';

std::optional<JobId> seen_of(const std::string& position) {
  if (position.size() != 17) return std::nullopt;
  return id_at(position, 1);
}

core::CommandBody bulk_command(OperationSpec::Action action, const JobId& id) {
  using Action = OperationSpec::Action;
  switch (action) {
    case Action::cancel:
      return core::Cancel{id};
    case Action::promote:
      return core::Promote{id};
    case Action::remove:
      return core::Delete{id, {}};
    default:
      return core::Retry{id, {}};
  }
}

JobId job_of(const core::CommandBody& command) {
  if (const auto* cancel = std::get_if<core::Cancel>(&command)) return cancel->id;
  if (const auto* promote = std::get_if<core::Promote>(&command)) return promote->id;
  if (const auto* remove = std::get_if<core::Delete>(&command)) return remove->id;
  if (const auto* move = std::get_if<core::Move>(&command)) return move->id;
  return std::get<core::Retry>(command).id;
}

// What became of one command, in the operation's counts.
void note(OperationView& view, const JobId& id, const std::optional<core::Reply>& reply) {
  const auto* refused = reply ? std::get_if<core::Refused>(&*reply) : nullptr;
  if (reply && refused == nullptr) {
    ++view.done;
    // One that was moved goes on under another id.
    const auto* changed = std::get_if<core::JobChanged>(&*reply);
    if (is_watched(view)) view.under_way.push_back(changed != nullptr ? changed->id : id);
  } else if (refused == nullptr || !view.spec.is_bulk() || refused->why == core::Refusal::unknown_job) {
    ++view.skipped;
  } else {
    ++view.refused;
    if (view.errors.size() < operation_errors_max) view.errors.push_back({id, refused->detail});
  }
}

// The most that may be done within one second, or, when that is less than one, within the time of one.
std::size_t most_of(double rate) { return static_cast<std::size_t>(std::max(std::floor(rate), 1.0)); }
steady_clock::duration window_of(double rate) {
  return std::chrono::duration_cast<steady_clock::duration>(
      std::chrono::duration<double>(rate < 1 ? std::min(1 / rate, 3600.0) : 1.0));
}

}  // namespace

core::CommandBody replay_of(const core::JobId& id, const std::string& into) {
  if (into.empty()) return core::Retry{id, core::Status::failed};
  return core::Move{id, core::Status::failed, into, std::string(core::moved_tag) + uuid_text(id)};
}

OperationRunner::OperationRunner(Port& port, Options options)
    : port_(port),
      options_(std::move(options)),
      sweeper_(port, options_.sweep_every),
      thread_([this] { run(); }) {}
OperationRunner::~OperationRunner() { stop(); }

void OperationRunner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void OperationRunner::post(Request request) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      requests_.push_back(std::move(request));
      wake_.notify_all();
      return;
    }
  }
  request(false);
}

void OperationRunner::start(OperationSpec spec, bool wait, Answer answer) {
  post([this, spec = std::move(spec), wait, answer = std::move(answer)](bool serve) mutable {
    if (serve)
      begin(std::move(spec), wait, answer);
    else
      answer(std::unexpected(ListError::busy));
  });
}

void OperationRunner::get(std::string id, Answer answer) {
  post([this, id = std::move(id), answer = std::move(answer)](bool serve) {
    const auto it = operations_.find(id);
    if (!serve)
      answer(std::unexpected(ListError::busy));
    else if (it == operations_.end())
      answer(std::unexpected(ListError::unknown_job));
    else
      answer(it->second.row.view);
  });
}

void OperationRunner::change(std::string id, std::function<void(Operation&)> change, const Answer& answer) {
  post([this, id = std::move(id), change = std::move(change), answer](bool serve) {
    if (!serve) return answer(std::unexpected(ListError::busy));
    const auto it = operations_.find(id);
    if (it == operations_.end()) return answer(std::unexpected(ListError::unknown_job));
    if (!ended(it->second.row.view)) change(it->second);
    answer(it->second.row.view);
  });
}

void OperationRunner::cancel(std::string id, std::optional<Actor> actor, Answer answer) {
  change(
      std::move(id),
      [this, actor = std::move(actor)](Operation& operation) {
        end(operation, OperationView::State::cancelled, actor);
      },
      answer);
}

void OperationRunner::pause(std::string id, bool paused, std::optional<Actor> actor, Answer answer) {
  const auto state = paused ? OperationView::State::paused : OperationView::State::running;
  change(
      std::move(id),
      [this, state, actor = std::move(actor)](Operation& operation) {
        operation.row.view.state = state;
        AuditEntry entry = entry_of(operation.row.view, AuditEntry::Outcome::done);
        if (actor) entry.actor = *actor;
        entry.action = state == OperationView::State::paused ? "pause-operation" : "resume-operation";
        save(operation, entry);
      },
      answer);
}

void OperationRunner::list(ListAnswer answer) {
  post([this, answer = std::move(answer)](bool serve) {
    if (!serve) return answer(std::unexpected(ListError::busy));
    std::vector<OperationView> views;
    for (const auto& [id, operation] : operations_) views.push_back(operation.row.view);
    answer(std::move(views));
  });
}

void OperationRunner::run() {
  load();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::vector<Request> requests = std::exchange(requests_, {});
    lock.unlock();
    for (const Request& request : requests) request(true);
    for (auto& [id, operation] : operations_) {
      if (running(operation.row.view)) drive(operation);
    }
    answer_late(steady_clock::now());
    if (sweeper_.step_if_due(steady_clock::now())) forget_old();
    const Instant until = next_wake(steady_clock::now());
    lock.lock();
    wake_.wait_until(lock, until, [this] { return stopping_ || !requests_.empty(); });
  }
  const std::vector<Request> requests = std::exchange(requests_, {});
  lock.unlock();
  for (const Request& request : requests) request(false);
  for (auto& [id, operation] : operations_) {
    for (const Waiting& waiting : operation.waiting) waiting.answer(operation.row.view);
  }
}

void OperationRunner::drive(Operation& operation) {
  if (operation.row.view.spec.is_bulk() && !operation.row.view.counted) return count(operation);
  if (!look(operation)) return end(operation, OperationView::State::stopped);
  const std::size_t most = std::min(allowance(operation, steady_clock::now()), room_of(operation.row.view));
  if (most > 0) advance(operation, most);
}

// After those that it replayed, from time to time. False: too many failed again.
bool OperationRunner::look(Operation& operation) {
  OperationView& view = operation.row.view;
  const Instant now = steady_clock::now();
  if (!is_watched(view) || now < operation.looked + look_every) return true;
  operation.looked = now;
  const bool canary_out = !view.canary_passed;
  look_after(view, *port_.snapshot(), port_.wall());
  if (fails_too_often(view)) return false;
  // What was counted is written with the next slice; after a crash those are looked at again.
  if (canary_out && view.canary_passed) save(operation);
  return true;
}

OperationRunner::Instant OperationRunner::next_wake(Instant now) const {
  Instant until = sweeper_.next();
  for (const auto& [id, operation] : operations_) {
    for (const Waiting& waiting : operation.waiting) until = std::min(until, waiting.until);
    if (!running(operation.row.view)) continue;
    const double rate = operation.row.view.spec.per_second;
    const OperationSpec& spec = operation.row.view.spec;
    if (room_of(operation.row.view) == 0) {
      until = std::min(until, operation.looked + look_every);
      continue;
    }
    if (rate <= 0 || (spec.is_bulk() && !operation.row.view.counted)) return now;
    std::size_t recent = 0;
    for (const auto& [at, jobs] : operation.recent) recent += jobs;
    if (recent >= most_of(rate)) {
      until = std::min(until, operation.recent.front().first + window_of(rate) + milliseconds(1));
      continue;
    }
    if (operation.tokens >= 1) return now;
    const double seconds = std::min((1 - operation.tokens) / rate, 3600.0);
    until = std::min(until, operation.filled +
                                std::chrono::duration_cast<steady_clock::duration>(
                                    std::chrono::duration<double>(seconds)) +
                                milliseconds(1));
  }
  return until;
}

void OperationRunner::load() {
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  const auto scanned = snapshot->scan({family::operations, {}, std::string(17, '\xff')},
                                      [&](std::string_view key, std::string_view value) {
                                        Decoded<OperationRow> row = decode_operation(key, value);
                                        if (!row) {
                                          if (options_.warn)
                                            options_.warn(row.error().what + "; it is left as it is");
                                          return true;
                                        }
                                        Operation operation;
                                        operation.filled = steady_clock::now();
                                        operation.row = std::move(*row);
                                        // What was done just before the stop counts as if it were now.
                                        if (const double rate = operation.row.view.spec.per_second; rate > 0)
                                          operation.recent.emplace_back(operation.filled, most_of(rate));
                                        operations_[operation.row.view.id] = std::move(operation);
                                        return true;
                                      });
  if (!scanned && options_.warn) options_.warn("operations could not be read: " + scanned.error().message);
}

void OperationRunner::begin(OperationSpec spec, bool wait, const Answer& answer) {
  Operation operation;
  if (!spec.queue.empty()) {
    const auto reply = port_.ask(core::GetQueue{spec.queue});
    if (!reply) return answer(std::unexpected(reply.error()));
    const auto* queue = std::get_if<core::QueueView>(&*reply);
    if (queue == nullptr) return answer(std::unexpected(ListError::unknown_queue));
    operation.queue = queue->number;
  }
  if (!spec.into.empty()) {
    const auto reply = port_.ask(core::GetQueue{spec.into});
    if (!reply) return answer(std::unexpected(reply.error()));
    if (!std::holds_alternative<core::QueueView>(*reply))
      return answer(std::unexpected(ListError::unknown_target));
  }
  operation.filled = steady_clock::now();
  operation.row.view.started_at = port_.wall();
  operation.row.view.id = uuid_text(new_uuid(operation.row.view.started_at));
  operation.row.view.spec = std::move(spec);
  if (!save(operation, entry_of(operation.row.view, AuditEntry::Outcome::started)))
    return answer(std::unexpected(ListError::busy));
  if (wait)
    operation.waiting.push_back({answer, steady_clock::now() + wait_most});
  else
    answer(operation.row.view);
  operations_[operation.row.view.id] = std::move(operation);
}

bool OperationRunner::save(const Operation& operation, const std::optional<AuditEntry>& entry) {
  return port_.run([row = operation.row, entry](core::Machine&, BatchOutbox& outbox, core::Now now) {
    std::string value;
    encode_operation(row, value);
    outbox.batch.put(family::operations, parse_uuid(row.view.id)->view(), value);
    if (entry) outbox.put_audit(*entry, now.wall);
  });
}

void OperationRunner::end(Operation& operation, OperationView::State state,
                          const std::optional<Actor>& actor) {
  operation.row.view.state = state;
  operation.row.view.finished_at = port_.wall();
  AuditEntry entry =
      entry_of(operation.row.view, state == OperationView::State::done ? AuditEntry::Outcome::done
                                                                       : AuditEntry::Outcome::cancelled);
  if (actor) entry.actor = *actor;
  if (state == OperationView::State::stopped)
    entry.detail += (entry.detail.empty() ? "" : ", ") + std::string("stopped: too many failed again");
  save(operation, entry);
  for (const Waiting& waiting : std::exchange(operation.waiting, {})) waiting.answer(operation.row.view);
}

void OperationRunner::forget_old() {
  const Millis before = port_.wall() - keep_ended_ms;
  std::vector<std::string> old;
  for (const auto& [id, operation] : operations_) {
    if (ended(operation.row.view) && operation.row.view.finished_at < before) old.push_back(id);
  }
  if (old.empty()) return;
  for (const std::string& id : old) operations_.erase(id);
  port_.run([old = std::move(old)](core::Machine&, BatchOutbox& outbox, core::Now) {
    for (const std::string& id : old) outbox.batch.erase(family::operations, parse_uuid(id)->view());
  });
}

void OperationRunner::answer_late(Instant now) {
  for (auto& [id, operation] : operations_) {
    std::erase_if(operation.waiting, [&, &view = operation.row.view](const Waiting& waiting) {
      if (waiting.until > now) return false;
      waiting.answer(view);
      return true;
    });
  }
}

// How many jobs the rate allows now; what was not used adds up for a second at most, and no second sees more.
std::size_t OperationRunner::allowance(Operation& operation, Instant now) const {
  const double rate = operation.row.view.spec.per_second;
  if (rate <= 0) return slice_jobs;
  const std::chrono::duration<double> passed = now - operation.filled;
  operation.filled = now;
  operation.tokens = std::min(operation.tokens + passed.count() * rate, std::max(rate, 1.0));
  while (!operation.recent.empty() && operation.recent.front().first + window_of(rate) <= now)
    operation.recent.pop_front();
  std::size_t recent = 0;
  for (const auto& [at, jobs] : operation.recent) recent += jobs;
  const std::size_t most = most_of(rate);
  return std::min(
      {slice_jobs, static_cast<std::size_t>(std::max(operation.tokens, 0.0)), most - std::min(most, recent)});
}

void OperationRunner::advance(Operation& operation, std::size_t most) {
  if (!operation.queue && !operation.row.view.spec.is_bulk()) {
    const auto reply = port_.ask(core::GetQueue{operation.row.view.spec.queue});
    if (!reply) {
      rest(when_busy);
      return;
    }
    const auto* queue = std::get_if<core::QueueView>(&*reply);
    if (queue == nullptr) return end(operation, OperationView::State::done);  // deleted, its jobs with it
    operation.queue = queue->number;
  }
  const bool bulk = operation.row.view.spec.is_bulk();
  Slice slice = bulk ? read_bulk_slice(operation, most) : read_slice(operation, most);
  if (slice.failed) {
    if (options_.warn)
      options_.warn("operation " + operation.row.view.id + " could not read its jobs; it ends");
    return end(operation, OperationView::State::cancelled);
  }
  const bool last = slice.last;
  if (!carry_out(operation, std::move(slice))) return;
  if (last) end(operation, OperationView::State::done);
}

// Before the first job is changed, all that match are counted, so that what is left can be told.
void OperationRunner::count(Operation& operation) {
  OperationView& view = operation.row.view;
  const auto slice = read_bulk(port_, view, seen_of(operation.row.position), count_jobs, options_.value_at);
  if (!slice && slice.error() == ListError::busy) {
    rest(when_busy);
    return;
  }
  if (!slice) {
    if (options_.warn) options_.warn("operation " + view.id + " could not read its jobs; it ends");
    return end(operation, OperationView::State::cancelled);
  }
  view.found += slice->ids.size();
  view.counted = slice->last;
  operation.row.position = view.counted ? position_acting : position_counting;
  if (!view.counted && slice->seen) operation.row.position += slice->seen->view();
  save(operation);
}

OperationRunner::Slice OperationRunner::read_bulk_slice(const Operation& operation, std::size_t most) const {
  const OperationView& view = operation.row.view;
  Slice slice;
  slice.position = operation.row.position;
  const auto read = read_bulk(port_, view, seen_of(slice.position), most, options_.value_at);
  slice.failed = !read && read.error() != ListError::busy;
  if (!read) return slice;
  for (const JobId& id : read->ids) slice.commands.push_back(bulk_command(view.spec.action, id));
  slice.wanted = [filter = filter_of(view.spec), until = view.started_at,
                  &value_at = options_.value_at](const core::Job& job) {
    return job.created_at <= until && matches(filter, job, value_at);
  };
  slice.position = position_acting;
  if (read->seen) slice.position += read->seen->view();
  slice.last = read->last;
  return slice;
}

OperationRunner::Slice OperationRunner::read_slice(const Operation& operation, std::size_t most) const {
  const OperationView& view = operation.row.view;
  const bool drain = view.spec.action == OperationSpec::Action::drain;
  Slice slice;
  slice.position = operation.row.position;
  if (slice.position.empty()) slice.position = drain ? position_ready : position_dead;
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  const Millis now_wall = port_.wall();
  std::size_t rows = 0;
  bool more = false;
  const auto visit = [&](core::Place place, std::string_view key, std::string_view value) {
    if (slice.commands.size() >= most || rows++ >= slice_rows) {
      more = true;
      return false;
    }
    slice.position.resize(1);
    slice.position += key;
    const Decoded<core::Job> job = decode_job(place, key, value);
    slice.failed = slice.failed || !job;
    if (!job) return false;
    // What came later than the operation is not its own: a job that dies again must not run in circles.
    const Millis since = drain ? job->created_at : job->finished_at;
    if (since > view.started_at || expired(job->expires_at, now_wall)) return true;
    if (!matches(view.spec.filter, *job, options_.value_at)) return true;
    if (drain)
      slice.commands.emplace_back(core::Cancel{job->id});
    else if (view.spec.action == OperationSpec::Action::purge)
      slice.commands.emplace_back(core::Delete{job->id, core::Status::failed});
    else
      slice.commands.emplace_back(replay_of(job->id, view.spec.into));
    return true;
  };
  while (!more && !slice.failed) {
    const char letter = slice.position[0];
    const core::Place place = letter == position_ready    ? core::Place::ready
                              : letter == position_parked ? core::Place::parked
                                                          : core::Place::dead;
    storage::Range range{family_of(place), queue_key(*operation.queue).str(),
                         queue_end(*operation.queue).str()};
    if (slice.position.size() > 1) range.begin = slice.position.substr(1) + '\0';
    const auto scanned = snapshot->scan(
        range, [&](std::string_view key, std::string_view value) { return visit(place, key, value); });
    slice.failed = slice.failed || !scanned;
    if (more || slice.failed) break;
    if (letter != position_ready) {
      slice.last = true;
      break;
    }
    slice.position = position_parked;
  }
  return slice;
}

// The changes of a slice and the row that says so are one batch. False: the engine did not take it; the
// operation stands where it stood.
bool OperationRunner::carry_out(Operation& operation, Slice slice) {
  const OperationSpec& spec = operation.row.view.spec;
  const auto together = std::make_shared<Together>();
  for (const core::CommandBody& command : slice.commands) together->jobs.push_back(job_of(command));
  const std::size_t jobs = together->jobs.size();
  together->commands = std::move(slice.commands);
  together->wanted = std::move(slice.wanted);
  // Drain spares what runs.
  if (spec.action == OperationSpec::Action::drain)
    together->wanted = [](const core::Job& job) { return job.status != core::Status::active; };
  const auto row = std::make_shared<OperationRow>(operation.row);
  row->position = std::move(slice.position);
  const bool ran = port_.run(
      [row, together](core::Machine&, BatchOutbox& outbox, core::Now) {
        for (std::size_t i = 0; i < together->jobs.size(); ++i)
          note(row->view, together->jobs[i], together->replies[i]);
        std::string value;
        encode_operation(*row, value);
        outbox.batch.put(family::operations, parse_uuid(row->view.id)->view(), value);
      },
      together);
  if (!ran) {
    rest(when_busy);
    return false;
  }
  operation.tokens -= static_cast<double>(jobs);
  // Not before the batch was made: the later moment keeps more back.
  if (spec.per_second > 0 && jobs > 0) operation.recent.emplace_back(steady_clock::now(), jobs);
  operation.row = std::move(*row);
  return true;
}

// False: the thread shall stop.
bool OperationRunner::rest(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

}  // namespace pawl::engine
