// Jobs that wait for other jobs: graphs, children of a running job, and what the end of a job means for those
// that wait for it. What an end owes to others is paid in the same batch, and noted in a row for those that
// come later when it is too much for one.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

bool succeeded(Status status) { return status == Status::completed; }

}  // namespace

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
  const std::uint64_t high = (static_cast<std::uint64_t>(wall) << 16) | 0x7000 | (random_word() & 0xfff);
  const std::uint64_t low = (std::uint64_t{2} << 62) | (random_word() >> 2);
  return {JobId::from_words(high, low).bytes};
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
  }
  if (add.invoked) {
    Suspension step;
    step.as = add.members.front().ref;
    if (auto refused = check_suspension(job, step)) return outbox.reply(to, *std::move(refused));
  }
  if (lacks_room(add.members)) return outbox.reply(to, no_room_for_queues());
  if (auto refused = check_terms(add.members)) return outbox.reply(to, *std::move(refused));
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

// ── What an end owes ──

// Called when a job ends, or is taken away before it did, or is to run again.
void Machine::State::owe(const Job& job, Owed::What what, Status status) {
  if (job.workflow.is_none() && !job.has_dependents) return;
  if (!job.ref.empty()) {
    std::uint64_t& live = queue_of(job.queue)->row.live_members;
    what == Owed::What::ended ? live -= std::min<std::uint64_t>(live, 1) : ++live;
  }
  owed.push_back({++owed_number, job.id, job.workflow, what, status, job.result, job.has_dependents});
}

void Machine::restore_owed(Owed row) {
  row.has_row = true;
  state_->owed_number = std::max(state_->owed_number, row.number);
  state_->owed.push_back(std::move(row));
}

void Machine::pay_needs(Needs& needs) const { state_->pay_needs(needs); }

// That of the wait to which the dependent belongs; null: it does not wait any more, or for others.
const Join* Machine::State::join_of(const Dependent& dependent) const {
  const auto join = joins.find(dependent.id);
  const bool waits = join != joins.end() && join->second && join->second->since == dependent.since;
  return waits ? &*join->second : nullptr;
}

// Whether the end of `parent` brings its dependent on, so that the job itself is needed.
bool Machine::State::decides(const Owed& parent, const Dependent& dependent) const {
  const Join* join = join_of(dependent);
  if (join == nullptr) return false;
  return join->left <= 1 || (!succeeded(parent.status) && dependent.policy != OnParentFailure::run);
}

namespace {

/// Of a batch's allowance; what its rows take counts, too, for a result goes to each that waited.
std::size_t cost_of(const Owed& owed) {
  constexpr std::size_t bytes_of_one = 4096;
  return 1 + (owed.result ? owed.result->size() / bytes_of_one : 0);
}

/// Those that began to wait after an end.
class CameLater {
 public:
  explicit CameLater(const Owed& owed) : ids_(owed.came_later) { std::ranges::sort(ids_); }
  bool contains(const Dependent& dependent) const { return std::ranges::binary_search(ids_, dependent.id); }

 private:
  std::vector<JobId> ids_;
};

}  // namespace

void Machine::State::pay_needs(Needs& needs) const {
  std::size_t left = options.release_slice;
  for (const Owed& each : owed) {
    if (left == 0) return;
    if (!each.workflow.is_none() && !workflows.contains(each.workflow))
      needs.workflows.push_back(each.workflow);
    if (each.what != Owed::What::ended || !each.has_dependents) {
      --left;
      continue;
    }
    const auto waiting = dependents.find(each.job);
    if (waiting == dependents.end()) {
      needs.dependents.push_back(each.job);
      --left;
      continue;
    }
    const CameLater later(each);
    for (const Dependent& dependent : waiting->second) {
      if (left == 0) return;
      if (later.contains(dependent)) continue;
      left -= std::min(left, cost_of(each));
      if (!decides(each, dependent)) continue;
      need_job(dependent.id, needs);
      if (!parents.contains(dependent.id)) needs.parents.push_back(dependent.id);
    }
  }
}

// Pays what is loaded, in order. True when more may be paid after another look at the needs.
bool Machine::pay(Now now, Outbox& outbox) {
  State& state = *state_;
  std::size_t budget = state.options.release_slice;
  bool paid = false;
  while (!state.owed.empty() && budget > 0) {
    const std::size_t before = budget;
    // By value: what is paid may add to what is owed.
    Owed each = state.owed.front();
    const bool whole = state.pay(each, budget, now, outbox);
    paid = paid || budget < before;
    if (!whole) {
      state.owed.front() = each;
      break;
    }
    state.owed.pop_front();
  }
  return paid && !state.owed.empty();
}

