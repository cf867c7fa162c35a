#include "broker/engine/history_keeper.h"

#include <pthread.h>

#include <utility>

namespace pawl::engine {

using core::Millis;
using core::QueueNumber;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {
constexpr std::size_t requests_max = 256;
constexpr Millis after_second_ms = 5;  // so that the wall has surely passed it
}  // namespace

HistoryKeeper::HistoryKeeper(Port& port, Meters& meters, std::function<void(const std::string&)> warn,
                             bool gathers)
    : port_(port),
      meters_(meters),
      warn_(std::move(warn)),
      gathers_(gathers),
      written_at_(steady_clock::now()) {
  if (!gathers_) return;
  meters_.collect([this] {
    const std::lock_guard lock(mutex_);
    stirred_ = true;
    wake_.notify_all();
  });
  thread_ = std::thread([this] { run(); });
}
HistoryKeeper::~HistoryKeeper() { stop(); }

void HistoryKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  meters_.collect(nullptr);
}

void HistoryKeeper::read(HistoryQuery query, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    if (gathers_ && !stopping_ && requests_.size() < requests_max) {
      requests_.push_back([this, query = std::move(query), answer = std::move(answer)](bool serve) {
        if (serve)
          answer_read(query, answer);
        else
          answer(std::unexpected(ListError::busy));
      });
      wake_.notify_all();
      return;
    }
  }
  answer(std::unexpected(ListError::busy));
}

void HistoryKeeper::run() {
  pthread_setname_np(pthread_self(), "pawl-history");
  recover();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::vector<Request> requests = std::exchange(requests_, {});
    lock.unlock();
    for (const Request& request : requests) request(true);
    lock.lock();
    if (stopping_) break;
    const Instant until = next_wake(stirred_);
    if (steady_clock::now() < until) {
      const bool knew = stirred_;
      const auto something = [&] { return stopping_ || !requests_.empty() || stirred_ != knew; };
      if (until == Instant::max())
        wake_.wait(lock, something);
      else
        wake_.wait_until(lock, until, something);
      continue;
    }
    stirred_ = false;
    due_ = core::never;
    lock.unlock();
    meters_.rest();
    gather();
    if (steady_clock::now() >= written_at_ + write_every) write();
    lock.lock();
  }
  const std::vector<Request> requests = std::exchange(requests_, {});
  lock.unlock();
  for (const Request& request : requests) request(false);
  gather(true);
  write();
}

// When the second is over in which something happened; else when what is gathered must be written or a minute
// ends.
HistoryKeeper::Instant HistoryKeeper::next_wake(bool stirred) {
  const Instant now = steady_clock::now();
  const Millis wall = port_.wall();
  if (!stirred) due_ = core::never;
  if (stirred && due_ == core::never) due_ = wall - wall % second_ms + second_ms;
  const Millis due = std::min(due_, book_.minute_ends());
  Instant until = Instant::max();
  if (due != core::never)
    until = due + after_second_ms <= wall ? now : now + milliseconds(due + after_second_ms - wall);
  if (!book_.unwritten().empty()) until = std::min(until, std::max(now, written_at_ + write_every));
  return until;
}

void HistoryKeeper::recover() {
  const auto recovered = book_.recover(*port_.snapshot(), port_.wall());
  if (!recovered && warn_) warn_("the history could not be read: " + recovered.error().message);
}

// Everything that the engine did before this has been told when it returns.
bool HistoryKeeper::look(const std::vector<QueueNumber>& queues, Look& into) {
  const auto seen = std::make_shared<Look>();
  for (const QueueNumber queue : queues) seen->depths[static_cast<std::uint32_t>(queue)] = {};
  const bool ran = port_.run([seen](core::Machine& machine, BatchOutbox&, core::Now now) {
    seen->wall = now.wall;
    Depth& all = seen->depths[0];
    machine.each_queue([&](const core::QueueRow& row) {
      for (std::size_t i = 0; i < core::status_count; ++i) all[i] += row.counts[i];
      const auto wanted = seen->depths.find(static_cast<std::uint32_t>(row.number));
      if (wanted != seen->depths.end()) wanted->second = row.counts;
    });
  });
  if (ran) into = std::move(*seen);
  return ran;
}

void HistoryKeeper::gather(bool all) {
  std::vector<QueueNumber> queues = book_.queues();
  const std::vector<QueueNumber> moving = meters_.moving();
  queues.insert(queues.end(), moving.begin(), moving.end());
  Look now;
  if (!look(queues, now)) return;
  const Millis before = now.wall - now.wall % second_ms;
  const std::vector<Traffic> traffic = meters_.take(all ? core::never : before);
  // A queue that began to move while the engine was asked.
  bool all_known = true;
  for (const Traffic& one : traffic) {
    if (now.depths.contains(static_cast<std::uint32_t>(one.queue))) continue;
    all_known = false;
    queues.push_back(one.queue);
  }
  if (!all_known) look(queues, now);
  book_.close(before, traffic, now.depths);
  newest_ = std::move(now.depths);
}

void HistoryKeeper::write() {
  written_at_ = steady_clock::now();
  if (book_.unwritten().empty()) return;
  auto rows = std::make_shared<std::vector<std::pair<std::string, std::string>>>();
  for (const auto& [key, row] : book_.unwritten()) {
    rows->emplace_back(key, std::string());
    encode_history(row, rows->back().second);
  }
  const bool written = port_.run([rows](core::Machine&, BatchOutbox& outbox, core::Now) {
    for (const auto& [key, value] : *rows) outbox.batch.put(family::history, key, value);
  });
  if (written) book_.written();
}

void HistoryKeeper::answer_read(const HistoryQuery& query, const Answer& answer) {
  QueueNumber queue{};
  Depth depth{};
  if (!query.queue.empty()) {
    const auto reply = port_.ask(core::GetQueue{query.queue});
    if (!reply) return answer(std::unexpected(reply.error()));
    const auto* view = std::get_if<core::QueueView>(&*reply);
    if (view == nullptr) return answer(std::unexpected(ListError::unknown_queue));
    queue = view->number;
    depth = view->counts;
  }
  gather();
  if (query.queue.empty()) depth = newest_[0];
  const auto read = book_.read(*port_.snapshot(), queue, query, port_.wall(), meters_.open_traffic(), depth);
  if (!read) {
    if (warn_) warn_("the history could not be read: " + read.error().message);
    return answer(std::unexpected(ListError::store));
  }
  answer(std::move(*read));
}

}  // namespace pawl::engine
