#include <unordered_map>

#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/replies_parts.h"
#include "client/wire/ids.h"

namespace pawl::http::api {
namespace {

void write_workflow_row(ObjectWriter& object, const core::WorkflowRow& row) {
  object.text("workflowId", wire::format_uuid(row.id.bytes));
  object.text("name", row.name);
  object.text("status", row.status());
  object.integer("total", row.total);
  object.integer("left", row.left);
  object.integer("failed", row.failed);
  object.integer("cancelled", row.cancelled);
  object.time("createdAt", row.created_at);
  object.time_or_null("finishedAt", row.finished_at);
}

bool is_to_end(const engine::WorkflowMember& member) {
  return member.status && !core::is_end(*member.status);
}

using Refs = std::vector<std::string>;

/// The jobs that others of the workflow added, and that have not ended, by the job that added them.
std::unordered_map<core::JobId, Refs, core::JobIdHash> added_by(const engine::WorkflowView& view) {
  std::unordered_map<core::JobId, Refs, core::JobIdHash> added;
  for (const engine::WorkflowMember& member : view.members) {
    if (member.row.adds_to != core::JobId{} && is_to_end(member))
      added[member.row.adds_to].push_back(member.row.ref);
  }
  return added;
}

/// Those that it depends on and that have not ended.
Refs waits_for(const engine::WorkflowView& view, const engine::WorkflowMember& member) {
  Refs refs;
  for (const std::uint32_t index : member.row.depends_on) {
    if (index < view.members.size() && is_to_end(view.members[index]))
      refs.push_back(view.members[index].row.ref);
  }
  return refs;
}

}  // namespace

void append_made(std::string& out, const core::WorkflowSubmitted& made,
                 const std::vector<std::string>& refs) {
  ObjectWriter object(out);
  if (made.workflow.is_none())
    object.null("workflowId");
  else
    object.text("workflowId", wire::format_uuid(made.workflow.bytes));
  std::size_t next = 0;
  object.list("jobs", made.jobs, [&](const core::Submitted::Item& item) {
    ObjectWriter job(out);
    job.text("ref", refs[next++]);
    job.job_id("jobId", item.id);
    job.text("status", core::name_of(item.status));
  });
}

void append_workflow_row(std::string& out, const core::WorkflowRow& row) {
  ObjectWriter object(out);
  write_workflow_row(object, row);
}

void append_workflow(std::string& out, const engine::WorkflowView& view) {
  ObjectWriter object(out);
  write_workflow_row(object, view.row);
  const auto added = added_by(view);
  object.list("jobs", view.members, [&](const engine::WorkflowMember& member) {
    ObjectWriter job(out);
    job.text("ref", member.row.ref);
    job.job_id("jobId", member.row.job);
    if (member.status)
      job.text("status", core::name_of(*member.status));
    else
      job.null("status");
    Refs depends_on;
    for (const std::uint32_t index : member.row.depends_on) {
      if (index < view.members.size()) depends_on.push_back(view.members[index].row.ref);
    }
    job.text("queue", member.queue);
    job.texts("dependsOn", depends_on);
    job.text("onParentFailure",
             core::on_parent_failure_names[static_cast<std::size_t>(member.row.on_parent_failure)]);
    Refs waits;
    if (member.status == core::Status::blocked) {
      waits = waits_for(view, member);
      const auto children = added.find(member.row.job);
      if (children != added.end())
        waits.insert(waits.end(), children->second.begin(), children->second.end());
    }
    job.texts("waitsFor", waits);
    job.text_or_null("waitsForEvent", member.event);
    if (member.invoked)
      job.job_id("waitsForJob", *member.invoked);
    else
      job.null("waitsForJob");
  });
}

void append_parents(std::string& out, ObjectWriter& object, const std::vector<core::ParentResult>& parents,
                    ClientJson& json) {
  object.begin("parents");
  ObjectWriter inner(out);
  for (const core::ParentResult& parent : parents) {
    inner.begin(parent.ref);
    ObjectWriter one(out);
    one.job_id("jobId", parent.id);
    one.text("status", core::name_of(parent.status));
    json.put(out, one, "result", parent.result);
  }
}

}  // namespace pawl::http::api
