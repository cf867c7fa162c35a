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

/// Those that it depends on and that have not ended: what it waits for, while it is blocked.
std::vector<std::string> waits_for(const engine::WorkflowView& view, const engine::WorkflowMember& member) {
  std::vector<std::string> refs;
  if (member.status != core::Status::blocked) return refs;
  for (const std::uint32_t index : member.row.depends_on) {
    if (index >= view.members.size()) continue;
    const engine::WorkflowMember& parent = view.members[index];
    if (parent.status && !core::is_end(*parent.status)) refs.push_back(parent.row.ref);
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
  object.list("jobs", view.members, [&](const engine::WorkflowMember& member) {
    ObjectWriter job(out);
    job.text("ref", member.row.ref);
    job.job_id("jobId", member.row.job);
    if (member.status)
      job.text("status", core::name_of(*member.status));
    else
      job.null("status");
    std::vector<std::string> depends_on;
    for (const std::uint32_t index : member.row.depends_on) {
      if (index < view.members.size()) depends_on.push_back(view.members[index].row.ref);
    }
    job.text("queue", member.queue);
    job.texts("dependsOn", depends_on);
    job.text("onParentFailure",
             core::on_parent_failure_names[static_cast<std::size_t>(member.row.on_parent_failure)]);
    job.texts("waitsFor", waits_for(view, member));
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
