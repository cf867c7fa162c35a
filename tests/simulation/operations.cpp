#include "tests/simulation/operations.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace pawl::sim {

using namespace core;
using engine::OperationRow;
using engine::OperationSpec;
using engine::OperationView;
using Action = OperationSpec::Action;
using State = OperationView::State;

namespace {

constexpr std::uint64_t not_left = UINT64_MAX;
constexpr Millis kept_for_ms = 7 * 86'400'000ll;

bool of_dead_letters(Action action) { return action == Action::replay || action == Action::purge; }
bool is_over(State state) { return state != State::running && state != State::paused; }
bool waits(Status status) {
  return is_ready(status) || status == Status::delayed || status == Status::blocked;
}

bool matches(const OperationSpec& spec, const std::optional<OperationFacts>& job) {
  if (!job || (!spec.queue.empty() && job->queue != spec.queue)) return false;
  const engine::JobFilter& filter = spec.filter;
  if (filter.name && *filter.name != job->name) return false;
  if (filter.error_type && job->error_type != *filter.error_type) return false;
  if (of_dead_letters(spec.action)) return job->status == Status::failed;
  if (spec.action == Action::drain) return waits(job->status);
  return filter.status.empty() || std::ranges::find(filter.status, job->status) != filter.status.end();
}

std::string encoded(const OperationRow& row) {
  std::string bytes;
  engine::encode_operation(row, bytes);
  return bytes;
}

[[noreturn]] void wrong(std::string_view invariant, const OperationView& view, const std::string& text) {
  violated(invariant, fmt::format("operation {} (action {}, state {}, done {}, skipped {}, refused {}): {}",
                                  view.id, static_cast<int>(view.spec.action), static_cast<int>(view.state),
                                  view.done, view.skipped, view.refused, text));
}

}  // namespace

std::optional<OperationFacts> OperationsModel::facts_of(const JobId& id) const {
  const auto found = model_.jobs().find(id);
  if (found == model_.jobs().end()) return std::nullopt;
  const ModelJob& job = found->second;
  return OperationFacts{
      job.spec->queue, job.spec->name, job.error_types.empty() ? std::string() : job.error_types.back(),
      job.status,      job.created_at, job.finished_at};
}

void OperationsModel::moved(const Job& job, Status from) {
  building_.moves.push_back({job.id, from, job.status});
}
void OperationsModel::changed(const JobId& id) { building_.moves.push_back({id, {}, {}, true}); }

void OperationsModel::told_paused(const std::string& id, bool paused) {
  const auto it = accounts_.find(id);
  if (it != accounts_.end()) it->second.paused = paused;
}

void OperationsModel::told_started(const OperationView& view, const OperationSpec& asked) {
  OperationRow row;
  row.view = view;
  OperationRow wanted = row;
  wanted.view.spec = asked;
  if (encoded(row) != encoded(wanted)) wrong("B5", view, "is not what was asked for");
  if (!accounts_.contains(view.id)) wrong("B5", view, "was told and is not on disk");
}

std::size_t OperationsModel::running() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      accounts_, [](const auto& item) { return !item.second.erased && !is_over(item.second.view().state); }));
}

void OperationsModel::close_batch(std::uint64_t number, Now now) {
  wall_max_ = std::max(wall_max_, now.wall);
  take_moves(number);
  if (!building_.acts.empty() && building_.rows.size() != 1)
    violated("B1", "jobs were changed by an operation whose row is not in their batch");
  for (const OperationRow& row : building_.rows) take_row(row, number, now);
  for (const std::string& id : building_.erased) {
    Account& account = accounts_.at(id);
    if (!is_over(account.view().state) || account.view().finished_at + kept_for_ms > wall_max_)
      wrong("B5", account.view(), "is forgotten before its time");
    account.erased = number;
    rare_.add(Rare::operation_forgotten_after_a_week);
  }
  building_ = {};
}

void OperationsModel::take_moves(std::uint64_t number) {
  for (auto& [id, account] : accounts_) {
    const bool drain = account.view().spec.action == Action::drain;
    for (const Building::Move& move : building_.moves) {
      const bool came_due = (move.from == Status::delayed || move.from == Status::blocked) && waits(move.to);
      const bool stays = move.only_changed || (drain && came_due);
      const auto waiting = account.waits.find(move.job);
      if (waiting != account.waits.end() && waiting->second == not_left) {
        if (!stays) waiting->second = number;
        if (stays && !is_over(account.view().state)) rare_.add(Rare::operation_job_moved_on_meanwhile);
      }
      const auto ends = account.ends.find(move.job);
      if (ends != account.ends.end() && !move.only_changed && is_end(move.to))
        ends->second.push_back({number, move.to == Status::failed});
    }
  }
}

