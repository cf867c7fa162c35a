// Workflows that are cancelled, and those that run again from what failed.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

Refused no_such_workflow() {
  return {Refusal::unknown_workflow, "there is no workflow with this id", {}, {}};
}

}  // namespace

void Machine::State::workflow_needs(const WorkflowId& id, Needs& needs) const {
  const auto row = workflows.find(id);
  if (row == workflows.end())
    needs.workflows.push_back(id);
  else if (row->second && !members.contains(id))
    needs.members.push_back(id);
  const auto graph = members.find(id);
  if (graph == members.end()) return;
  for (const MemberRow& member : graph->second) {
    need_job(member.job, needs);
    const Entry* entry = find(member.job);
    const bool waits = entry != nullptr && entry->job.status == Status::blocked && entry->job.wait == nullptr;
    if (waits && !parents.contains(member.job)) needs.parents.push_back(member.job);
  }
}

const WorkflowRow* Machine::State::known_workflow(const WorkflowId& id) const {
  const auto row = workflows.find(id);
  return row == workflows.end() || !row->second ? nullptr : &*row->second;
}

// Jobs that wait end at once, those that run when their workers let go of them.
void Machine::State::apply(Ticket to, const CancelWorkflow& cancel, Now now, Outbox& outbox) {
  if (known_workflow(cancel.workflow) == nullptr) return outbox.reply(to, no_such_workflow());
  WorkflowChanged answer{cancel.workflow, 0};
  for (const MemberRow& member : members[cancel.workflow]) {
    const Entry* entry = find(member.job, now);
    if (entry == nullptr || is_end(entry->job.status) || entry->job.cancel_requested) continue;
    apply(Ticket::none, Cancel{member.job}, now, outbox);
    ++answer.jobs;
  }
  outbox.reply(to, std::move(answer));
}

/// A workflow that is retried.
struct Machine::State::Again {
  /// What a member waits for: by its index.
  struct Edge {
    std::uint32_t parent = 0;
    Dependent as;
  };
  std::vector<MemberRow> graph;
  std::vector<std::vector<Edge>> edges;  // of each
  std::vector<Entry*> entries;           // those that run again; else null
  std::set<JobId> owing;                 // whose ends are not all worked off

  explicit Again(std::vector<MemberRow> rows)
      : graph(std::move(rows)), edges(graph.size()), entries(graph.size()) {
    std::map<JobId, std::size_t> index_of;
    for (std::size_t i = 0; i < graph.size(); ++i) index_of[graph[i].job] = i;
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const MemberRow& row = graph[i];
      for (const std::uint32_t parent : row.depends_on) {
        if (parent < graph.size())
          edges[i].push_back({parent, {row.job, graph[parent].ref, row.on_parent_failure}});
      }
      const auto adder = index_of.find(row.adds_to);
      if (adder == index_of.end()) continue;
      Dependent as{row.adds_to, row.ref, OnParentFailure::run};
      as.added = true;
      // It may have been added before, by an attempt that was cancelled: the newer one is it.
      std::erase_if(edges[adder->second],
                    [&](const Edge& edge) { return edge.as.added && edge.as.ref == row.ref; });
      edges[adder->second].push_back({static_cast<std::uint32_t>(i), std::move(as)});
    }
  }
};

// Every job that failed or was cancelled runs again, after those of its parents and its children that do
// too; one that waits for such a job waits for it again. What was completed stays. Members whose records are
// gone are left out.
void Machine::State::apply(Ticket to, const RetryWorkflow& retry, Now now, Outbox& outbox) {
  const WorkflowRow* row = known_workflow(retry.workflow);
  if (row == nullptr) return outbox.reply(to, no_such_workflow());
  Again again(members[retry.workflow]);
  WorkflowChanged answer{retry.workflow, 0};
  for (std::size_t i = 0; i < again.graph.size(); ++i) {
    Entry* entry = find(again.graph[i].job, now);
    const bool ended_badly =
        entry != nullptr && (entry->job.status == Status::failed || entry->job.status == Status::cancelled);
    if (!ended_badly) continue;
    again.entries[i] = entry;
    ++answer.jobs;
  }
  for (const Owed& each : owed) again.owing.insert(each.job);
  for (const auto& edges : again.edges) {
    for (const Again::Edge& edge : edges) {
      if (again.entries[edge.parent] != nullptr) again.entries[edge.parent]->job.has_dependents = true;
    }
  }
  for (std::size_t i = 0; i < again.graph.size(); ++i) {
    if (again.entries[i] != nullptr)
      run_again(again, i, now, outbox);
    else
      wait_again(again, i, outbox);
  }
  outbox.reply(to, std::move(answer));
}

void Machine::State::run_again(const Again& again, std::size_t index, Now now, Outbox& outbox) {
  Entry& entry = *again.entries[index];
  Job& job = entry.job;
  std::uint32_t left = 0;
  parents[job.id];
  for (const Again::Edge& edge : again.edges[index]) {
    const JobId& parent = again.graph[edge.parent].job;
    const Entry* other = find(parent, now);
    if (other != nullptr && (again.entries[edge.parent] != nullptr || !is_end(other->job.status))) {
      ++left;
      if (again.owing.contains(parent)) after_owed_ends(parent, job.id, outbox);
      wait_for(job.id, other->job, edge.as, outbox);
      continue;
    }
    waits_no_more(job.id, parent, outbox);
    // What the job was told once stays, whatever retention its parent had.
    const bool told = std::ranges::find(job.parents, parent, &ParentResult::id) != job.parents.end();
    if (other == nullptr && (told || edge.as.added)) continue;
    ParentResult row{edge.as.ref, parent, other == nullptr ? Status::completed : other->job.status,
                     other == nullptr ? nullptr : other->job.result, edge.as.added};
    outbox.put_parent(job.id, row);
    parents_news[job.id][parent] = std::move(row);
  }
  if (left > 0) {
    set_join(job.id, {left}, outbox);
    return change(entry, Event::block_again, now, outbox);
  }
  joins[job.id] = Join{};
  take_parents(entry, outbox);
  change(entry, Event::replay, now, outbox);
}

// One that still waits: an end that is undone, told to it or not yet, must neither stop it nor let it go.
void Machine::State::wait_again(const Again& again, std::size_t index, Outbox& outbox) {
  const Entry* entry = find(again.graph[index].job);
  if (entry == nullptr || entry->job.status != Status::blocked || entry->job.wait != nullptr) return;
  const JobId& child = entry->job.id;
  LeaseNumber since = LeaseNumber::none;
  bool waits_anew = false;
  for (const Again::Edge& edge : again.edges[index]) {
    const Entry* parent = again.entries[edge.parent];
    if (parent == nullptr) continue;
    const std::vector<ParentResult> rows = parents_of(child);
    if (std::ranges::find(rows, parent->job.id, &ParentResult::id) == rows.end())
      continue;  // an earlier wait
    since = edge.as.added ? entry->job.last_lease : LeaseNumber::none;
    Dependent as = edge.as;
    as.since = since;
    if (again.owing.contains(parent->job.id)) after_owed_ends(parent->job.id, child, outbox);
    wait_for(child, parent->job, std::move(as), outbox);
    waits_anew = true;
  }
  if (!waits_anew) return;
  const std::vector<ParentResult> rows = parents_of(child);
  const auto left = std::ranges::count(rows, Status::pending, &ParentResult::status);
  set_join(child, {static_cast<std::uint32_t>(left), since}, outbox);
}

}  // namespace pawl::core
