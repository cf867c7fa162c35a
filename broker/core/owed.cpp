// What the end of a job owes to its workflow and to the jobs that wait for it. It is paid in the same batch,
// and noted in a row for those that come later when it is too much for one.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

namespace {

bool succeeded(Status status) { return status == Status::completed; }

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

void Machine::State::write_owed(Outbox& outbox) {
  for (Owed& each : owed) {
    if (each.has_row) continue;
    each.has_row = true;
    outbox.put_owed(each);
  }
}

}  // namespace pawl::core
