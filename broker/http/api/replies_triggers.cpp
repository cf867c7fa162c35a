#include "broker/http/api/replies.h"
#include "broker/http/api/replies_parts.h"

namespace pawl::http::api {

void append_steps(std::string& out, ObjectWriter& object, const std::vector<core::Step>& steps,
                  ClientJson& json) {
  object.begin("steps");
  ObjectWriter inner(out);
  for (const core::Step& step : steps) {
    if (json.masks(step.name))
      inner.raw(step.name, redaction_mask);
    else
      json.put(out, inner, step.name, step.result);
  }
}

void append_match(std::string& out, ObjectWriter& object, const core::Match& match, ClientJson& json) {
  object.begin("match");
  ObjectWriter values(out);
  for (const auto& [path, value] : match) {
    std::string key;
    wire::append_json_string(key, path);
    const std::string_view bare = std::string_view(key).substr(1, key.size() - 2);
    if (json.masks(path))
      values.raw(bare, redaction_mask);
    else if (value.starts_with('"'))
      values.text(bare, std::string_view(value).substr(1));
    else
      values.raw(bare, std::string_view(value));
  }
}

void append_trigger(std::string& out, const core::TriggerView& view, const Redaction& redaction) {
  const core::TriggerRow& row = view.row;
  const core::Trigger& trigger = row.trigger;
  ClientJson json(redaction);
  ObjectWriter object(out);
  object.text("triggerId", trigger.id);
  object.text("event", trigger.event);
  append_match(out, object, trigger.match, json);
  append_template(out, object, trigger.job);
  if (trigger.batch_max == 0) {
    object.null("batch");
  } else {
    object.begin("batch");
    ObjectWriter batch(out);
    batch.integer("max", trigger.batch_max);
    batch.integer("timeoutMs", trigger.batch_timeout_ms);
  }
  object.integer("events", row.events);
  object.integer("jobs", row.jobs);
  object.integer("gathered", view.gathered);
  if (row.last_at == 0) {
    object.null("lastRun");
  } else {
    object.begin("lastRun");
    ObjectWriter last(out);
    last.time("at", row.last_at);
    last.job_id("jobId", row.last_job);
  }
  object.time("createdAt", row.created_at);
  object.time("updatedAt", row.updated_at);
  json.mark(object);
}

}  // namespace pawl::http::api