void OperationsModel::take_row(const OperationRow& row, std::uint64_t number, Now now) {
  Account& account = accounts_[row.view.id];
  const bool first = account.rows.empty();
  const OperationView before = first ? OperationView{} : account.view();
  account.rows.push_back({row, encoded(row), number});
  if (first) begin(account, now);
  if (account.rows.size() > 64 && account.rows[1].batch + 64 < number)
    account.rows.erase(account.rows.begin());
  if (is_over(before.state)) wrong("B5", row.view, "goes on after its end");
  if (!building_.acts.empty() && account.paused) wrong("B7", row.view, "goes on while it is paused");
  check_acts(account, building_.acts);
  for (const OperationAct& act : building_.acts) {
    account.acts.push_back({act, number});
    if (act.made) account.ends[*act.made];
    if (act.made && act.facts && act.facts->status == Status::active)
      rare_.add(Rare::operation_took_an_active_job);
    if (!act.made) rare_.add(Rare::operation_passed_a_job_over);
  }
  check_counts(account);
  check_pace(account);
  check_care(account, before);
  if (row.view.counted && !before.counted) {
    const auto still = std::ranges::count_if(account.waits, [&](const auto& item) {
      return item.second == not_left && model_.find(item.first, wall_max_) != nullptr;
    });
    if (row.view.found < static_cast<std::uint64_t>(still))
      wrong("B2", row.view, fmt::format("counted {} of {}", row.view.found, still));
  }
  if (row.view.state == State::done) check_whole(account);
  if (row.view.state == State::stopped) rare_.add(Rare::replay_stopped_by_its_rule);
}

void OperationsModel::begin(Account& account, Now now) const {
  account.began = now.wall;
  const OperationSpec& spec = account.view().spec;
  for (const auto& [id, job] : model_.jobs()) {
    if (matches(spec, facts_of(id)) && model_.find(id, wall_max_) != nullptr)
      account.waits.emplace(id, not_left);
  }
}

// Its own jobs, each once.
void OperationsModel::check_acts(const Account& account, const std::vector<OperationAct>& acts) const {
  const OperationView& view = account.view();
  std::map<JobId, int> seen;
  for (const Act& act : account.acts) {
    if (act.what.made) ++seen[act.what.job];
  }
  for (const OperationAct& act : acts) {
    if (!act.made) continue;
    if (seen[act.job]++ > 0) wrong("B1", view, fmt::format("changes job {} twice", short_id(act.job)));
    if (!matches(view.spec, act.facts))
      wrong("B1", view, fmt::format("changes job {}, which it does not ask for", short_id(act.job)));
    const Millis since = of_dead_letters(view.spec.action) ? act.facts->finished_at : act.facts->created_at;
    if (since > account.began)
      wrong("B1", view, fmt::format("changes job {}, which came later than it", short_id(act.job)));
  }
}

void OperationsModel::check_counts(const Account& account) const {
  const OperationView& view = account.view();
  const auto changed = static_cast<std::uint64_t>(
      std::ranges::count_if(account.acts, [](const Act& act) { return act.what.made.has_value(); }));
  const std::uint64_t others = account.acts.size() - changed;
  if (view.done != changed) wrong("B1", view, fmt::format("says {} of {} changes", view.done, changed));
  if (view.skipped + view.refused != others)
    wrong("B1", view, fmt::format("says {} of {} left out", view.skipped + view.refused, others));
}

// By the true time: a restart and a clock that is set change nothing.
void OperationsModel::check_pace(const Account& account) const {
  const double rate = account.view().spec.per_second;
  if (rate <= 0) return;
  const auto most = static_cast<std::size_t>(std::max(std::floor(rate), 1.0));
  const auto window = static_cast<Millis>(rate < 1 ? 1000 / rate : 1000);
  std::size_t recent = 0;
  for (auto act = account.acts.rbegin(); act != account.acts.rend(); ++act) {
    if (act->what.elapsed + window <= account.acts.back().what.elapsed) break;
    if (++recent > most) wrong("B3", account.view(), fmt::format("more than {} in {} ms", most, window));
  }
  if (recent == most) rare_.add(Rare::operation_pace_used_up);
}

bool OperationsModel::has_ended(const Account& account, const JobId& made) const {
  const auto ends = account.ends.find(made);
  return (ends != account.ends.end() && !ends->second.empty()) || model_.find(made, wall_max_) == nullptr;
}

