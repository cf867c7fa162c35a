// Jobs that wait for other jobs: graphs, children of a running job, and what those that wait are told of
// their parents. What the end of a parent means for them is in owed.cpp.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

std::optional<GraphFault> find_cycle(const std::vector<NewMember>& members) {
  // Takes away what waits for nothing that is left, until nothing is: what stays is in a cycle, or waits for
  // one.
  std::vector<std::vector<std::uint32_t>> dependents(members.size());
  std::vector<std::size_t> left(members.size());
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    left[i] = members[i].depends_on.size();
    for (const std::uint32_t parent : members[i].depends_on) dependents[parent].push_back(i);
    if (left[i] == 0) free.push_back(i);
  }
  for (std::size_t next = 0; next < free.size(); ++next) {
    for (const std::uint32_t dependent : dependents[free[next]]) {
      if (--left[dependent] == 0) free.push_back(dependent);
    }
  }
  if (free.size() == members.size()) return std::nullopt;
  // From one that is left back over one that it waits for, until a job comes again.
  std::uint32_t at = 0;
  while (left[at] == 0) ++at;
  std::vector<std::uint32_t> way;
  while (std::ranges::find(way, at) == way.end()) {
    way.push_back(at);
    at =
        *std::ranges::find_if(members[at].depends_on, [&](std::uint32_t parent) { return left[parent] > 0; });
  }
  std::string text = members[at].ref;
  const auto begin = std::ranges::find(way, at);
  for (auto each = std::next(begin); each != way.end(); ++each) text += " waits for " + members[*each].ref;
  if (way.end() - begin == 1)
    text += " waits for itself";
  else
    text += ", which waits for " + members[at].ref;
  return GraphFault{at, "a cycle: " + text};
}

std::string_view WorkflowRow::status() const {
  if (left > 0) return "running";
  return failed > 0 ? "failed" : cancelled > 0 ? "cancelled" : "completed";
}

// ── Making ──

WorkflowId Machine::State::new_workflow_id(Millis wall) {
  const std::uint64_t low = (std::uint64_t{2} << 62) | (random_word() >> 2);
  return {JobId::from_words(next_id_high(wall), low).bytes};
}

// One job of a graph, not yet placed: what it waits for has no id before all are made.
Entry& Machine::State::make_member(const NewMember& member, const WorkflowId& workflow, Now now,
                                   Outbox& outbox) {
  Queue& queue = make_queue(member.job.queue, now.wall);
  Job job = make_job(member.job, queue.row, now);
  set_lane(queue, job, outbox);
  job.id = new_id(now.wall, queue, job);
  job.workflow = workflow;
  job.ref = member.ref;
  if (!member.depends_on.empty())
    job.status = Status::blocked;
  else
    job.status = job.run_at > now.wall ? Status::delayed : Status::pending;
  job.history.push_back({job.status, now.wall});
  Entry& entry = adopt(std::move(job));
  // All that there is of a new job is here.
  dependents[entry.job.id];
  parents[entry.job.id];
  ++queue.count(entry.job.status);
  ++queue.row.live_members;
  count_live(entry.job, true);
  mark_dirty(queue);
  return entry;
}

std::vector<Submitted::Item> Machine::State::make_graph(const std::vector<NewMember>& members,
                                                        const WorkflowId& workflow, std::uint32_t first_index,
                                                        const JobId& adds_to, Now now, Outbox& outbox) {
  std::vector<Entry*> made;
  made.reserve(members.size());
  for (const NewMember& member : members) made.push_back(&make_member(member, workflow, now, outbox));
  for (const NewMember& member : members) {
    for (const std::uint32_t parent : member.depends_on) made[parent]->job.has_dependents = true;
  }
  std::vector<Submitted::Item> items;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const NewMember& member = members[i];
    Entry& entry = *made[i];
    for (const std::uint32_t parent : member.depends_on)
      wait_for(entry.job.id, made[parent]->job, {entry.job.id, members[parent].ref, member.on_parent_failure},
               outbox);
    if (!member.depends_on.empty())
      set_join(entry.job.id, {static_cast<std::uint32_t>(member.depends_on.size())}, outbox);
    if (!workflow.is_none()) {
      std::vector<std::uint32_t> indexes = member.depends_on;
      for (std::uint32_t& index : indexes) index += first_index;
      keep_member({workflow, first_index + i, entry.job.id, member.ref, member.on_parent_failure,
                   std::move(indexes), adds_to},
                  outbox);
    }
    items.push_back({entry.job.id, entry.job.status, now.wall, false, entry.queue->row.name});
  }
  return items;
}

