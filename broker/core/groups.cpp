// Groups of a queue: their turns, what keeps a whole group from starting, and what is seen of them. Which of
// its jobs is next is a matter of its lanes (lanes.cpp).
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

constexpr double least_recent = 0.01;  // jobs; of fewer, nothing is told

bool is_over(const Pace& pace, Millis wall) {
  return pace.full_at_us <= wall * 1000 && (pace.counted.empty() || pace.counted.back().first <= wall);
}

// Those of its jobs that are ready, as far as memory knows.
struct Waiting {
  std::uint64_t count = 0;
  bool exact = true;
};
std::unordered_map<const Group*, Waiting> count_waiting(const Queue& queue) {
  std::unordered_map<const Group*, Waiting> counts;
  const auto add = [&](const Lane& lane) {
    Waiting& waiting = counts[lane.group];
    waiting.count += lane.window.size() + lane.finds.size();
    waiting.exact = waiting.exact && !lane.beyond;
  };
  add(queue);
  for (const auto& [number, lane] : queue.lanes) add(*lane);
  return counts;
}

struct Item {
  const Group* group;
  Recent recent;
  Waiting waiting;
};

// busy_ms: of all groups of the queue, of late.
GroupView view_of(const Item& item, double busy_ms) {
  GroupView seen{item.group->queue->row.name, item.group->name};
  seen.active = item.group->active;
  seen.waiting = item.waiting.count;
  seen.waiting_exact = item.waiting.exact;
  seen.jobs_per_minute = item.recent.jobs * 60'000 / static_cast<double>(group_memory_ms);
  seen.worker_share = busy_ms > 0 ? item.recent.busy_ms / busy_ms : 0;
  seen.pause = item.group->pause;
  return seen;
}

// Paused ones by name, then who used the most worker time of late.
bool comes_before(const Item& a, const Item& b) {
  const bool paused = a.group->pause.has_value();
  if (paused != b.group->pause.has_value()) return paused;
  if (!paused && a.recent.busy_ms != b.recent.busy_ms) return a.recent.busy_ms > b.recent.busy_ms;
  return a.group->name < b.group->name;
}

}  // namespace

void Recent::add(std::int64_t run_ms, Millis mono) {
  *this = at_time(mono);
  jobs += 1;
  busy_ms += static_cast<double>(run_ms);
}

Recent Recent::at_time(Millis mono) const {
  if (mono <= at) return *this;
  const double left = std::exp(static_cast<double>(at - mono) / static_cast<double>(group_memory_ms));
  return {jobs * left, busy_ms * left, mono};
}

Group* Machine::State::group_at(std::uint32_t queue, const std::string& name) {
  const Queue* in = queue_of(QueueNumber{queue});
  if (in == nullptr) return nullptr;
  const auto group = in->groups.find(name);
  return group == in->groups.end() ? nullptr : group->second.get();
}

Group& Machine::State::make_group(Queue& queue, const std::string& name) {
  if (queue.groups.empty() && !name.empty()) {  // its own order takes its turns too
    queue.group = &make_group(queue, {});
    ++queue.group->lanes;
    stand(queue);
  }
  std::unique_ptr<Group>& group = queue.groups[name];
  if (!group) {
    group = std::make_unique<Group>();
    group->queue = &queue;
    group->name = name;
  }
  return *group;
}

void Machine::restore_group(GroupRow row, Now now) {
  State& state = *state_;
  Queue* queue = state.queue_of(row.queue);
  if (queue == nullptr) return;
  if (is_over(row.pace, now.wall) || !queue->row.settings.group_rate_limit) row.pace = {};
  if (row.pace == Pace{} && !row.pause) {
    state.groups_over.emplace_back(row.queue, row.group);
    return;
  }
  Group& group = state.make_group(*queue, row.group);
  group.pace = std::move(row.pace);
  group.pause = std::move(row.pause);
  group.has_row = true;
}

// One that had nothing to start does not save up its turns.
void Machine::State::enter_turns(Group& group) {
  Queue& queue = *group.queue;
  group.pass = std::max(group.used, queue.turns.empty() ? queue.turn_pass : queue.turns.begin()->pass);
  queue.turns.insert({group.pass, group.served, &group});
  group.in_turns = true;
}

void Machine::State::leave_turns(Group& group) {
  if (!std::exchange(group.in_turns, false)) return;
  group.queue->turns.erase({group.pass, group.served, &group});
}

Millis Machine::State::opens_at(const Group& group, Millis wall) const {
  if (group.name.empty()) return wall;
  if (group.pause) return never;
  const QueueSettings& settings = group.queue->row.settings;
  if (settings.group_concurrency && group.active >= *settings.group_concurrency) return never;
  return settings.group_rate_limit ? group.pace.opens_at(*settings.group_rate_limit, wall) : wall;
}

