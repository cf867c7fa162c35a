#include "broker/engine/operation_runner.h"

#include <algorithm>
#include <random>
#include <utility>

namespace pawl::engine {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds wait_most{2000};

std::uint64_t random_word() {
  thread_local std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

OperationDriver::Options driver_options(const OperationRunner::Options& options) {
  OperationDriver::Options out;
  out.value_at = options.value_at;
  out.warn = options.warn;
  out.now = steady_clock::now;
  out.random = random_word;
  return out;
}

}  // namespace

OperationRunner::OperationRunner(Port& port, Options options)
    : driver_(port, driver_options(options)),
      sweeper_(port, options.sweep_every),
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
    if (!serve) return answer(std::unexpected(ListError::busy));
    auto started = driver_.start(std::move(spec));
    if (!started || !wait) return answer(std::move(started));
    waiting_.push_back({started->id, std::move(answer), steady_clock::now() + wait_most});
  });
}

void OperationRunner::get(std::string id, Answer answer) {
  post([this, id = std::move(id), answer = std::move(answer)](bool serve) {
    answer(serve ? driver_.get(id) : std::unexpected(ListError::busy));
  });
}

void OperationRunner::cancel(std::string id, std::optional<Actor> actor, Answer answer) {
  post([this, id = std::move(id), actor = std::move(actor), answer = std::move(answer)](bool serve) {
    answer(serve ? driver_.cancel(id, actor) : std::unexpected(ListError::busy));
  });
}

void OperationRunner::pause(std::string id, bool paused, std::optional<Actor> actor, Answer answer) {
  post([this, id = std::move(id), paused, actor = std::move(actor), answer = std::move(answer)](bool serve) {
    answer(serve ? driver_.pause(id, paused, actor) : std::unexpected(ListError::busy));
  });
}

void OperationRunner::list(ListAnswer answer) {
  post([this, answer = std::move(answer)](bool serve) {
    if (!serve) return answer(std::unexpected(ListError::busy));
    answer(driver_.list());
  });
}

void OperationRunner::run() {
  driver_.load();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::vector<Request> requests = std::exchange(requests_, {});
    lock.unlock();
    for (const Request& request : requests) request(true);
    driver_.drive();
    answer_waiting(steady_clock::now(), false);
    if (sweeper_.step_if_due(steady_clock::now())) driver_.forget_old();
    const Instant until = next_wake();
    lock.lock();
    wake_.wait_until(lock, until, [this] { return stopping_ || !requests_.empty(); });
  }
  const std::vector<Request> requests = std::exchange(requests_, {});
  lock.unlock();
  for (const Request& request : requests) request(false);
  answer_waiting(steady_clock::now(), true);
}

// Those whose operation has ended, and those who have waited long enough.
void OperationRunner::answer_waiting(Instant now, bool all) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const auto view = driver_.get(waiting.operation);
    if (!all && waiting.until > now && view && !has_ended(*view)) return false;
    waiting.answer(view);
    return true;
  });
}

OperationRunner::Instant OperationRunner::next_wake() const {
  Instant until = sweeper_.next();
  if (const auto next = driver_.next()) until = std::min(until, *next);
  for (const Waiting& waiting : waiting_) until = std::min(until, waiting.until);
  return until;
}

}  // namespace pawl::engine