void Machine::State::keep_member(MemberRow row, Outbox& outbox) {
  outbox.put_member(row);
  const auto loaded = members.find(row.workflow);
  (loaded == members.end() ? members_news[row.workflow] : loaded->second).push_back(std::move(row));
}

// REQUIRES: their has_dependents are set, for it goes with the row.
void Machine::State::place_members(const std::vector<Submitted::Item>& items, Outbox& outbox) {
  for (const Submitted::Item& item : items) {
    Entry& entry = *find(item.id);
    if (entry.job.status == Status::pending)
      place_ready(entry, outbox);
    else if (entry.job.status == Status::delayed)
      place_delayed(entry, outbox);
    else
      place_blocked(entry, outbox);
    if (entry.line == nullptr) touch(entry);
    outbox.moved(entry.job, entry.queue->row.name, entry.job.status, nullptr);
  }
}

// The child waits anew: an end of the parent that is not worked off yet came before that.
void Machine::State::after_owed_ends(const JobId& parent, const JobId& child, Outbox& outbox) {
  for (Owed& each : owed) {
    if (each.job != parent || each.what != Owed::What::ended || !each.has_dependents) continue;
    each.came_later.push_back(child);
    if (each.has_row) outbox.put_owed(each);
  }
}

void Machine::State::wait_for(const JobId& child, const Job& parent, Dependent dependent, Outbox& outbox) {
  ParentResult row{dependent.ref, parent.id, Status::pending, nullptr, dependent.added};
  dependents_gone[parent.id].erase(child);
  outbox.put_dependent(parent.id, dependent);
  outbox.put_parent(child, row);
  parents_news[child][parent.id] = std::move(row);
  const auto loaded = dependents.find(parent.id);
  if (loaded == dependents.end()) {
    dependents_news[parent.id].push_back(std::move(dependent));
    return;
  }
  std::erase_if(loaded->second, [&](const Dependent& known) { return known.id == child; });
  loaded->second.push_back(std::move(dependent));
}

// What became of the parent is known to the child already: an end that is not worked off yet must not count
// again.
void Machine::State::waits_no_more(const JobId& child, const JobId& parent, Outbox& outbox) {
  outbox.erase_dependent(parent, child);
  const auto is_child = [&](const Dependent& known) { return known.id == child; };
  if (const auto news = dependents_news.find(parent); news != dependents_news.end())
    std::erase_if(news->second, is_child);
  if (const auto loaded = dependents.find(parent); loaded != dependents.end())
    std::erase_if(loaded->second, is_child);
  else
    dependents_gone[parent].insert(child);
}

void Machine::load_dependents(const JobId& parent, std::vector<Dependent> rows,
                              const std::vector<std::optional<Join>>& joins) {
  State& state = *state_;
  if (state.dependents.contains(parent)) return;
  for (std::size_t i = 0; i < rows.size(); ++i) state.joins.try_emplace(rows[i].id, joins[i]);
  const std::set<JobId>& gone = state.dependents_gone[parent];
  std::erase_if(rows, [&](const Dependent& known) { return gone.contains(known.id); });
  for (Dependent& fresh : state.dependents_news[parent]) {
    std::erase_if(rows, [&](const Dependent& known) { return known.id == fresh.id; });
    rows.push_back(std::move(fresh));
  }
  state.dependents_news.erase(parent);
  state.dependents[parent] = std::move(rows);
}

void Machine::load_parents(const JobId& child, std::vector<ParentResult> rows) {
  state_->parents.try_emplace(child, std::move(rows));
}

void Machine::load_workflow(const WorkflowId& id, std::optional<WorkflowRow> row) {
  state_->workflows.try_emplace(id, std::move(row));
}