void Machine::State::park(Group& group, Millis until) {
  leave_turns(group);
  group.parked = true;
  group.wake_at = until;
  if (until != never) group_wakes.emplace(until, number_of(*group.queue), group.name);
}

void Machine::State::unpark(Group& group) {
  if (!std::exchange(group.parked, false)) return;
  group_wakes.erase({std::exchange(group.wake_at, never), number_of(*group.queue), group.name});
  if (!group.heads.empty()) enter_turns(group);
  note_matchable(*group.queue);
}

void Machine::State::change_group_rate(Queue& queue, const std::optional<RateLimit>& limit, Now now) {
  std::optional<RateLimit>& setting = queue.row.settings.group_rate_limit;
  for (const auto& [name, group] : queue.groups) {
    if (group->pace == Pace{}) continue;
    if (setting && limit)
      group->pace.change(*setting, *limit, now.wall);
    else
      group->pace = {};
    dirty_groups.emplace(number_of(queue), name);
  }
  setting = limit;
}

// One without jobs, and without anything to remember, needs no room.
void Machine::State::forget_if_idle(Group& group) {
  if (group.lanes > 0 || group.pause || !is_over(group.pace, marks.wall)) return;
  Queue& queue = *group.queue;
  unpark(group);
  if (group.has_row) groups_over.emplace_back(queue.row.number, group.name);
  dirty_groups.erase({number_of(queue), group.name});
  queue.groups.erase(group.name);
}

// ── Pauses ──

std::optional<Refused> Machine::State::set_pause(Queue& queue, const PauseGroup& pause, Now now) {
  const auto has_pause = [](const auto& item) { return item.second->pause.has_value(); };
  const Group* known = group_at(number_of(queue), pause.group);
  const bool fresh = known == nullptr || !known->pause;
  if (fresh && std::ranges::count_if(queue.groups, has_pause) >= groups_paused_max) {
    return Refused{Refusal::too_many_paused_groups,
                   "queue " + queue.row.name + " has " + std::to_string(groups_paused_max) +
                       " paused groups, as many as it may; resume one, or pause the queue",
                   {},
                   {}};
  }
  Group& group = make_group(queue, pause.group);
  group.pause = GroupPause{pause.reason, fresh ? now.wall : group.pause->since};
  dirty_groups.emplace(number_of(queue), group.name);
  return std::nullopt;
}

void Machine::State::apply(Ticket to, const PauseGroup& pause, Now now, Outbox& outbox) {
  Queue* queue = queue_of(pause.queue);
  if (queue == nullptr) return outbox.reply(to, no_such_queue(pause.queue));
  if (pause.paused) {
    if (auto refused = set_pause(*queue, pause, now)) return outbox.reply(to, *std::move(refused));
  }
  Group* group = group_at(number_of(*queue), pause.group);
  if (group == nullptr) return outbox.reply(to, GroupView{pause.queue, pause.group});
  if (!pause.paused && group->pause) {
    group->pause.reset();
    dirty_groups.emplace(number_of(*queue), group->name);
    unpark(*group);
  }
  outbox.reply(to, view(*group, now));
  forget_if_idle(*group);
}

// ── What is seen ──

GroupView Machine::State::view(const Group& group, Now now) const {
  double busy_ms = 0;
  for (const auto& [name, other] : group.queue->groups) busy_ms += other->recent.at_time(now.mono).busy_ms;
  return view_of({&group, group.recent.at_time(now.mono), count_waiting(*group.queue)[&group]}, busy_ms);
}

void Machine::State::apply(Ticket to, const ListGroups& list, Now now, Outbox& outbox) {
  const Queue* queue = queue_of(list.queue);
  if (queue == nullptr) return outbox.reply(to, no_such_queue(list.queue));
  auto counts = count_waiting(*queue);
  std::vector<Item> items;
  double busy_ms = 0;
  for (const auto& [name, group] : queue->groups) {
    const Item item{group.get(), group->recent.at_time(now.mono), counts[group.get()]};
    busy_ms += item.recent.busy_ms;
    if (list.group && *list.group != name) continue;
    const bool has_jobs = group->active > 0 || item.waiting.count > 0 || !item.waiting.exact;
    if (group->pause || (!list.only_paused && (has_jobs || item.recent.jobs >= least_recent)))
      items.push_back(item);
  }
  GroupList answer;
  answer.total = items.size();
  const std::size_t shown = std::min(list.max, items.size());
  std::ranges::partial_sort(items, items.begin() + static_cast<std::ptrdiff_t>(shown), comes_before);
  items.resize(shown);
  for (const Item& item : items) answer.groups.push_back(view_of(item, busy_ms));
  outbox.reply(to, std::move(answer));
}

}  // namespace pawl::core
