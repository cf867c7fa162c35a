// Jobs that wait for others: who may go on, when, and that nobody is forgotten.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

/// Whether an end keeps the one that waits from running.
bool stops(const ModelAwait& await) {
  return await.ended && *await.ended != Status::completed && await.policy != OnParentFailure::run;
}

bool all_ended(const ModelJob& job) {
  return std::ranges::all_of(job.awaits, [](const auto& item) { return item.second.ended.has_value(); });
}

}  // namespace

std::optional<Event> Model::decided(const ModelJob& job) const {
  for (const auto& [parent, await] : job.awaits) {
    if (stops(await)) return await.policy == OnParentFailure::fail ? Event::parent_failed : Event::cancel;
  }
  if (!all_ended(job)) return std::nullopt;
  return job.run_at > now_.wall ? Event::unblock_later : Event::unblock;
}

void Model::before_pay(Now now) {
  enter(now);
  doing_ = Doing::pay;
  expected_.clear();
  answer_.reset();
}

void Model::after_pay() { doing_ = Doing::nothing; }

// W1: a job that waits for others goes on when all of them have ended, or one of them in a way that stops it.
void Model::move_by_parents(const Job& job, ModelJob& known, Event event) {
  const std::optional<Event> must = known.wait ? std::nullopt : decided(known);
  if (known.status != Status::blocked || !must || *must != event) {
    bad("W1", job.id,
        fmt::format("{} where it must {}", name_of(event), must ? name_of(*must) : std::string_view("wait")));
  }
  rare_.add(event == Event::parent_failed   ? Rare::child_failed_with_its_parent
            : event == Event::cancel        ? Rare::child_skipped
            : event == Event::unblock_later ? Rare::child_released_for_later
                                            : Rare::child_released);
  if (known.in_run != run_) rare_.add(Rare::child_released_after_restart);
  if (event == Event::parent_failed) add_error(known, "parent-failed");
  if (event == Event::unblock || event == Event::unblock_later) {
    if (event == Event::unblock_later && job.run_at != known.run_at) bad("W1", job.id, "its time changed");
    known.run_at = job.run_at;
    for (const auto& [id, await] : known.awaits) {
      const Bytes result = *await.ended == Status::completed ? await.result : nullptr;
      known.parents[id] = {await.ref, id, *await.ended, result, await.added};
      if (await.invoked) {
        rare_.add(Rare::invoked_result_kept);
        known.steps.push_back({await.ref, result});
      }
    }
  } else {
    known.parents.clear();
    for (const ParentResult& parent : job.parents) known.parents[parent.id] = parent;
  }
  known.awaits.clear();
}

// One that is withdrawn keeps what became of parents whose ends are worked off, which does not show here.
void Model::keep_what_was_told(const Job& job, ModelJob& known) const {
  for (const ParentResult& parent : job.parents) {
    const auto await = known.awaits.find(parent.id);
    if (await == known.awaits.end() || !await->second.ended) continue;
    const auto before = known.parents.find(parent.id);  // what an earlier wait told it may stand there still
    if (before != known.parents.end() && before->second.status == parent.status &&
        same_bytes(before->second.result, parent.result))
      continue;
    const Bytes result = *await->second.ended == Status::completed ? await->second.result : nullptr;
    known.parents[parent.id] = {await->second.ref, parent.id, *await->second.ended, result,
                                await->second.added};
  }
}

std::string Model::difference_of_parents(const std::vector<ParentResult>& got, const ModelJob& known) {
  if (got.size() != known.parents.size())
    return fmt::format("parents are {}, not {}", got.size(), known.parents.size());
  for (const ParentResult& parent : got) {
    const auto must = known.parents.find(parent.id);
    if (must == known.parents.end()) return "parents: another";
    const ParentResult& row = must->second;
    if (parent.ref != row.ref || parent.status != row.status || parent.added != row.added ||
        !same_bytes(parent.result, row.result))
      return fmt::format("parents: {} is {}, not {} {}", parent.ref, name_of(parent.status), row.ref,
                         name_of(row.status));
  }
  return {};
}

