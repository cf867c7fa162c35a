#include "broker/engine/operation_runner.h"

#include <algorithm>
#include <random>
#include <utility>

namespace pawl::engine {

using core::JobId;
using core::Millis;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t slice_jobs = 256;
constexpr std::size_t slice_rows = 20'000;  // seen for one slice, when the filter refuses most
constexpr milliseconds wait_most{2000};
constexpr milliseconds sweep_every{600'000};
constexpr milliseconds sweep_step_every{100};
constexpr milliseconds when_busy{20};
constexpr Millis keep_ended_ms = 7 * 86'400'000ll;

JobId new_uuid(Millis wall) {
  std::random_device device;
  const auto word = [&] { return std::uint64_t{device()} << 32 | device(); };
  const std::uint64_t high = static_cast<std::uint64_t>(wall) << 16 | 0x7000 | (word() & 0xfff);
  return JobId::from_words(high, (word() >> 2) | 0x8000000000000000ull);
}

bool running(const OperationView& view) { return view.state == OperationView::State::running; }

// Positions: a letter for the place, then the key of the last row that was looked at.
constexpr char position_ready = 'r';
constexpr char position_parked = 'p';
constexpr char position_dead = 'd';

}  // namespace

OperationRunner::OperationRunner(Port& port, std::function<void(const std::string&)> warn)
    : port_(port),
      warn_(std::move(warn)),
      sweep_(port),
      next_sweep_(steady_clock::now() + sweep_every),
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

void OperationRunner::cancel(std::string id, Answer answer) {
  post([this, id = std::move(id), answer = std::move(answer)](bool serve) {
    if (!serve) return answer(std::unexpected(ListError::busy));
    const auto it = operations_.find(id);
    if (it == operations_.end()) return answer(std::unexpected(ListError::unknown_job));
    if (running(it->second.row.view)) end(it->second, OperationView::State::cancelled);
    answer(it->second.row.view);
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
      if (!running(operation.row.view)) continue;
      const std::size_t most = allowance(operation, steady_clock::now());
      if (most > 0) advance(operation, most);
    }
    answer_late(steady_clock::now());
    if (steady_clock::now() >= next_sweep_) {
      const bool over = sweep_.step();
      next_sweep_ = steady_clock::now() + (over ? sweep_every : sweep_step_every);
      if (over) forget_old();
    }
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

OperationRunner::Instant OperationRunner::next_wake(Instant now) const {
  Instant until = next_sweep_;
  for (const auto& [id, operation] : operations_) {
    for (const Waiting& waiting : operation.waiting) until = std::min(until, waiting.until);
    if (!running(operation.row.view)) continue;
    const double rate = operation.row.view.spec.per_second;
    if (rate <= 0 || operation.tokens >= 1) return now;
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
                                          if (warn_) warn_(row.error().what + "; it is left as it is");
                                          return true;
                                        }
                                        Operation operation;
                                        operation.filled = steady_clock::now();
                                        operation.row = std::move(*row);
                                        operations_[operation.row.view.id] = std::move(operation);
                                        return true;
                                      });
  if (!scanned && warn_) warn_("operations could not be read: " + scanned.error().message);
}

void OperationRunner::begin(OperationSpec spec, bool wait, const Answer& answer) {
  const auto reply = port_.ask(core::GetQueue{spec.queue});
  if (!reply) return answer(std::unexpected(reply.error()));
  const auto* queue = std::get_if<core::QueueView>(&*reply);
  if (queue == nullptr) return answer(std::unexpected(ListError::unknown_queue));
  Operation operation;
  operation.queue = queue->number;
  operation.filled = steady_clock::now();
  operation.row.view.started_at = port_.wall();
  operation.row.view.id = uuid_text(new_uuid(operation.row.view.started_at));
  operation.row.view.spec = std::move(spec);
  if (!save(operation)) return answer(std::unexpected(ListError::busy));
  if (wait)
    operation.waiting.push_back({answer, steady_clock::now() + wait_most});
  else
    answer(operation.row.view);
  operations_[operation.row.view.id] = std::move(operation);
}

bool OperationRunner::save(const Operation& operation) {
  return port_.run([row = operation.row](core::Machine&, BatchOutbox& outbox, core::Now) {
    std::string value;
    encode_operation(row, value);
    outbox.batch.put(family::operations, parse_uuid(row.view.id)->view(), value);
  });
}

void OperationRunner::end(Operation& operation, OperationView::State state) {
  operation.row.view.state = state;
  operation.row.view.finished_at = port_.wall();
  save(operation);
  for (const Waiting& waiting : std::exchange(operation.waiting, {})) waiting.answer(operation.row.view);
}

void OperationRunner::forget_old() {
  const Millis before = port_.wall() - keep_ended_ms;
  std::vector<std::string> old;
  for (const auto& [id, operation] : operations_) {
    if (!running(operation.row.view) && operation.row.view.finished_at < before) old.push_back(id);
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

// How many jobs the rate allows now; what was not used adds up for a second at most.
std::size_t OperationRunner::allowance(Operation& operation, Instant now) const {
  const double rate = operation.row.view.spec.per_second;
  if (rate <= 0) return slice_jobs;
  const std::chrono::duration<double> passed = now - operation.filled;
  operation.filled = now;
  operation.tokens = std::min(operation.tokens + passed.count() * rate, std::max(rate, 1.0));
  return std::min(slice_jobs, static_cast<std::size_t>(operation.tokens));
}

void OperationRunner::advance(Operation& operation, std::size_t most) {
  if (!operation.queue) {
    const auto reply = port_.ask(core::GetQueue{operation.row.view.spec.queue});
    if (!reply) {
      pause(when_busy);
      return;
    }
    const auto* queue = std::get_if<core::QueueView>(&*reply);
    if (queue == nullptr) return end(operation, OperationView::State::done);  // deleted, its jobs with it
    operation.queue = queue->number;
  }
  Slice slice = read_slice(operation, most);
  if (slice.failed) {
    if (warn_) warn_("operation " + operation.row.view.id + " could not read its jobs; it ends");
    return end(operation, OperationView::State::cancelled);
  }
  const bool last = slice.last;
  if (!carry_out(operation, std::move(slice))) return;
  if (last)
    end(operation, OperationView::State::done);
  else
    save(operation);
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
    if (view.spec.name && job->name != *view.spec.name) return true;
    if (view.spec.error_type && (job->errors.empty() || job->errors.back().type != *view.spec.error_type))
      return true;
    if (drain)
      slice.commands.emplace_back(core::Cancel{job->id});
    else if (view.spec.action == OperationSpec::Action::purge)
      slice.commands.emplace_back(core::Delete{job->id, core::Status::failed});
    else
      slice.commands.emplace_back(core::Retry{job->id, core::Status::failed});
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

// False when the thread shall stop before all was carried out; the row on disk still stands before the slice.
bool OperationRunner::carry_out(Operation& operation, Slice slice) {
  const bool drain = operation.row.view.spec.action == OperationSpec::Action::drain;
  operation.tokens -= static_cast<double>(slice.commands.size());
  while (!slice.commands.empty()) {
    const std::vector<core::CommandBody> asked = slice.commands;
    const std::vector<std::optional<core::Reply>> replies = port_.ask_all(std::move(slice.commands), drain);
    slice.commands.clear();
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (!replies[i])
        slice.commands.push_back(asked[i]);
      else if (std::holds_alternative<core::Refused>(*replies[i]))
        ++operation.row.view.skipped;
      else
        ++operation.row.view.done;
    }
    if (!slice.commands.empty() && !pause(when_busy)) return false;
  }
  operation.row.position = std::move(slice.position);
  return true;
}

// False: the thread shall stop.
bool OperationRunner::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

}  // namespace pawl::engine
