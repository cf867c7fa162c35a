#include "client/src/worker_session.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "client/src/problem.h"
#include "client/wire/json_text.h"

namespace pawl::client {
namespace {

using namespace std::chrono_literals;

// Settle frames that may wait for their confirmation at once: what comes meanwhile travels together, so that
// a busy worker sends a few full frames for each fsync of the broker and an idle one sends at once.
constexpr std::size_t settle_frames_max = 4;
// A frame with fewer waits until no other is under way: each takes the broker a turn, and a turn a sync.
constexpr std::size_t settlements_worth_a_frame = 100;
constexpr std::size_t never_enough = std::numeric_limits<std::size_t>::max();
constexpr std::size_t frame_bytes_max = 256u << 10;
constexpr std::size_t frame_settlements_max = 1'000;
constexpr std::size_t frame_progress_bytes_max = 64u << 10;  // of messages; six times that when escaped
constexpr unsigned credit_most = 4'000;
constexpr std::chrono::microseconds prefetch_work{10'000};  // what waits behind each thread, as time
constexpr milliseconds busy_tick{100};
constexpr milliseconds idle_tick{250};  // short enough for the shortest lease, 1 s, beaten at a third
constexpr milliseconds progress_every{100};
constexpr milliseconds stop_grace{5'000};   // for handlers to notice their stop tokens
constexpr milliseconds final_grace{2'000};  // for the last words, and for the broker to close
constexpr int close_too_big = 1009;

void put_id(std::string& out, std::uint64_t id) {
  out += R"("id":)";
  wire::append_json_integer(out, id);
}

void put_lease(std::string& out, const HeldJob& job) {
  out += R"("jobId":")";
  out += job.id;
  out += R"(","leaseId":")";
  out += job.lease_id;
  out += '"';
}

}  // namespace

WorkerSession::WorkerSession(Setup setup, std::shared_ptr<Outbox> outbox, Pool& pool)
    : setup_(std::move(setup)),
      outbox_(std::move(outbox)),
      pool_(pool),
      waits_(setup_.options.reconnect_delay, setup_.options.reconnect_delay_max, std::random_device{}()) {}

void WorkerSession::on_open() {
  phase_ = Phase::opened;
  hello_due_ = true;
  say_again_at_.reset();
}

std::optional<milliseconds> WorkerSession::on_down(const Error& why) {
  const bool was_up = phase_ == Phase::welcomed;
  phase_ = Phase::down;
  if (why.status == close_too_big) drop_oversized();
  // In the order of their frames, before whatever still waited from an earlier break.
  for (auto at = under_way_.rbegin(); at != under_way_.rend(); ++at) again_.push_front(std::move(at->second));
  under_way_.clear();
  beats_under_way_.clear();

  if (draining_ && all_said()) {
    finished_ = true;
    return std::nullopt;
  }
  const bool never = why.kind == ErrorKind::unauthorized || why.kind == ErrorKind::invalid ||
                     why.kind == ErrorKind::not_found || why.kind == ErrorKind::usage;
  if (never && !ever_welcomed_) {
    fatal_ = why;
    finished_ = true;
    return std::nullopt;
  }
  const milliseconds wait = waits_.next();
  notice((was_up ? "connection lost: " : "no connection: ") + why.text() + "; next try in " +
         std::to_string(wait.count()) + " ms, " + std::to_string(held_.size()) + " jobs held");
  return wait;
}

void WorkerSession::on_signal() {
  if (drain_asked_ || draining_) stop();
  drain();
  notice(stop_asked_ ? "second signal: stopping" : "signal: draining, no new jobs");
}

milliseconds WorkerSession::on_tick() {
  const auto now = clock::now();
  if ((drain_asked_ || stop_asked_) && !draining_) begin_drain(now);
  if (draining_) advance_drain(now);
  return held_.empty() && !draining_ ? idle_tick : busy_tick;
}

// ---- out

std::string WorkerSession::next_message() {
  for (;;) {
    enough_ = 1;
    std::string message = due_message();
    // Until it is welcomed nothing is taken; the welcome wakes it.
    if (!message.empty() || phase_ != Phase::welcomed) return message;
    // What has to be said again goes with the next end, if that comes before the tick.
    if (outbox_->rest(again_.empty() ? enough_ : 1)) return message;
  }
}

std::string WorkerSession::due_message() {
  const auto now = clock::now();
  if ((drain_asked_ || stop_asked_) && !draining_) begin_drain(now);
  if (say_again_at_ && now >= *say_again_at_) {
    say_again_at_.reset();
    if (phase_ == Phase::opened) {
      hello_due_ = true;
    } else if (draining_) {
      bye_due_ = true;
    } else {
      told_credit_.forget();
    }
  }
  if (std::exchange(hello_due_, false)) return hello();
  if (phase_ != Phase::welcomed) return {};

  // Before what is given back: the broker would give a released job to this worker again.
  if (std::exchange(bye_due_, false)) return R"({"type":"bye"})";
  // Heartbeats before settlements, which a busy worker always has.
  if (auto beats = heartbeat(now); !beats.empty()) return beats;
  collect();
  if (auto parcel = next_parcel(now)) return send(std::move(*parcel));
  if (!draining_) {
    const unsigned wanted = wanted_credit();
    if (told_credit_.is_due(wanted, now)) return credit(wanted);
  }
  return {};
}

std::string WorkerSession::hello() {
  std::string out = R"({"type":"hello","workerId":)";
  append_quoted(out, setup_.options.worker_id);
  if (!setup_.options.host.empty()) append_quoted(out += R"(,"host":)", setup_.options.host);
  if (!setup_.options.version.empty()) append_quoted(out += R"(,"version":)", setup_.options.version);
  out += R"(,"queues":[)";
  for (const WorkerQueue& queue : setup_.options.queues) {
    if (out.back() != '[') out += ',';
    out += R"({"queue":)";
    append_quoted(out, queue.name);
    out += R"(,"weight":)";
    wire::append_json_integer(out, std::uint64_t{queue.weight});
    out += '}';
  }
  out += ']';
  if (!setup_.names.empty()) {
    out += R"(,"names":[)";
    for (const std::string& name : setup_.names) {
      if (out.back() != '[') out += ',';
      append_quoted(out, name);
    }
    out += ']';
  }
  told_credit_.tell(draining_ ? 0 : wanted_credit());
  out += R"(,"credit":)";
  wire::append_json_integer(out, std::uint64_t{told_credit_.value()});
  if (!held_.empty()) {
    out += R"(,"leases":[)";
    for (const auto& [id, job] : held_) {
      if (out.back() != '[') out += ',';
      out += '{';
      put_lease(out, *job);
      out += '}';
    }
    out += ']';
  }
  out += '}';
  return out;
}

std::string WorkerSession::credit(unsigned wanted) {
  told_credit_.tell(wanted);
  std::string out = R"({"type":"credit","credit":)";
  wire::append_json_integer(out, std::uint64_t{wanted});
  out += '}';
  return out;
}

unsigned WorkerSession::wanted_credit() const {
  const unsigned threads = setup_.options.concurrency;
  std::uint64_t more = 0;
  if (setup_.options.prefetch) {
    more = *setup_.options.prefetch;
  } else {
    const auto mean = std::max(pool_.mean_run(), std::chrono::microseconds{1});
    more = threads * static_cast<std::uint64_t>(prefetch_work / mean);
  }
  return static_cast<unsigned>(std::min<std::uint64_t>(threads + more, credit_most));
}

void WorkerSession::collect() {
  auto came = outbox_->take();
  std::move(came.settlements.begin(), came.settlements.end(), std::back_inserter(pending_.settlements));
  std::move(came.logs.begin(), came.logs.end(), std::back_inserter(pending_.logs));
}

std::optional<WorkerSession::Parcel> WorkerSession::next_parcel(clock::time_point now) {
  if (!again_.empty() && now >= again_at_) {
    Parcel parcel = std::move(again_.front());
    again_.pop_front();
    return parcel;
  }
  if (!pending_.logs.empty()) {
    Parcel parcel;
    parcel.logs = std::move(pending_.logs.front());
    pending_.logs.erase(pending_.logs.begin());
    return parcel;
  }
  if (under_way_.size() >= settle_frames_max) {
    enough_ = never_enough;
    return std::nullopt;
  }
  const bool settling =
      std::ranges::any_of(under_way_, [](const auto& sent) { return !sent.second.logs.has_value(); });
  if (settling && pending_.settlements.size() < settlements_worth_a_frame) {
    enough_ = settlements_worth_a_frame - pending_.settlements.size();
    return std::nullopt;
  }
  if (pending_.settlements.empty()) return std::nullopt;
  std::size_t bytes = 0;
  auto& waiting = pending_.settlements;
  const auto most = std::min(waiting.size(), frame_settlements_max);
  std::size_t count = 0;
  while (count < most && (count == 0 || bytes + waiting[count].text.size() <= frame_bytes_max)) {
    bytes += waiting[count++].text.size();
  }
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
  Parcel parcel;
  parcel.settlements.assign(std::move_iterator(waiting.begin()), std::move_iterator(end));
  waiting.erase(waiting.begin(), end);
  return parcel;
}

std::string WorkerSession::send(Parcel parcel) {
  const std::uint64_t id = next_frame_++;
  std::string out;
  if (parcel.logs) {
    out = R"({"type":"logs",)";
    put_id(out, id);
    out += ',';
    put_lease(out, *parcel.logs->job);
    out += R"(,"lines":[)";
    out += parcel.logs->text;
  } else {
    std::size_t bytes = 64 + parcel.settlements.size();
    for (const Settlement& settlement : parcel.settlements) bytes += settlement.text.size();
    out.reserve(bytes);
    out = R"({"type":"settle",)";
    put_id(out, id);
    out += R"(,"settlements":[)";
    for (const Settlement& settlement : parcel.settlements) {
      if (out.back() != '[') out += ',';
      out += settlement.text;
    }
  }
  out += "]}";
  under_way_.emplace(id, std::move(parcel));
  return out;
}

std::string WorkerSession::heartbeat(clock::time_point now) {
  HeldJobs jobs;
  std::string beats;
  const auto begin_beat = [&](const std::shared_ptr<HeldJob>& job) {
    job->beat_at = now + job->lease / 3;
    beats += beats.empty() ? "{" : ",{";
    put_lease(beats, *job);
    jobs.push_back(job);
  };
  if (now - progress_sent_at_ >= progress_every && outbox_->has_progress()) {
    const auto reports = outbox_->take_progress(frame_progress_bytes_max);
    if (!outbox_->has_progress()) progress_sent_at_ = now;
    for (const Progress& progress : reports) {
      if (progress.job->settled) continue;
      begin_beat(progress.job);
      append_key(beats, "progress");
      wire::append_json_number(beats, progress.percent);
      if (progress.message_told) {
        append_key(beats, "message");
        append_quoted(beats, progress.message);
      }
      beats += '}';
    }
  }
  if (now - beats_looked_at_ >= busy_tick) {
    beats_looked_at_ = now;
    for (const auto& [id, job] : held_) {
      if (now < job->beat_at) continue;
      begin_beat(job);
      beats += '}';
    }
  }
  if (jobs.empty()) return {};
  const std::uint64_t id = next_frame_++;
  std::string out = R"({"type":"heartbeat",)";
  put_id(out, id);
  out += R"(,"beats":[)" + beats + "]}";
  beats_under_way_.emplace(id, std::move(jobs));
  return out;
}

// ---- what is held

std::shared_ptr<HeldJob> WorkerSession::held(std::string_view job_id) const {
  const auto at = held_.find(job_id);
  return at == held_.end() ? nullptr : at->second;
}

void WorkerSession::lose(const std::shared_ptr<HeldJob>& job) {
  // With a verdict under way, the answer to that is what counts.
  if (!job->take_verdict()) return;
  ++counts_.leases_lost;
  job->request_stop(StopReason::lease_lost);
  forget(job);
}

void WorkerSession::forget(const std::shared_ptr<HeldJob>& job) {
  const auto at = held_.find(job->id);
  if (at != held_.end() && at->second == job) held_.erase(at);
}

// ---- the end

void WorkerSession::begin_drain(clock::time_point now) {
  draining_ = true;
  bye_due_ = phase_ == Phase::welcomed;
  drain_deadline_ = now + setup_.options.drain_timeout;
  for (const auto& job : pool_.take_back()) {
    if (job->take_verdict()) outbox_->release(job, {});
  }
  notice("draining: " + std::to_string(held_.size()) + " jobs held");
}

void WorkerSession::advance_drain(clock::time_point now) {
  if (!stopped_at_ && (stop_asked_ || now >= drain_deadline_)) {
    stopped_at_ = now;
    for (const auto& [id, job] : held_) job->request_stop(StopReason::draining);
  }
  if (stopped_at_ && now >= *stopped_at_ + stop_grace) {
    for (const auto& [id, job] : held_) {
      if (job->take_verdict()) outbox_->release(job, {});
    }
    if (now >= *stopped_at_ + stop_grace + final_grace) finished_ = true;
  }
  if (!all_said()) {
    idle_since_.reset();
    return;
  }
  // The broker closes when it knows that nothing is held; jobs that crossed our bye come before that.
  if (!idle_since_) idle_since_ = now;
  if (phase_ == Phase::down || now >= *idle_since_ + final_grace) finished_ = true;
}

bool WorkerSession::all_said() const { return held_.empty() && under_way_.empty() && again_.empty(); }

WorkerCounts WorkerSession::counts() const {
  WorkerCounts out;
  out.received = counts_.received;
  out.completed = counts_.completed;
  out.failed = counts_.failed;
  out.released = counts_.released;
  out.refused = counts_.refused;
  out.leases_lost = counts_.leases_lost;
  out.connections = counts_.connections;
  return out;
}

void WorkerSession::notice(const std::string& line) const {
  if (setup_.options.on_notice) setup_.options.on_notice(line);
}

}  // namespace pawl::client