void Model::parent_over(const JobId& id, Status status, const Bytes& result) {
  std::vector<JobId> waiting;
  for (const auto& [child, job] : jobs_) {
    const auto await = job.awaits.find(id);
    if (await != job.awaits.end() && !await->second.ended) waiting.push_back(child);
  }
  for (const JobId& child : waiting) {
    ModelJob job = jobs_.at(child);
    job.awaits[id].ended = status;
    job.awaits[id].result = result;
    put(child, std::move(job));
  }
  for (const auto& [workflow, known] : workflows_) {
    const auto member = std::ranges::find(known.members, id, &ModelMember::id);
    if (member == known.members.end()) continue;
    ModelWorkflow then = known;
    then.members[static_cast<std::size_t>(member - known.members.begin())].end = status;
    set_workflow(workflow, std::move(then));
    return;
  }
}

bool Model::in_workflow(const JobId& id) const {
  return std::ranges::any_of(workflows_, [&](const auto& item) {
    return std::ranges::find(item.second.members, id, &ModelMember::id) != item.second.members.end();
  });
}

void Model::runs_again(const JobId& id) {
  for (const auto& [workflow, known] : workflows_) {
    const auto member = std::ranges::find(known.members, id, &ModelMember::id);
    if (member == known.members.end()) continue;
    ModelWorkflow then = known;
    then.members[static_cast<std::size_t>(member - known.members.begin())].end.reset();
    set_workflow(workflow, std::move(then));
    return;
  }
}

bool Model::lacks_room(const std::vector<NewMember>& members) {
  std::set<std::string> fresh;
  for (const NewMember& member : members) {
    if (!queues_.contains(member.job.queue)) fresh.insert(member.job.queue);
  }
  if (!fresh.empty() && queues_.size() + fresh.size() > limits_.queues_max) {
    answer_ = Refusal::too_many_queues;
    return true;
  }
  for (const std::string& name : fresh) expect_queue(name);
  return false;
}

void Model::expect_graph(const std::vector<NewMember>& members) {
  for (const NewMember& member : members) {
    Expected move = expected_new(member.job);
    move.member = true;
    move.blocked = !member.depends_on.empty();
    expected_.push_back(std::move(move));
  }
}

void Model::predict(const SubmitWorkflow& submit) {
  if (lacks_room(submit.members)) return;
  for (const NewMember& member : submit.members) {
    if (lacks_limits(member.job)) return;
  }
  expect_graph(submit.members);
  answer_ = ExpectedGraph{submit.members, {}};
}

void Model::predict(const AddChildren& add) {
  const ModelJob* known = find(add.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
    return;
  }
  if (known->lease != add.lease || add.lease == LeaseNumber::none) {
    answer_ = Refusal::lease_lost;
    return;
  }
  for (const NewMember& member : add.members) {
    for (const auto& [id, parent] : known->parents) {
      if (parent.ref != member.ref) continue;
      answer_ = Refusal::step_exists;
      return;
    }
    const Spec& own = *known->spec;
    if (own.ordered && member.job.ordered && own.group == member.job.group && own.queue == member.job.queue) {
      rare_.add(Rare::order_would_wait_for_itself);
      answer_ = Refusal::wrong_state;
      return;
    }
  }
  if (add.invoked &&
      std::ranges::find(known->steps, add.members.front().ref, &Step::name) != known->steps.end()) {
    answer_ = Refusal::step_exists;
    return;
  }
  if (lacks_room(add.members)) return;
  for (const NewMember& member : add.members) {
    if (lacks_limits(member.job)) return;
  }
  Expected move;
  move.id = add.id;
  move.by_worker = true;
  move.event = known->cancel_requested ? Event::cancel : Event::suspend;
  if (known->cancel_requested) {
    answer_ = ExpectedGraph{{}, add.id};
  } else {
    rare_.add(Rare::children_added);
    expect_graph(add.members);
    answer_ = ExpectedGraph{add.members, add.id, add.invoked};
  }
  expected_.push_back(std::move(move));
}