bool Machine::owes() const { return !state_->owed.empty(); }

// True when all of it is paid.
bool Machine::State::pay(Owed& each, std::size_t& budget, Now now, Outbox& outbox) {
  if (!each.workflow.is_none()) {
    if (!workflows.contains(each.workflow)) return false;
    count_in_workflow(each, now, outbox);
    each.workflow = {};  // once
    if (each.has_row) outbox.put_owed(each);
    --budget;
  }
  if (each.what == Owed::What::ended && each.has_dependents) {
    const auto waiting = dependents.find(each.job);
    if (waiting == dependents.end()) return false;
    std::vector<Dependent> rest = std::move(waiting->second);
    const CameLater came_later(each);
    const auto later = std::ranges::stable_partition(
        rest, [&](const Dependent& dependent) { return !came_later.contains(dependent); });
    const std::vector<Dependent> kept(later.begin(), later.end());
    rest.erase(later.begin(), later.end());
    std::size_t done = 0;
    const auto loaded = [&](const Dependent& dependent) {
      return !decides(each, dependent) || (known(dependent.id) && parents.contains(dependent.id));
    };
    while (done < rest.size() && budget > 0 && loaded(rest[done])) {
      outbox.erase_dependent(each.job, rest[done].id);
      parent_ended(each, rest[done], now, outbox);
      ++done;
      budget -= std::min(budget, cost_of(each));
    }
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(done));
    const bool whole = rest.empty();
    rest.insert(rest.end(), kept.begin(), kept.end());
    dependents[each.job] = std::move(rest);
    if (!whole) return false;
  }
  if (each.has_row) outbox.erase_owed(each.number);
  return true;
}

void Machine::State::count_in_workflow(const Owed& each, Now now, Outbox& outbox) {
  const auto known_row = workflows.find(each.workflow);
  if (each.workflow.is_none() || known_row == workflows.end() || !known_row->second) return;
  WorkflowRow row = *known_row->second;
  std::uint32_t* const count = each.status == Status::failed      ? &row.failed
                               : each.status == Status::cancelled ? &row.cancelled
                                                                  : nullptr;
  if (each.what == Owed::What::ended) {
    row.left -= std::min(row.left, 1u);
    if (count != nullptr) ++*count;
    if (row.left == 0) row.finished_at = now.wall;
  } else {
    ++row.left;
    if (count != nullptr && *count > 0) --*count;
    row.finished_at = 0;
  }
  keep_workflow(row, outbox);
}

void Machine::State::parent_ended(const Owed& parent, const Dependent& dependent, Now now, Outbox& outbox) {
  const Join* join = join_of(dependent);
  if (join == nullptr) return;                      // it does not wait any more
  if (queue_of(dependent.id.queue()) == nullptr) {  // it went with its queue
    outbox.erase_join(dependent.id);
    outbox.erase_parents(dependent.id);
    joins[dependent.id] = std::nullopt;
    return;
  }
  ParentResult row{dependent.ref, parent.job, parent.status,
                   succeeded(parent.status) ? parent.result : nullptr, dependent.added};
  const std::uint32_t left = join->left - 1;
  const bool fails = !succeeded(parent.status) && dependent.policy != OnParentFailure::run;
  parents_news[dependent.id][parent.job] = row;
  if (left > 0 && !fails) {
    outbox.put_parent(dependent.id, row);
    return set_join(dependent.id, {left, dependent.since}, outbox);
  }
  Entry* entry = find(dependent.id);
  if (entry == nullptr || entry->job.status != Status::blocked) return;
  take_parents(*entry, outbox);
  if (dependent.invoked) {
    Step step{dependent.ref, row.result};
    if (!has_room(entry->job, step)) step.result = nullptr;
    add_step(*entry, std::move(step));
  }
  if (!fails) return unblock(*entry, now, outbox);
  if (dependent.policy == OnParentFailure::skip) return end(*entry, Event::cancel, now, outbox);
  AttemptError error;
  error.at = now.wall;
  error.type = "parent-failed";
  error.message = "the job " + dependent.ref + ", which it waited for, " +
                  (parent.status == Status::failed ? "failed" : "was cancelled");
  if (entry->job.errors.size() >= errors_max) entry->job.errors.erase(entry->job.errors.begin());
  entry->job.errors.push_back(std::move(error));
  end(*entry, Event::parent_failed, now, outbox);
}

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

void Machine::State::write_owed(Outbox& outbox) {
  for (Owed& each : owed) {
    if (each.has_row) continue;
    each.has_row = true;
    outbox.put_owed(each);
  }
}

}  // namespace pawl::core
