// Limits that have a name, shared by jobs of any queues.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

Refused no_such_limit(const std::string& name) {
  return {Refusal::unknown_limit, "there is no limit named " + name, {}, {}};
}

Refused unknown_limits(std::vector<WrongField> wrong) {
  return {Refusal::unknown_limit, wrong.front().detail, {}, {}, std::move(wrong)};
}

}  // namespace

Limit& Machine::State::limit_named(const std::string& name) {
  std::unique_ptr<Limit>& limit = limits[name];
  if (!limit) {
    limit = std::make_unique<Limit>();
    limit->row.name = name;
  }
  return *limit;
}

void Machine::State::forget_unused(Limit& limit) {
  if (limit.exists || limit.lanes > 0 || limit.active > 0 || limit.dirty || !limit.row.live.empty()) return;
  limit_wakes.erase({limit.wake_at, limit.row.name});
  limits.erase(limit.row.name);
}

void Machine::restore_limit(LimitRow row) {
  Limit& limit = state_->limit_named(row.name);
  limit.row = std::move(row);
  limit.exists = limit.row.made;
  if (limit.exists) ++state_->limits_made;
}

// When it lets a job start: at once, later, or when another ends (never).
Millis Machine::State::opens_at(const Limit& limit, Millis wall) const {
  if (!limit.exists) return wall;
  const LimitRow& row = limit.row;
  if (row.concurrency && limit.active >= *row.concurrency) return never;
  const Millis opens = std::max(wall, row.held_until);
  return row.rate ? std::max(opens, row.pace.opens_at(*row.rate, wall)) : opens;
}

void Machine::State::keep_limit(Limit& limit) {
  if (std::exchange(limit.dirty, true)) return;
  dirty_limits.insert(limit.row.name);
}

// A job that names it begins to live, or no longer does.
void Machine::State::count_live(const Job& job, bool lives) {
  for (const std::string& name : job.limits) {
    Limit& limit = limit_named(name);
    const auto number = static_cast<std::uint32_t>(job.queue);
    std::uint64_t& count = limit.row.live[number];
    lives ? ++count : count -= std::min<std::uint64_t>(count, 1);
    if (count == 0) limit.row.live.erase(number);
    keep_limit(limit);
  }
}

// The jobs of a queue are gone, all at once.
void Machine::State::forget_live(QueueNumber queue) {
  for (const auto& [name, limit] : limits) {
    if (limit->row.live.erase(static_cast<std::uint32_t>(queue)) > 0) keep_limit(*limit);
  }
}

// It may let a parked lane start: those who wait for such jobs look again.
void Machine::State::note_room(Limit& limit) {
  for (const auto& [number, lanes] : limit.parked) {
    Queue* queue = queue_of(QueueNumber{number});
    queue->reopened.insert(limit.row.name);
    note_matchable(*queue);
  }
}

// Returns false when the job names no limit that there is.
bool Machine::State::hold_limits(const Job& job, Millis until) {
  bool any = false;
  for (const std::string& name : job.limits) {
    const auto found = limits.find(name);
    if (found == limits.end() || !found->second->exists) continue;
    any = true;
    Limit& limit = *found->second;
    limit.row.held_until = std::max(limit.row.held_until, until);
    keep_limit(limit);
  }
  return any;
}

void Machine::State::note_unknown_limits(const NewJob& spec, std::optional<std::size_t> index,
                                         std::vector<WrongField>& wrong) const {
  for (std::size_t i = 0; i < spec.limits.size(); ++i) {
    const std::string& name = spec.limits[i];
    const auto limit = limits.find(name);
    if (limit != limits.end() && limit->second->exists) continue;
    if (wrong.size() == wrong_fields_max) return;
    wrong.push_back({(index ? "/jobs/" + std::to_string(*index) : "") + "/limits/" + std::to_string(i),
                     no_such_limit(name).detail + "; make it first, with PUT /limits/" + name});
  }
}

std::optional<Refused> Machine::State::check_room(const NewJob& spec) const {
  const std::string latest = latest_key(spec);
  if (spec.group.empty() && spec.limits.empty() && latest.empty()) return std::nullopt;
  const auto queue = queues.find(spec.queue);
  const bool out_of_numbers = queue != queues.end() && queue->second->row.next_lane > lane_number_max;
  // Neither takes the room of the other.
  const std::size_t held = latest.empty() ? lanes_count - latest_count : latest_count;
  if (held < options.lanes_max && !out_of_numbers) return std::nullopt;
  const bool ordered = spec.ordered || !latest.empty();
  if (queue != queues.end() &&
      queue->second->lanes_by_key.contains(LaneTerms{spec.group, spec.limits, ordered, 0, latest}))
    return std::nullopt;
  const char* what = latest.empty() ? "groups" : "latest keys";
  return Refused{
      Refusal::too_many_groups, std::string("the broker holds its limit of ") + what + " that wait", {}, {}};
}

// What a submitter says of limits and groups, against what there is.
std::optional<Refused> Machine::State::check_terms(const NewJob& spec) const {
  std::vector<WrongField> wrong;
  note_unknown_limits(spec, std::nullopt, wrong);
  return wrong.empty() ? check_room(spec) : unknown_limits(std::move(wrong));
}

