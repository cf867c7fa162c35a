#include "client/src/coalescer.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <string_view>

#include "client/src/problem.h"

namespace pawl::client {
namespace {

constexpr std::size_t calls_max = 2;        // under way at once
constexpr std::size_t halved_jobs_min = 8;  // a shorter line is not worth two calls

}  // namespace

Coalescer::~Coalescer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  sender_turned_.notify_one();
  if (sender_.joinable()) sender_.join();
}

Coalescer::Answer Coalescer::submit(std::string body) {
  Waiter self;
  std::unique_lock lock(mutex_);
  line_.push_back({std::move(body), &self});
  if (under_way_) self.turned.wait(lock, [&] { return self.answer || self.leads; });
  if (!self.answer) {
    under_way_ = true;
    lead(lock, false);
  }
  return std::move(*self.answer);
}

void Coalescer::submit_async(std::string body, Done done) {
  const std::lock_guard lock(mutex_);
  line_.push_back({std::move(body), nullptr, std::move(done)});
  if (!sender_.joinable()) sender_ = std::thread([this] { run_sender(); });
  if (!under_way_) hand_on();
}

std::size_t Coalescer::waiting() const {
  const std::lock_guard lock(mutex_);
  return line_.size();
}

void Coalescer::hand_on() {
  under_way_ = !line_.empty();
  if (!under_way_) return;
  if (Waiter* next = line_.front().waiter) {
    next->leads = true;
    next->turned.notify_one();
  } else {
    sender_leads_ = true;
    sender_turned_.notify_one();
  }
}

void Coalescer::run_sender() {
  std::unique_lock lock(mutex_);
  for (;;) {
    sender_turned_.wait(lock, [&] { return sender_leads_ || (ending_ && line_.empty() && !under_way_); });
    if (!sender_leads_) return;
    sender_leads_ = false;
    lead(lock, true);
  }
}

void Coalescer::lead(std::unique_lock<std::mutex>& lock, bool follow) {
  std::deque<Call> calls;
  do {
    while (const std::size_t jobs = follow ? worth_sending(calls) : limits_.jobs) {
      calls.push_back(begin(lock, jobs));
      if (!follow) break;
    }
    if (calls.empty()) break;
    Call oldest = std::move(calls.front());
    calls.pop_front();
    finish(lock, std::move(oldest));
  } while (follow);
  hand_on();
}

std::size_t Coalescer::worth_sending(const std::deque<Call>& under_way) const {
  // A caller that waits leads the next call himself, once those under way are answered.
  if (line_.empty() || under_way.size() == calls_max) return 0;
  if (line_.front().waiter != nullptr && under_way.empty()) return 0;
  const std::size_t jobs = line_.size();
  if (under_way.empty()) return jobs < halved_jobs_min ? jobs : (jobs + 1) / 2;
  return jobs * 2 >= under_way.front().entries.size() ? jobs : 0;
}

Coalescer::Call Coalescer::begin(std::unique_lock<std::mutex>& lock, std::size_t most) {
  // The leader stands at the head: whoever led before took everything in front of it, or there was no leader.
  Call call;
  std::vector<std::string> bodies;
  std::size_t bytes = 0;
  while (!line_.empty() && call.entries.size() < std::min(most, limits_.jobs)) {
    bytes += line_.front().body.size();
    if (!call.entries.empty() && bytes > limits_.bytes) break;
    call.entries.push_back(std::move(line_.front()));
    bodies.push_back(std::move(call.entries.back().body));
    line_.pop_front();
  }
  lock.unlock();
  try {
    call.finish = begin_(std::move(bodies));
  } catch (const std::exception& error) {
    call.finish = [jobs = call.entries.size(), why = local_error(ErrorKind::connection, error.what())] {
      return Answers(jobs, std::unexpected(why));
    };
  }
  lock.lock();
  return call;
}

