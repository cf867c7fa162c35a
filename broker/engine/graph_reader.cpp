#include "broker/engine/graph_reader.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "broker/engine/codec.h"
#include "broker/engine/cursor.h"
#include "broker/engine/job_reader.h"

namespace pawl::engine {

using core::JobId;

namespace {

void take_state(WorkflowMember& member, const core::Job& job) {
  member.status = job.status;
  if (job.wait != nullptr) member.event = job.wait->event;
}

bool is_to_end(const WorkflowMember& member) { return member.status && !core::is_end(*member.status); }

// Of those that are blocked, and for no other of the graph. False: what was read is damaged.
bool read_invoked(const storage::Snapshot& snapshot, WorkflowView& view) {
  std::unordered_set<JobId, core::JobIdHash> adders;
  for (const WorkflowMember& member : view.members) {
    if (is_to_end(member)) adders.insert(member.row.adds_to);
  }
  for (WorkflowMember& member : view.members) {
    if (member.status != core::Status::blocked || !member.event.empty()) continue;
    const JobId& id = member.row.job;
    const bool waits = adders.contains(id) || std::ranges::any_of(member.row.depends_on, [&](auto index) {
                         return index < view.members.size() && is_to_end(view.members[index]);
                       });
    if (waits) continue;
    bool damaged = false;
    const auto scanned = snapshot.scan({family::parents, std::string(id.view()), end_of_prefix(id.view())},
                                       [&](std::string_view key, std::string_view value) {
                                         const Decoded<core::ParentResult> parent = decode_parent(key, value);
                                         damaged = damaged || !parent;
                                         if (parent && parent->status == core::Status::pending)
                                           member.invoked = parent->id;
                                         return !damaged;
                                       });
    if (!scanned || damaged) return false;
  }
  return true;
}

}  // namespace

std::expected<WorkflowView, ListError> read_workflow(Port& port, const core::WorkflowId& id) {
  const std::unique_ptr<storage::Snapshot> snapshot = port.snapshot();
  const auto row = snapshot->get(family::workflows, id.view());
  if (!row) return std::unexpected(ListError::store);
  if (!*row) return std::unexpected(ListError::unknown_workflow);
  Decoded<core::WorkflowRow> workflow = decode_workflow(id.view(), **row);
  if (!workflow) return std::unexpected(ListError::store);
  WorkflowView view{std::move(*workflow), {}};
  bool damaged = false;
  const auto scanned = snapshot->scan({family::members, std::string(id.view()), end_of_prefix(id.view())},
                                      [&](std::string_view key, std::string_view value) {
                                        Decoded<core::MemberRow> member = decode_member(key, value);
                                        damaged = damaged || !member;
                                        if (member)
                                          view.members.push_back({std::move(*member), {}, {}, {}, {}});
                                        return !damaged;
                                      });
  if (!scanned || damaged) return std::unexpected(ListError::store);

  std::unordered_map<std::uint32_t, std::string> queue_names;
  for (WorkflowMember& member : view.members) {
    const core::QueueNumber number = member.row.job.queue();
    const auto [name, fresh] = queue_names.try_emplace(static_cast<std::uint32_t>(number));
    if (fresh) {
      const auto queue = snapshot->get(family::queues, queue_key(number));
      if (!queue) return std::unexpected(ListError::store);
      if (*queue) {
        Decoded<core::QueueRow> row = decode_queue(queue_key(number), **queue);
        if (!row) return std::unexpected(ListError::store);
        name->second = row->name;
      }
    }
    member.queue = name->second;
  }
  core::LookResident look;
  for (const WorkflowMember& member : view.members) look.ids.push_back(member.row.job);
  const auto reply = port.ask(std::move(look));
  if (!reply) return std::unexpected(reply.error());
  const auto* resident = std::get_if<core::Resident>(&*reply);
  if (resident == nullptr) return std::unexpected(ListError::busy);
  std::unordered_map<JobId, const core::Resident::Item*, core::JobIdHash> known;
  for (const core::Resident::Item& item : resident->jobs) known[item.id] = &item;
  for (WorkflowMember& member : view.members) {
    const auto in_memory = known.find(member.row.job);
    if (in_memory != known.end()) {
      if (!in_memory->second->gone) take_state(member, in_memory->second->view.job);
      continue;
    }
    if (const auto job = read_job(*snapshot, member.row.job, port.wall(), damaged)) take_state(member, *job);
  }
  damaged = damaged || !read_invoked(*snapshot, view);
  if (damaged) return std::unexpected(ListError::store);
  return view;
}

std::expected<WorkflowPage, ListError> read_workflows(Port& port, std::size_t limit,
                                                      const std::string& cursor) {
  std::string end(17, '\xff');
  if (!cursor.empty()) {
    const std::optional<std::string> bytes = from_base64url(cursor);
    if (!bytes || bytes->size() != 16) return std::unexpected(ListError::bad_cursor);
    end = *bytes;
  }
  const std::unique_ptr<storage::Snapshot> snapshot = port.snapshot();
  // Asked for nothing, so that all that the snapshot shows is durable.
  if (const auto reply = port.ask(core::LookResident{}); !reply) return std::unexpected(reply.error());
  WorkflowPage page;
  bool damaged = false;
  const auto scanned =
      snapshot->scan({family::workflows, {}, end, true}, [&](std::string_view key, std::string_view value) {
        if (page.workflows.size() == limit) {
          page.next_cursor = to_base64url(page.workflows.back().id.view());
          return false;
        }
        Decoded<core::WorkflowRow> row = decode_workflow(key, value);
        damaged = damaged || !row;
        if (row) page.workflows.push_back(std::move(*row));
        return !damaged;
      });
  if (!scanned || damaged) return std::unexpected(ListError::store);
  return page;
}

}  // namespace pawl::engine