void Machine::load_members(const WorkflowId& id, std::vector<MemberRow> rows) {
  const auto [loaded, fresh] = state_->members.try_emplace(id, std::move(rows));
  if (!fresh) return;
  for (MemberRow& row : state_->members_news[id]) loaded->second.push_back(std::move(row));
  state_->members_news.erase(id);
}

void Machine::State::set_join(const JobId& child, const Join& join, Outbox& outbox) {
  joins[child] = join;
  outbox.put_join(child, join);
}

bool Machine::State::lacks_room(const std::vector<NewMember>& members) const {
  std::set<std::string> unknown;
  for (const NewMember& member : members) {
    if (!queues.contains(member.job.queue)) unknown.insert(member.job.queue);
  }
  return !unknown.empty() && !has_room_for_queues(unknown.size());
}

namespace {
Refused no_room_for_queues() {
  return {Refusal::too_many_queues,
          "the broker holds its limit of queues; delete one that is not needed",
          {},
          {}};
}
}  // namespace

void Machine::State::apply(Ticket to, const SubmitWorkflow& submit, Now now, Outbox& outbox) {
  if (lacks_room(submit.members)) return outbox.reply(to, no_room_for_queues());
  if (auto refused = check_terms(submit.members)) return outbox.reply(to, *std::move(refused));
  WorkflowRow row;
  row.id = new_workflow_id(now.wall);
  row.name = submit.name;
  row.created_at = now.wall;
  row.total = row.left = static_cast<std::uint32_t>(submit.members.size());
  WorkflowSubmitted answer{row.id, make_graph(submit.members, row.id, 0, {}, now, outbox)};
  place_members(answer.jobs, outbox);
  keep_workflow(row, outbox);
  outbox.reply(to, std::move(answer));
}

void Machine::State::keep_workflow(const WorkflowRow& row, Outbox& outbox) {
  workflows[row.id] = row;
  outbox.put_workflow(row);
  marks_dirty = true;
}