// A canary goes ahead; a rule that is broken stops it, and nothing else does.
void OperationsModel::check_care(const Account& account, const OperationView& before) const {
  const OperationView& view = account.view();
  if (view.spec.action != Action::replay) return;
  if (view.spec.canary > 0 && !view.canary_passed && view.done > view.spec.canary)
    wrong("B4", view, fmt::format("more than its canary of {}", view.spec.canary));
  std::uint64_t failed = 0;
  for (const auto& [id, ends] : account.ends) failed += std::ranges::any_of(ends, &End::failed) ? 1 : 0;
  if (view.failed > failed) wrong("B4", view, fmt::format("says {} of {} failed again", view.failed, failed));
  if (view.ended > view.done) wrong("B4", view, fmt::format("says {} ended", view.ended));
  const double bound = view.spec.stop_on_failure_rate.value_or(0);
  const bool breaks = static_cast<double>(view.failed) > bound * static_cast<double>(view.ended);
  if (view.state == State::stopped && !breaks) wrong("B4", view, "stopped although its rule held");
  if (!view.canary_passed || before.canary_passed) return;
  rare_.add(Rare::replay_canary_passed);
  if (view.done < view.spec.canary) wrong("B4", view, fmt::format("sent no canary of {}", view.spec.canary));
  for (const auto& [id, ends] : account.ends) {
    if (!has_ended(account, id))
      wrong("B4", view, fmt::format("goes on before job {} of its canary has ended", short_id(id)));
  }
  if (breaks) wrong("B4", view, "goes on although its canary failed");
}

void OperationsModel::check_whole(const Account& account) const {
  std::vector<JobId> seen;
  for (const Act& act : account.acts) seen.push_back(act.what.job);
  std::ranges::sort(seen);
  for (const auto& [id, left] : account.waits) {
    if (left != not_left || std::ranges::binary_search(seen, id)) continue;
    if (model_.find(id, wall_max_) == nullptr) continue;  // its record is gone
    if (matches(account.view().spec, facts_of(id)))
      wrong("B2", account.view(), fmt::format("is done without job {}", short_id(id)));
  }
}

void OperationsModel::recover(std::uint64_t kept, const std::map<std::string, std::string>& rows) {
  building_ = {};
  for (auto it = accounts_.begin(); it != accounts_.end();) {
    Account& account = it->second;
    const std::size_t had = account.rows.size();
    std::erase_if(account.rows, [&](const Row& row) { return row.batch > kept; });
    if (account.rows.size() < had) rare_.add(Rare::operation_slice_lost_in_a_crash);
    std::erase_if(account.acts, [&](const Act& act) { return act.batch > kept; });
    if (account.erased && *account.erased > kept) account.erased.reset();
    for (auto& [id, left] : account.waits) {
      if (left != not_left && left > kept) left = not_left;
    }
    for (auto& [id, ends] : account.ends)
      std::erase_if(ends, [&](const End& end) { return end.batch > kept; });
    std::set<JobId> made;
    for (const Act& act : account.acts) {
      if (act.what.made) made.insert(*act.what.made);
    }
    std::erase_if(account.ends, [&](const auto& ends) { return !made.contains(ends.first); });
    const auto row = rows.find(it->first);
    const bool there = !account.rows.empty() && !account.erased;
    if (there != (row != rows.end()) || (there && row->second != account.rows.back().bytes))
      violated("B5", fmt::format("operation {} is not as it stood in the batches that were kept", it->first));
    if (there && !is_over(account.view().state)) rare_.add(Rare::operation_went_on_after_a_restart);
    it = there ? std::next(it) : accounts_.erase(it);
  }
  for (const auto& [id, bytes] : rows) {
    if (!accounts_.contains(id)) violated("B5", fmt::format("operation {} was never started", id));
  }
}

void OperationsModel::restarted(const std::vector<OperationView>& views) const {
  if (views.size() != accounts_.size())
    violated("B5", fmt::format("a restart knows {} of {} operations", views.size(), accounts_.size()));
  for (const OperationView& view : views) {
    const auto known = accounts_.find(view.id);
    if (known == accounts_.end() || known->second.view().state != view.state ||
        known->second.view().done != view.done)
      wrong("B5", view, "is not as it stood before the restart");
  }
}

void OperationsModel::audit_quiet() const {
  for (const auto& [id, account] : accounts_) {
    if (account.erased || account.view().state != State::running || account.paused) continue;
    const OperationSpec& spec = account.view().spec;
    if (spec.per_second > 0 || spec.canary > 0 || spec.stop_on_failure_rate) continue;
    wrong("B6", account.view(), "has not ended although nothing is in its way");
  }
}

}  // namespace pawl::sim
