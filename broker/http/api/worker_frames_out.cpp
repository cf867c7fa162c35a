#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/worker_frames.h"

namespace pawl::http::api {

std::string write_welcome(std::string_view worker_id, const core::WorkerOpened& opened,
                          core::Millis disconnect_grace_ms, std::string_view version) {
  std::string out;
  {
    const auto write_id = [&out](const core::JobId& id) { append_job_id(out, id); };
    ObjectWriter frame(out);
    frame.text("type", "welcome");
    frame.text("workerId", worker_id);
    frame.list("resumed", opened.resumed, write_id);
    frame.list("lost", opened.lost, write_id);
    frame.integer("disconnectGraceMs", disconnect_grace_ms);
    frame.text("version", version);
  }
  return out;
}

std::string write_jobs(const core::Granted& granted) {
  std::string out;
  out.reserve(granted_bytes(granted) + 32);
  {
    ObjectWriter frame(out);
    frame.text("type", "jobs");
    frame.list("jobs", granted.jobs, [&out](const core::GrantedJob& job) { append_granted_job(out, job); });
  }
  return out;
}

std::string write_settled(std::uint64_t id, const core::Settled& settled) {
  std::string out;
  out.reserve(48 + 26 * settled.results.size());
  {
    ObjectWriter frame(out);
    frame.text("type", "settled");
    frame.integer("id", id);
    frame.list("results", settled.results,
               [&out](const core::SettleResult& result) { append_settle_result(out, result); });
  }
  return out;
}

std::string write_heartbeats(std::uint64_t id, const core::HeartbeatDone& done) {
  std::string out;
  out.reserve(48 + 80 * done.results.size());
  {
    ObjectWriter frame(out);
    frame.text("type", "heartbeats");
    frame.integer("id", id);
    frame.list("results", done.results,
               [&out](const core::BeatResult& result) { append_beat_result(out, result); });
  }
  return out;
}

std::string write_logged(std::uint64_t id, const core::LogsKept& kept) {
  std::string out;
  {
    ObjectWriter frame(out);
    frame.text("type", "logged");
    frame.integer("id", id);
    frame.integer("lines", kept.lines);
  }
  return out;
}

std::string write_logs_refused(std::uint64_t id, const core::Refused& refused) {
  std::string out;
  {
    ObjectWriter frame(out);
    frame.text("type", "logged");
    frame.integer("id", id);
    frame.begin("problem");
    append_problem(out, problem_of(refused));
  }
  return out;
}

std::string write_notice(const core::Notice& notice) {
  std::string out;
  {
    ObjectWriter frame(out);
    switch (notice.kind) {
      case core::Notice::Kind::cancel:
        frame.text("type", "cancel");
        break;
      case core::Notice::Kind::lease_lost:
        frame.text("type", "lease-lost");
        break;
      case core::Notice::Kind::drain:
        frame.text("type", "drain");
        break;
    }
    if (notice.kind != core::Notice::Kind::drain) {
      frame.job_id("jobId", notice.id);
      frame.lease_id("leaseId", notice.lease);
    }
  }
  return out;
}

std::string write_error(std::optional<std::uint64_t> id, const Problem& problem) {
  std::string out;
  {
    ObjectWriter frame(out);
    frame.text("type", "error");
    if (id) frame.integer("id", *id);
    frame.begin("problem");
    append_problem(out, problem);
  }
  return out;
}

}  // namespace pawl::http::api