std::optional<Refused> Machine::State::check_terms(const Submit& submit) const {
  std::vector<WrongField> wrong;
  for (std::size_t i = 0; i < submit.jobs.size(); ++i)
    note_unknown_limits(submit.jobs[i], submit.listed ? std::optional(i) : std::nullopt, wrong);
  if (!wrong.empty()) return unknown_limits(std::move(wrong));
  for (const NewJob& job : submit.jobs) {
    if (auto refused = check_room(job)) return refused;
  }
  return std::nullopt;
}

std::optional<Refused> Machine::State::check_terms(const std::vector<NewMember>& members) const {
  std::vector<WrongField> wrong;
  for (std::size_t i = 0; i < members.size(); ++i) note_unknown_limits(members[i].job, i, wrong);
  if (!wrong.empty()) return unknown_limits(std::move(wrong));
  for (const NewMember& member : members) {
    if (auto refused = check_room(member.job)) return refused;
  }
  return std::nullopt;
}

// Who stands against deleting it; empty when nobody does.
std::string Machine::State::users_of(const std::string& name) const {
  std::string users;
  const auto add = [&](const std::string& user) { users += (users.empty() ? "" : ", ") + user; };
  const auto& live = limits.at(name)->row.live;
  for (const auto& [queue_name, queue] : queues) {
    // Of a store that an earlier release wrote, not all were counted.
    const bool waits = std::ranges::any_of(queue->lanes, [&](const auto& item) {
      const Lane& lane = *item.second;
      return lane.has_jobs() && std::ranges::find(lane.key.limits, name) != lane.key.limits.end();
    });
    if (waits || live.contains(number_of(*queue))) add("jobs of queue " + queue_name);
  }
  const auto names_it = [&](const NewJob& job) {
    return std::ranges::find(job.limits, name) != job.limits.end();
  };
  for (const auto& [id, row] : schedules) {
    if (names_it(row.schedule.job)) add("schedule " + id);
  }
  for (const auto& [id, trigger] : triggers) {
    if (names_it(trigger.row.trigger.job)) add("trigger " + id);
  }
  return users;
}

LimitView Machine::State::view(const Limit& limit, Now now) const {
  LimitView seen{limit.row, limit.active};
  if (seen.row.held_until <= now.wall) seen.row.held_until = 0;
  return seen;
}

void Machine::State::apply(Ticket to, const PutLimit& put, Now now, Outbox& outbox) {
  const auto known = limits.find(put.name);
  const bool fresh = known == limits.end() || !known->second->exists;
  if (fresh && limits_made >= options.limits_max) {
    return outbox.reply(to,
                        Refused{Refusal::too_many_limits, "the broker holds its limit of limits", {}, {}});
  }
  Limit& limit = limit_named(put.name);
  LimitRow& row = limit.row;
  if (fresh) {
    ++limits_made;
    limit.exists = true;
    row.created_at = now.wall;
  }
  row.concurrency = put.concurrency;
  if (row.rate && put.rate)
    row.pace.change(*row.rate, *put.rate, now.wall);
  else
    row.pace = {};
  row.rate = put.rate;
  keep_limit(limit);
  note_room(limit);
  outbox.reply(to, view(limit, now));
}

void Machine::State::apply(Ticket to, const GetLimit& get, Now now, Outbox& outbox) {
  const auto limit = limits.find(get.limit);
  if (limit == limits.end() || !limit->second->exists) return outbox.reply(to, no_such_limit(get.limit));
  outbox.reply(to, view(*limit->second, now));
}

void Machine::State::apply(Ticket to, const ListLimits&, Now now, Outbox& outbox) {
  LimitList answer;
  for (const auto& [name, limit] : limits) {
    if (limit->exists) answer.limits.push_back(view(*limit, now));
  }
  outbox.reply(to, std::move(answer));
}

void Machine::State::apply(Ticket to, const DeleteLimit& remove, Now, Outbox& outbox) {
  const auto found = limits.find(remove.limit);
  if (found == limits.end() || !found->second->exists) return outbox.reply(to, no_such_limit(remove.limit));
  const std::string users = users_of(remove.limit);
  if (!users.empty())
    return outbox.reply(to, Refused{Refusal::limit_in_use, "it is named by " + users, {}, {}});
  Limit& limit = *found->second;
  --limits_made;
  limit.exists = false;
  limit.dirty = false;
  dirty_limits.erase(remove.limit);
  const std::string name = limit.row.name;
  limit.row = {};
  limit.row.name = name;
  note_room(limit);
  outbox.erase_limit(name);
  marks_dirty = true;
  forget_unused(limit);
  outbox.reply(to, LimitDeleted{name});
}

void Machine::State::apply(Ticket to, const ResumeLimit& resume, Now now, Outbox& outbox) {
  const auto found = limits.find(resume.limit);
  if (found == limits.end() || !found->second->exists) return outbox.reply(to, no_such_limit(resume.limit));
  Limit& limit = *found->second;
  limit.row.held_until = 0;
  keep_limit(limit);
  note_room(limit);
  outbox.reply(to, view(limit, now));
}

}  // namespace pawl::core