// An active job adds jobs and waits for all of them.
void Machine::State::apply(Ticket to, const AddChildren& add, Now now, Outbox& outbox) {
  Entry* entry = find(add.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  if (!holds(*entry, add.lease)) return outbox.reply(to, lease_lost(entry->job));
  Job& job = entry->job;
  for (const NewMember& member : add.members) {
    const bool taken = std::ranges::any_of(
        job.parents, [&](const ParentResult& parent) { return parent.ref == member.ref; });
    if (taken) {
      return outbox.reply(
          to, Refused{Refusal::step_exists,
                      "the job has a parent named " + member.ref + " already: go on with its result",
                      {},
                      {}});
    }
    const NewJob& spec = member.job;
    if (job.ordered && spec.ordered && spec.group == job.group && spec.queue == entry->queue->row.name) {
      return outbox.reply(to,
                          Refused{Refusal::wrong_state,
                                  "in the strict order of group " + job.group + ", " + member.ref +
                                      " would wait for this job, and this job for it; leave out its ordered",
                                  job.id, job.status});
    }
  }
  if (add.invoked) {
    Suspension step;
    step.as = add.members.front().ref;
    if (auto refused = check_suspension(job, step)) return outbox.reply(to, *std::move(refused));
  }
  if (lacks_room(add.members)) return outbox.reply(to, no_room_for_queues());
  if (auto refused = check_terms(add.members)) {
    constexpr std::string_view its_place = "/jobs/0";
    for (WrongField& field : refused->fields) {
      if (add.invoked) field.pointer.replace(0, its_place.size(), "/invoke");
    }
    return outbox.reply(to, *std::move(refused));
  }
  see_worker(entry->active->lease.worker_id, now);
  if (job.cancel_requested) {
    end_lease(*entry, {LeaseNumber::none, Status::cancelled, 0, true});
    end(*entry, Event::cancel, now, outbox);
    return outbox.reply(to, WorkflowSubmitted{job.workflow, {}});
  }
  std::uint32_t first_index = 0;
  const auto workflow = workflows.find(job.workflow);
  const bool in_workflow =
      !add.invoked && !job.workflow.is_none() && workflow != workflows.end() && workflow->second.has_value();
  if (in_workflow) {
    WorkflowRow row = *workflow->second;
    first_index = row.total;
    row.total += static_cast<std::uint32_t>(add.members.size());
    row.left += static_cast<std::uint32_t>(add.members.size());
    keep_workflow(row, outbox);
  }
  WorkflowSubmitted answer{
      in_workflow ? job.workflow : WorkflowId{},
      make_graph(add.members, in_workflow ? job.workflow : WorkflowId{}, first_index, job.id, now, outbox)};
  for (std::size_t i = 0; i < answer.jobs.size(); ++i) {
    Job& child = find(answer.jobs[i].id)->job;
    child.has_dependents = true;
    wait_for(job.id, child, {job.id, add.members[i].ref, OnParentFailure::run, add.invoked, add.lease, true},
             outbox);
  }
  place_members(answer.jobs, outbox);
  // Its earlier parents stay; the new ones are added when they have ended. Of those no rows are left.
  parents[job.id];
  set_join(job.id, {static_cast<std::uint32_t>(answer.jobs.size()), add.lease}, outbox);
  end_lease(*entry, {LeaseNumber::none, Status::blocked, 0, true});
  job.run_at = now.wall;
  change(*entry, Event::suspend, now, outbox);
  outbox.reply(to, std::move(answer));
}

// ── Waiting no more ──

void Machine::State::unblock(Entry& entry, Now now, Outbox& outbox) {
  const bool later = entry.job.run_at > now.wall;
  if (!later) entry.job.run_at = now.wall;
  change(entry, later ? Event::unblock_later : Event::unblock, now, outbox);
}

// What became of its parents goes into the job; the rows that said so are erased. Results that are too large
// in all are left out: they stand in the parents' own records.
void Machine::State::take_parents(Entry& entry, Outbox& outbox) {
  Job& job = entry.job;
  std::map<JobId, ParentResult> rows;
  for (ParentResult& row : parents[job.id]) rows[row.id] = std::move(row);
  for (auto& [id, row] : parents_news[job.id]) rows[id] = std::move(row);
  for (auto& [id, row] : rows) {
    outbox.erase_parent(job.id, id);
    if (row.status == Status::pending) continue;  // another's failure has ended the wait
    const auto before = std::ranges::find(job.parents, id, &ParentResult::id);
    if (before != job.parents.end()) job.parents.erase(before);
    const std::size_t bytes = row.ref.size() + (row.result ? row.result->size() : 0);
    if (job.parents_bytes() + bytes > parents_bytes_max) row.result = nullptr;
    job.parents.push_back(std::move(row));
  }
  std::ranges::sort(job.parents, {}, &ParentResult::id);
  entry.steps_bytes = job.steps_bytes() + job.parents_bytes();
  parents[job.id].clear();
  parents_news.erase(job.id);
  joins[job.id] = std::nullopt;
  outbox.erase_join(job.id);
}

std::vector<ParentResult> Machine::State::parents_of(const JobId& child) const {
  std::map<JobId, ParentResult> rows;
  if (const auto loaded = parents.find(child); loaded != parents.end()) {
    for (const ParentResult& row : loaded->second) rows[row.id] = row;
  }
  if (const auto news = parents_news.find(child); news != parents_news.end()) {
    for (const auto& [id, row] : news->second) rows[id] = row;
  }
  std::vector<ParentResult> found;
  for (auto& [id, row] : rows) found.push_back(std::move(row));
  return found;
}

// It is withdrawn. If it runs again it is told what became of those that had ended; who withdraws it has
// that loaded.
void Machine::State::stop_waiting(Entry& entry, Outbox& outbox) {
  const auto join = joins.find(entry.job.id);
  const bool waits = entry.job.wait == nullptr && (join == joins.end() || join->second);
  if (!waits) return;
  if (parents.contains(entry.job.id)) return take_parents(entry, outbox);
  forget_parents(entry.job, outbox);
}

// It does not wait any more: withdrawn, or deleted. Its parents find no join when they end.
void Machine::State::forget_parents(const Job& job, Outbox& outbox) {
  if (job.wait != nullptr) return;
  const auto join = joins.find(job.id);
  if (join != joins.end() && !join->second) return;
  joins[job.id] = std::nullopt;
  outbox.erase_join(job.id);
  outbox.erase_parents(job.id);
  parents[job.id].clear();
  parents_news.erase(job.id);
}

}  // namespace pawl::core
