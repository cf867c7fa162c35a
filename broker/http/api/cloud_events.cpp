#include "broker/http/api/cloud_events.h"

#include "broker/engine/codec.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/replies_parts.h"

namespace pawl::http::api {
namespace {

void append_data(std::string& out, const core::Job& job, const std::string& queue) {
  ObjectWriter data(out);
  data.job_id("jobId", job.id);
  data.text("queue", queue);
  data.text("name", job.name);
  data.text("status", core::name_of(job.status));
  data.integer("attemptsMade", job.attempts_made);
  data.integer("replays", job.replays);
  data.time("createdAt", job.created_at);
  data.time("finishedAt", job.finished_at);
  data.text_or_null("group", job.group);
  data.texts("tags", job.tags);
  data.begin("result");
  out += job.status == core::Status::completed && job.result ? *job.result : "null";
  data.begin("error");
  if (job.status != core::Status::failed || job.errors.empty()) {
    out += "null";
    return;
  }
  ObjectWriter error(out);
  error.text("type", job.errors.back().type);
  error.text("message", job.errors.back().message);
}

}  // namespace

std::string CloudEvents::write(const core::Job& job, const std::string& queue) const {
  std::string out;
  {
    ObjectWriter event(out);
    event.text("specversion", "1.0");
    event.text("id", engine::uuid_text(job.id) + "." + std::to_string(job.replays));
    event.text("source", "/queues/" + queue);
    event.text("type", "pawl.job." + std::string(core::name_of(job.status)));
    event.text("subject", engine::uuid_text(job.id));
    event.time("time", job.finished_at);
    event.text("datacontenttype", "application/json");
    event.begin("data");
    append_data(out, job, queue);
  }
  return out;
}

}  // namespace pawl::http::api
