#include <atomic>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/submit_checks.h"

namespace pawl::http::api {
namespace {

/// Waits for the one answer of a lease. When the client goes away first, the wait is called off, and jobs
/// that were granted at the same moment go back unused instead of stalling.
class LeaseWait final : public engine::ReplyTarget {
 public:
  LeaseWait(engine::Engine& engine, std::shared_ptr<Exchange> exchange)
      : engine_(engine), exchange_(std::move(exchange)) {}

  void on_reply(std::uint64_t, core::Reply&& reply) override {
    const std::shared_ptr<Exchange> exchange = std::move(exchange_);
    if (abandoned_.load()) return give_back(reply);
    exchange->respond_with([reply = std::move(reply)] { return render_reply<core::Granted>(reply, render); });
  }

  void abandon(core::Ticket ticket) {
    abandoned_.store(true);
    // If it is not taken, the wait ends by itself; what it was granted goes back then.
    (void)engine_.post(core::AbandonLease{ticket}, nullptr, 0);
  }

 private:
  static Response render(const core::Granted& granted) {
    std::string body;
    body.reserve(granted_bytes(granted));
    {
      ObjectWriter object(body);
      object.list("jobs", granted.jobs,
                  [&body](const core::GrantedJob& job) { append_granted_job(body, job); });
    }
    return json_response(200, std::move(body));
  }

  void give_back(const core::Reply& reply) {
    const auto* granted = std::get_if<core::Granted>(&reply);
    if (granted == nullptr || granted->jobs.empty()) return;
    core::Settle settle;
    settle.settlements.reserve(granted->jobs.size());
    for (const core::GrantedJob& job : granted->jobs) {
      core::Settlement& settlement = settle.settlements.emplace_back();
      settlement.id = job.id;
      settlement.lease = job.lease;
      settlement.outcome = core::Settlement::Outcome::release;
    }
    (void)engine_.post(std::move(settle), nullptr, 0);  // not taken: the leases run out
  }

  engine::Engine& engine_;
  std::shared_ptr<Exchange> exchange_;
  std::atomic<bool> abandoned_ = false;
};

Response settle_response(const core::Settled& settled) {
  const core::SettleResult& result = settled.results.at(0);
  if (result.refused) return problem_response(problem_of(*result.refused));
  std::string body;
  append_settle_result(body, result);
  return json_response(200, std::move(body));
}

void settle_one(Call& call, core::Settlement::Outcome outcome) {
  const auto id = path_job(call);
  if (!id) return;
  auto settlement = read_settlement(call.request.body, *id, outcome, call.context.limits);
  if (!settlement) return refuse(call, settlement.error());
  core::Settle settle;
  settle.settlements.push_back(std::move(*settlement));
  post_and_answer<core::Settled>(call, std::move(settle), settle_response);
}

}  // namespace

void lease_jobs(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  auto lease = read_lease(call.request.body, std::move(*queue), call.context.limits);
  if (!lease) return refuse(call, lease.error());
  auto wait = std::make_shared<LeaseWait>(call.context.engine, call.exchange);
  const auto ticket = call.context.engine.post(std::move(*lease), wait, 0);
  if (!ticket) return refuse(call, problem_of(ticket.error()));
  // Weakly: the engine keeps the target while it waits, and the exchange must not keep itself.
  call.exchange->on_abandoned([weak = std::weak_ptr(wait), ticket = *ticket] {
    if (const auto waiting = weak.lock()) waiting->abandon(ticket);
  });
}

void heartbeat_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  auto beat = read_heartbeat(call.request.body, *id, call.context.limits);
  if (!beat) return refuse(call, beat.error());
  core::Heartbeat heartbeat;
  heartbeat.beats.push_back(std::move(*beat));
  post_and_answer<core::HeartbeatDone>(call, std::move(heartbeat), [](const core::HeartbeatDone& done) {
    const core::BeatResult& result = done.results.at(0);
    if (result.refused) return problem_response(problem_of(*result.refused));
    std::string body;
    append_beat_result(body, result);
    return json_response(200, std::move(body));
  });
}

void complete_job(Call& call) { settle_one(call, core::Settlement::Outcome::complete); }
void fail_job(Call& call) { settle_one(call, core::Settlement::Outcome::fail); }
void release_job(Call& call) { settle_one(call, core::Settlement::Outcome::release); }
void rate_limit_job(Call& call) { settle_one(call, core::Settlement::Outcome::rate_limited); }

void suspend_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  auto invoke = read_invocation(call.request.body, *id, call.context.limits);
  if (!invoke) return refuse(call, invoke.error());
  if (!*invoke) return settle_one(call, core::Settlement::Outcome::suspend);
  if (!may_submit(call, (*invoke)->members.front().job, "/invoke")) return;
  post_and_answer<core::WorkflowSubmitted>(
      call, std::move(**invoke), [id = *id](const core::WorkflowSubmitted& made) {
        std::string body;
        {
          ObjectWriter object(body);
          object.job_id("jobId", id);
          // It was to be cancelled: then nothing is invoked.
          object.text("status", made.jobs.empty() ? "cancelled" : "blocked");
          if (!made.jobs.empty()) object.job_id("invoked", made.jobs.front().id);
        }
        return json_response(200, std::move(body));
      });
}

void settle_leases(Call& call) {
  auto settle = read_settle(call.request.body, call.context.limits);
  if (!settle) return refuse(call, settle.error());
  post_and_answer<core::Settled>(call, std::move(*settle), [](const core::Settled& settled) {
    std::string body;
    body.reserve(16 + 26 * settled.results.size());
    {
      ObjectWriter object(body);
      object.list("results", settled.results,
                  [&body](const core::SettleResult& result) { append_settle_result(body, result); });
    }
    return json_response(200, std::move(body));
  });
}

void append_job_logs(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  auto logs = read_logs(call.request.body, *id, call.context.limits);
  if (!logs) return refuse(call, logs.error());
  post_and_answer<core::LogsKept>(call, std::move(*logs), [](const core::LogsKept& kept) {
    std::string body;
    {
      ObjectWriter object(body);
      object.integer("lines", kept.lines);
    }
    return json_response(200, std::move(body));
  });
}

void refuse_plain_worker(Call& call) {
  Response response = problem_response(
      {problem::upgrade_required, "Connect with a WebSocket and the subprotocol pawl.worker.v1."});
  response.headers.emplace_back("Upgrade", "websocket");
  call.exchange->respond(std::move(response));
}

}  // namespace pawl::http::api
