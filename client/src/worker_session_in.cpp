// What the worker hears.
#include <algorithm>
#include <utility>

#include "client/src/problem.h"
#include "client/src/worker_session.h"

namespace pawl::client {
namespace {

using namespace std::chrono_literals;

constexpr milliseconds overload_wait{100};
constexpr std::size_t oversized_bytes = 64u << 10;

Time wall_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

}  // namespace

void WorkerSession::on_message(std::shared_ptr<const std::string> text) {
  const JsonSlice frame = JsonSlice::whole(*text);
  const std::string_view type = frame["type"].plain();
  if (type == "jobs") return on_jobs(frame, text);
  if (type == "settled") return on_settled(frame);
  if (type == "heartbeats") return on_heartbeats(frame);
  if (type == "welcome") return on_welcome(frame);
  if (type == "error") return on_error(frame);
  if (type == "cancel" || type == "lease-lost") {
    const auto job = held(frame["jobId"].plain());
    if (!job || job->lease_id != frame["leaseId"].plain()) return;
    if (type == "cancel") return job->request_stop(StopReason::cancelled);
    return lose(job);
  }
  if (type == "logged") {
    if (const JsonSlice problem = frame["problem"]; problem.present()) {
      notice("log lines were not kept: " + read_problem(problem, 0).text());
    }
    under_way_.erase(static_cast<std::uint64_t>(frame["id"].integer().value_or(0)));
    return;
  }
  if (type == "drain") return notice("the broker is going down; held jobs go on");
}

void WorkerSession::on_welcome(JsonSlice frame) {
  phase_ = Phase::welcomed;
  ever_welcomed_ = true;
  ++counts_.connections;
  waits_.reset();
  bye_due_ = draining_;
  again_at_ = {};
  std::size_t lost = 0;
  frame["lost"].elements([&](JsonSlice id) {
    const auto job = held(id.plain());
    if (!job) return;
    if (!job->settled) ++lost;
    lose(job);
  });
  notice("connected to " + setup_.options.url + " as " + setup_.options.worker_id +
         (held_.empty() ? "" : ", going on with " + std::to_string(held_.size()) + " jobs") +
         (lost == 0 ? "" : ", " + std::to_string(lost) + " leases lost"));
}

void WorkerSession::on_jobs(JsonSlice frame, const std::shared_ptr<const std::string>& text) {
  HeldJobs jobs;
  const auto now = clock::now();
  const Time wall = wall_now();
  frame.from("jobs").read_elements([&](JsonSlice rest) {
    auto job = read_held_job(rest, text, outbox_, wall);
    const std::size_t length = job->text.size();
    if (length > 0 && !job->id.empty() && !job->lease_id.empty()) {
      job->beat_at = now + job->lease / 3;
      hold(job);
      jobs.push_back(std::move(job));
    } else {
      notice(length == 0 ? "the broker sent a malformed frame of jobs; what follows in it is left out"
                         : "the broker sent a job without jobId or leaseId");
    }
    return length;
  });
  counts_.received += jobs.size();
  if (!draining_) return pool_.push(std::move(jobs));
  for (const auto& job : jobs) {
    if (job->take_verdict()) outbox_->release(job, {});
  }
}

void WorkerSession::hold(const std::shared_ptr<HeldJob>& job) {
  const auto [at, is_new] = held_.try_emplace(job->id, job);
  if (is_new) return;
  // A job can come back while an old handle of it is still about; that one's lease is gone. The key goes with
  // it, since it points into its frame.
  const std::shared_ptr<HeldJob> old = at->second;
  lose(old);
  held_.erase(old->id);
  held_.emplace(job->id, job);
}

void WorkerSession::on_settled(JsonSlice frame) {
  const auto at = under_way_.find(static_cast<std::uint64_t>(frame["id"].integer().value_or(0)));
  if (at == under_way_.end()) return;
  std::vector<Settlement> settlements = std::move(at->second.settlements);
  under_way_.erase(at);
  std::size_t next = 0;
  frame.from("results").elements([&](JsonSlice result) {
    if (next < settlements.size()) confirm(std::move(settlements[next++]), result);
  });
  for (; next < settlements.size(); ++next) {
    ++counts_.refused;
    notice("the broker answered fewer settlements than were sent");
    forget(settlements[next].job);
  }
}

void WorkerSession::confirm(Settlement settlement, JsonSlice result) {
  // A refusal's status is a number, a success's a word.
  if (!result["status"].is_string()) {
    const Error why = read_problem(result, 0);
    if (why.kind == ErrorKind::conflict || why.kind == ErrorKind::not_found) {
      ++counts_.refused;
      notice("job " + std::string(settlement.job->id) + ": verdict came too late: " + why.text());
      return forget(settlement.job);
    }
    Parcel parcel;
    parcel.settlements.push_back(std::move(settlement));
    return on_refused_parcel(std::move(parcel), why);
  }
  switch (settlement.verdict) {
    case Verdict::complete:
      ++counts_.completed;
      break;
    case Verdict::fail:
      ++counts_.failed;
      break;
    case Verdict::release:
      ++counts_.released;
      break;
  }
  forget(settlement.job);
}

void WorkerSession::on_heartbeats(JsonSlice frame) {
  const auto at = beats_under_way_.find(static_cast<std::uint64_t>(frame["id"].integer().value_or(0)));
  if (at == beats_under_way_.end()) return;
  const HeldJobs jobs = std::move(at->second);
  beats_under_way_.erase(at);
  std::size_t next = 0;
  frame["results"].elements([&](JsonSlice result) {
    if (next >= jobs.size()) return;
    const auto& job = jobs[next++];
    if (result["cancelRequested"].is_true()) job->request_stop(StopReason::cancelled);
    if (!result["status"].present()) return;
    const Error why = read_problem(result, 0);
    if (why.kind == ErrorKind::conflict || why.kind == ErrorKind::not_found) lose(job);
  });
}

void WorkerSession::on_error(JsonSlice frame) {
  const Error why = read_problem(frame["problem"], 0);
  const auto id = static_cast<std::uint64_t>(frame["id"].integer().value_or(0));
  if (const auto at = under_way_.find(id); at != under_way_.end()) {
    Parcel parcel = std::move(at->second);
    under_way_.erase(at);
    return on_refused_parcel(std::move(parcel), why);
  }
  beats_under_way_.erase(id);
  notice("the broker refused a frame: " + why.text());
  if (id == 0 && why.kind == ErrorKind::unavailable) {
    say_again_at_ = clock::now() + std::max(why.retry_after, overload_wait);
    return;
  }
  if (phase_ == Phase::opened && why.kind != ErrorKind::unavailable) {
    fatal_ = why;
    finished_ = true;
  }
}

void WorkerSession::on_refused_parcel(Parcel parcel, const Error& why) {
  if (why.kind == ErrorKind::unavailable || why.kind == ErrorKind::storage_full) {
    again_at_ = clock::now() + std::max(why.retry_after, overload_wait);
    return again_.push_back(std::move(parcel));
  }
  if (parcel.logs) return notice("log lines were not kept: " + why.text());
  auto& settlements = parcel.settlements;
  if (settlements.size() > 1) {
    // One of them is what the broker does not like: each travels alone now.
    for (Settlement& settlement : settlements) {
      Parcel alone;
      alone.settlements.push_back(std::move(settlement));
      again_.push_back(std::move(alone));
    }
    return;
  }
  Settlement& lone = settlements.front();
  if (lone.verdict == Verdict::complete) {
    notice("job " + std::string(lone.job->id) + ": the broker did not take its result: " + why.text());
    lone = instead(lone, "result-refused", why.text());
    return again_.push_back(std::move(parcel));
  }
  ++counts_.refused;
  notice("job " + std::string(lone.job->id) + ": the broker did not take its verdict: " + why.text());
  forget(lone.job);
}

Settlement WorkerSession::instead(const Settlement& refused, std::string type, std::string message) {
  const auto spare = std::make_shared<Outbox>([] {});
  spare->fail(refused.job, {.type = std::move(type), .message = std::move(message)});
  return std::move(spare->take().settlements.front());
}

void WorkerSession::drop_oversized() {
  for (auto& [id, parcel] : under_way_) {
    for (Settlement& settlement : parcel.settlements) {
      if (settlement.text.size() < oversized_bytes) continue;
      const bool result = settlement.verdict == Verdict::complete;
      settlement = instead(settlement, result ? "result-too-large" : "verdict-too-large",
                           std::string("the broker takes no message as large as this ") +
                               (result ? "result, " : "verdict, ") + std::to_string(settlement.text.size()) +
                               " bytes");
    }
  }
}

}  // namespace pawl::client