// Now they have ids.
void Model::check_graph(const ExpectedGraph& graph, const WorkflowSubmitted& told) {
  if (told.jobs.size() != graph.members.size())
    violated("W1", "a graph has more or fewer jobs than were said");
  for (std::size_t i = 0; i < told.jobs.size(); ++i) {
    if (i >= new_ids_.size() || told.jobs[i].id != new_ids_[i])
      bad("D1", told.jobs[i].id, "the answer names another job");
  }
  for (std::size_t i = 0; i < graph.members.size(); ++i) {
    ModelJob job = jobs_.at(told.jobs[i].id);
    for (const std::uint32_t parent : graph.members[i].depends_on) {
      job.awaits[told.jobs[parent].id] = {
          graph.members[parent].ref, graph.members[i].on_parent_failure, {}, {}};
    }
    job.in_run = run_;
    put(told.jobs[i].id, std::move(job));
  }
  // It was to be cancelled, and has ended without children; retention may have dropped it.
  if (graph.parent && graph.members.empty()) return;
  std::optional<WorkflowId> workflow;
  if (!graph.parent) {
    workflow = told.workflow;
    set_workflow(*workflow, ModelWorkflow{});
  } else {
    ModelJob parent = jobs_.at(*graph.parent);
    parent.in_run = run_;
    for (std::size_t i = 0; i < graph.members.size(); ++i)
      parent.awaits[told.jobs[i].id] = {
          graph.members[i].ref, OnParentFailure::run, {}, {}, graph.invoked, true};
    put(*graph.parent, std::move(parent));
    if (graph.invoked) return;  // it is in no workflow
    for (const auto& [id, known] : workflows_) {
      if (std::ranges::find(known.members, *graph.parent, &ModelMember::id) != known.members.end())
        workflow = id;
    }
  }
  if (!workflow) return;
  ModelWorkflow then = workflows_.at(*workflow);
  const auto first = static_cast<std::uint32_t>(then.members.size());
  for (std::size_t i = 0; i < graph.members.size(); ++i) {
    ModelMember member{told.jobs[i].id, graph.members[i].ref, graph.members[i].on_parent_failure, {}, {}};
    for (const std::uint32_t parent : graph.members[i].depends_on)
      member.depends_on.push_back(first + parent);
    member.adds_to = graph.parent;
    then.members.push_back(std::move(member));
  }
  set_workflow(*workflow, std::move(then));
}

void Model::predict(const CancelWorkflow& cancel) {
  const auto known = workflows_.find(cancel.workflow);
  if (known == workflows_.end()) {
    answer_ = Refusal::unknown_workflow;
    return;
  }
  rare_.add(Rare::workflow_cancelled);
  for (const ModelMember& member : known->second.members) {
    const ModelJob* job = find(member.id, now_.wall);
    if (job == nullptr || is_end(job->status) || job->cancel_requested) continue;
    if (job->status == Status::active) {
      ModelJob then = *job;
      then.cancel_requested = true;
      put(member.id, std::move(then));
    } else {
      Expected move;
      move.id = member.id;
      move.event = Event::cancel;
      expected_.push_back(std::move(move));
    }
  }
}

bool Model::runs_badly(const JobId& id) const {
  const ModelJob* job = find(id, now_.wall);
  return job != nullptr && (job->status == Status::failed || job->status == Status::cancelled);
}

// All that a member of a workflow that is retried waits for, or once did: the graph's, and its own children.
std::map<JobId, ModelAwait> Model::waits_of(const ModelWorkflow& workflow, const ModelMember& member) const {
  const ModelJob* own = find(member.id, now_.wall);
  std::map<JobId, ModelAwait> waits;
  const auto add = [&](const ModelMember& parent, OnParentFailure policy, bool added) {
    ModelAwait await{parent.ref, policy, {}, {}, false, added};
    const ModelJob* job = find(parent.id, now_.wall);
    // What it was told of one whose record is gone, it keeps.
    if (job == nullptr && (added || (own != nullptr && own->parents.contains(parent.id)))) return;
    if (job == nullptr)
      await.ended = Status::completed;
    else if (!runs_badly(parent.id) && is_end(job->status))
      await.ended = job->status, await.result = job->result;
    waits[parent.id] = await;
  };
  for (const std::uint32_t index : member.depends_on) add(workflow.members[index], member.policy, false);
  for (const ModelMember& child : workflow.members) {
    if (child.adds_to != member.id) continue;
    std::erase_if(waits, [&](const auto& item) {  // that of an earlier life
      return item.second.added && item.second.ref == child.ref;
    });
    add(child, OnParentFailure::run, true);
  }
  return waits;
}