void Coalescer::finish(std::unique_lock<std::mutex>& lock, Call call) {
  lock.unlock();
  Answers answers;
  try {
    answers = call.finish();
  } catch (const std::exception& error) {
    answers.assign(call.entries.size(), std::unexpected(local_error(ErrorKind::connection, error.what())));
  }
  while (answers.size() < call.entries.size()) {
    answers.emplace_back(
        std::unexpected(local_error(ErrorKind::broker, "the broker answered fewer jobs than were sent")));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (call.entries[i].done) call.entries[i].done(std::move(answers[i]));
  }
  lock.lock();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (call.entries[i].done) continue;
    call.entries[i].waiter->answer = std::move(answers[i]);
    call.entries[i].waiter->turned.notify_one();
  }
}

namespace {

using Bodies = std::vector<const std::string*>;
using Post = std::function<Result<std::vector<Enqueued>>(const Bodies&)>;

// "/jobs/3/queue" → 3, and the pointer becomes "/queue".
std::optional<std::size_t> take_index(std::string& pointer) {
  constexpr std::string_view prefix = "/jobs/";
  if (!pointer.starts_with(prefix)) return std::nullopt;
  std::size_t index = 0;
  const char* end = pointer.data() + pointer.size();
  const auto [stop, error] = std::from_chars(pointer.data() + prefix.size(), end, index);
  if (error != std::errc{} || (stop != end && *stop != '/')) return std::nullopt;
  pointer.erase(0, static_cast<std::size_t>(stop - pointer.data()));
  return index;
}

// Which jobs of a refused batch are named by its field errors, with those errors.
std::map<std::size_t, Error> blamed(const Error& refusal, std::size_t jobs) {
  std::map<std::size_t, Error> out;
  for (FieldError field : refusal.errors) {
    const auto index = take_index(field.pointer);
    if (!index || *index >= jobs) continue;
    auto [at, fresh] = out.try_emplace(*index, refusal);
    if (fresh) at->second.errors.clear();
    at->second.errors.push_back(std::move(field));
  }
  return out;
}

struct Isolation {
  const std::vector<std::string>& bodies;
  const Post& post;
  std::vector<Coalescer::Answer>& answers;

  void submit(std::vector<std::size_t> which) {
    if (which.empty()) return;
    Bodies batch;
    for (const std::size_t i : which) batch.push_back(&bodies[i]);
    auto result = post(batch);
    if (result && result->size() == which.size()) {
      for (std::size_t i = 0; i < which.size(); ++i) answers[which[i]] = std::move((*result)[i]);
      return;
    }
    if (result)
      result = std::unexpected(
          local_error(ErrorKind::broker, "the broker answered not as many jobs as were sent"));
    const Error& error = result.error();
    const bool for_content = error.kind == ErrorKind::invalid || error.kind == ErrorKind::too_large;
    if (!for_content || which.size() == 1) {
      for (const std::size_t i : which) answers[i] = std::unexpected(error);
      return;
    }
    divide(which, error);
  }

  void divide(const std::vector<std::size_t>& which, const Error& error) {
    std::vector<std::size_t> rest;
    const auto wrong = blamed(error, which.size());
    for (std::size_t i = 0; i < which.size(); ++i) {
      if (const auto found = wrong.find(i); found != wrong.end()) {
        answers[which[i]] = std::unexpected(found->second);
      } else {
        rest.push_back(which[i]);
      }
    }
    if (!wrong.empty()) return submit(std::move(rest));
    const auto half = rest.begin() + static_cast<std::ptrdiff_t>(rest.size() / 2);
    submit({rest.begin(), half});
    submit({half, rest.end()});
  }
};

}  // namespace

std::vector<Coalescer::Answer> submit_isolating(const std::vector<std::string>& bodies, const Post& post) {
  std::vector<Coalescer::Answer> answers(bodies.size(), Enqueued{});
  std::vector<std::size_t> all(bodies.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  Isolation{bodies, post, answers}.submit(std::move(all));
  return answers;
}

}  // namespace pawl::client