void Model::predict(const RetryWorkflow& retry) {
  const auto known = workflows_.find(retry.workflow);
  if (known == workflows_.end()) {
    answer_ = Refusal::unknown_workflow;
    return;
  }
  for (const ModelMember& member : known->second.members) {
    const ModelJob* job = find(member.id, now_.wall);
    if (job == nullptr) continue;
    const std::map<JobId, ModelAwait> waits = waits_of(known->second, member);
    if (runs_badly(member.id)) {
      rare_.add(Rare::workflow_retried);
      Expected move;
      move.id = member.id;
      const bool blocks =
          std::ranges::any_of(waits, [](const auto& item) { return !item.second.ended.has_value(); });
      move.event = blocks ? Event::block_again : Event::replay;
      (blocks ? move.awaits : move.settled) = waits;
      if (blocks && std::ranges::any_of(waits, [](const auto& item) { return item.second.added; }))
        rare_.add(Rare::workflow_child_waited_for_again);
      expected_.push_back(std::move(move));
    } else if (job->status == Status::blocked && !job->wait) {
      ModelJob then = *job;
      for (auto& [id, await] : then.awaits) {
        if (!runs_badly(id) || !waits.contains(id)) continue;
        if (await.ended) rare_.add(Rare::workflow_retried_before_one_that_waits);
        await.ended.reset();
        await.result = nullptr;
      }
      put(member.id, std::move(then));
    }
  }
}

void Model::set_workflow(const WorkflowId& id, std::optional<ModelWorkflow> value) {
  const auto it = workflows_.find(id);
  building_.undo.emplace_back(
      UndoWorkflow{id, it == workflows_.end() ? std::nullopt : std::optional(it->second)});
  if (value)
    workflows_[id] = std::move(*value);
  else
    workflows_.erase(id);
}

// W3: a workflow's counts are those of its jobs, and nothing is left of graphs that are done.
void Model::audit_graphs(const Image& image) const {
  for (const auto& [id, job] : jobs_) {
    const bool waits = job.status == Status::blocked && !job.wait;
    if (waits && !image.joins.contains(id)) bad("W2", id, "it waits for others, and nothing says so on disk");
  }
  if (!image.owed.empty()) return;
  const auto audit_waiting = [&](const JobId& id, const char* row) {
    const auto known = jobs_.find(id);
    if (known == jobs_.end() || known->second.status != Status::blocked)
      bad("W3", id, fmt::format("it does not wait, and {} of it is left on disk", row));
  };
  for (const auto& [id, join] : image.joins) audit_waiting(id, "a join");
  for (const auto& [pair, row] : image.dependents) {
    const auto parent = jobs_.find(pair.first);  // one that has not ended tells it nothing when it ends
    if (parent != jobs_.end() && is_end(parent->second.status))
      bad("W3", pair.first,
          fmt::format("it has ended, and job {} waits for it on disk", short_id(pair.second)));
  }
  for (const auto& [pair, row] : image.parents) audit_waiting(pair.first, "what became of another");
  for (const auto& [id, row] : image.workflows) {
    const auto known = workflows_.find(id);
    if (known == workflows_.end()) violated("W3", "a workflow is on disk that nobody submitted");
    WorkflowRow must;
    for (const ModelMember& member : known->second.members) {
      ++must.total;
      if (!member.end) ++must.left;
      if (member.end == Status::failed) ++must.failed;
      if (member.end == Status::cancelled) ++must.cancelled;
    }
    if (row.total != must.total || row.left != must.left || row.failed != must.failed ||
        row.cancelled != must.cancelled) {
      violated("W3",
               fmt::format("a workflow counts {} {} {} {}, a recount {} {} {} {}", row.total, row.left,
                           row.failed, row.cancelled, must.total, must.left, must.failed, must.cancelled));
    }
  }
  if (image.workflows.size() != workflows_.size())
    violated("W3", "there are more or fewer workflows on disk");
}

// W2: nobody waits for what has ended.
void Model::audit_quiet_graphs() const {
  for (const auto& [id, job] : jobs_) {
    if (job.status != Status::blocked || job.wait || find(id, now_.wall) == nullptr) continue;
    if (job.awaits.empty()) bad("W2", id, "it is blocked and waits for nothing");
    if (const auto must = decided(job))
      bad("W2", id, fmt::format("it still waits and must {}", name_of(*must)));
  }
}

}  // namespace pawl::sim
