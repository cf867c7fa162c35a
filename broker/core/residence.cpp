// What is in memory: loaded and touched jobs, the windows at the heads of the ready orders, the nearest
// timers.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {
constexpr std::size_t finds_most = 64;   // found for named workers in one look
constexpr std::size_t few_in_line = 16;  // whose names are not counted

// What a job that is kept takes: also what a window does not count, since one that has failed some times may
// be large by its errors alone.
std::size_t kept_size(const Entry& entry) {
  const Job& job = entry.job;
  std::size_t bytes = sizeof(Entry) + (job.payload ? job.payload->size() : 0) + entry.steps_bytes +
                      job.history.size() * sizeof(Transition);
  for (const AttemptError& error : job.errors)
    bytes += sizeof error + error.type.size() + error.message.size() + error.stack.size();
  for (const std::string& tag : job.tags) bytes += sizeof tag + tag.size();
  return bytes + job.message.size() + (job.result ? job.result->size() : 0);
}

}  // namespace

Entry* Machine::State::find(const JobId& id) {
  const auto it = jobs.find(id);
  return it == jobs.end() || it->second->gone ? nullptr : it->second.get();
}

const Entry* Machine::State::find(const JobId& id) const {
  const auto it = jobs.find(id);
  return it == jobs.end() || it->second->gone ? nullptr : it->second.get();
}

Entry* Machine::State::find(const JobId& id, Now now) {
  Entry* entry = find(id);
  if (entry != nullptr && entry->job.expires_at != 0 && entry->job.expires_at <= now.wall) return nullptr;
  return entry;
}

Entry& Machine::State::adopt(Job job) {
  auto entry = std::make_unique<Entry>();
  entry->queue = queue_of(job.queue);
  entry->job = std::move(job);
  entry->row = place_of(entry->job.status);
  entry->steps_bytes = entry->job.steps_bytes() + entry->job.parents_bytes();
  Entry& adopted = *entry;
  absent.erase(adopted.job.id);
  jobs[adopted.job.id] = std::move(entry);
  return adopted;
}

// Many lanes: a few jobs of each. Few: they share what a queue may have.
std::size_t Machine::State::lane_share(const Queue& queue) const {
  const std::size_t share = options.window_jobs / std::max<std::size_t>(queue.lanes.size(), 1);
  return std::max(share, std::min(options.window_jobs, options.window_jobs_lane));
}

std::size_t Machine::State::window_limit(const Lane& lane) const {
  const Queue& queue = *lane.queue;
  if (lane.number != 0) {
    const bool few = queue.subscribers == 0 || windows_bytes > options.windows_bytes;
    if (few) return std::min<std::size_t>(options.window_jobs, 2);
    return lane_share(queue);
  }
  if (queue.subscribers == 0) return std::min(options.window_jobs, options.window_jobs_idle);
  if (windows_bytes > options.windows_bytes)
    return std::min(options.window_jobs, 4 * options.window_jobs_idle);
  return options.window_jobs;
}

void Line::add(Entry& entry) {
  order.emplace_hint(order.end(), entry.job.ready_key(), &entry);
  bytes += entry.bytes();
  if (!names.empty())
    ++names[entry.job.name];
  else if (order.size() > few_in_line)
    for (const auto& [key, each] : order) ++names[each->job.name];
}

void Line::remove(const Entry& entry) {
  order.erase(entry.job.ready_key());
  bytes -= entry.bytes();
  if (names.empty()) return;
  const auto name = names.find(entry.job.name);
  if (--name->second == 0) names.erase(name);
  if (order.size() <= few_in_line / 2) names.clear();
}

// REQUIRES: they are sorted.
bool Line::has_any(const std::vector<std::string>& wanted) const {
  if (!names.empty())
    return std::ranges::any_of(wanted, [&](const std::string& name) { return names.contains(name); });
  return std::ranges::any_of(
      order, [&](const auto& item) { return std::ranges::binary_search(wanted, item.second->job.name); });
}

Entry* Line::first(const std::vector<std::string>& wanted) const {
  if (wanted.empty()) return order.empty() ? nullptr : order.begin()->second;
  if (!has_any(wanted)) return nullptr;
  for (const auto& [key, entry] : order) {
    if (std::ranges::binary_search(wanted, entry->job.name)) return entry;
  }
  return nullptr;
}

void Machine::State::enter(Line& line, Entry& entry) {
  line.add(entry);
  windows_bytes += entry.bytes();
  entry.line = &line;
  Lane& lane = *entry.lane;
  if (lane.number != 0 && &line == &lane.window) ++lane.queue->lined;
  if (lane.queue->has_lanes()) stand(lane);
}

void Machine::State::leave_line(Entry& entry) {
  if (entry.line == nullptr) return;
  Line& line = *std::exchange(entry.line, nullptr);
  line.remove(entry);
  windows_bytes -= entry.bytes();
  Lane& lane = *entry.lane;
  if (lane.number != 0 && &line == &lane.window) --lane.queue->lined;
  note_refill(lane);
  if (!lane.queue->has_lanes()) return;
  stand(lane);
  // What comes next is a first job again, and is looked at.
  if (lane.parked && lane.window.empty() && lane.finds.empty() && !lane.beyond) unpark(lane);
}

bool Machine::State::in_window_reach(const Lane& lane, const Job& job) {
  return !lane.beyond || (lane.cursor && job.ready_key() <= *lane.cursor);
}

bool Machine::State::in_finds_reach(const Lane& lane, const Job& job) {
  if (!std::ranges::binary_search(lane.named, job.name)) return false;
  return lane.named_exhausted || (lane.named_cursor && job.ready_key() <= *lane.named_cursor);
}

// A window that has its fill takes no more at its end: what comes there, only the store has.
bool Machine::State::closes_window(Lane& lane, const ReadyKey& key) {
  if (lane.window.empty() || lane.window.size() < window_limit(lane)) return false;
  const ReadyKey& last = lane.window.order.rbegin()->first;
  if (key < last) return false;
  if (!lane.beyond) forget_finds(lane);
  lane.beyond = true;
  lane.cursor = last;
  return true;
}

// What is cut off stays in the store, and the cursor says so. A window that grew while workers asked is kept
// when they stop asking: polls come and go.
void Machine::State::trim_window(Lane& lane) {
  std::size_t room = windows_bytes > options.windows_bytes ? window_limit(lane) : options.window_jobs;
  if (lane.number != 0) room = std::min(room, lane_share(*lane.queue));
  const std::size_t most = std::max<std::size_t>(room, 1);
  Line& window = lane.window;
  while (window.size() > most || (window.bytes > options.window_bytes && window.size() > 1)) {
    Entry& last = *window.order.rbegin()->second;
    leave_line(last);
    if (!lane.beyond) forget_finds(lane);
    lane.beyond = true;
    lane.cursor = window.order.rbegin()->first;
    if (in_finds_reach(lane, last.job))
      enter(lane.finds, last);
    else
      touch(last);
  }
  trim_finds(lane);
}

void Machine::State::trim_finds(Lane& lane) {
  const std::size_t most = std::max(options.window_jobs / 16, finds_most);
  while (lane.finds.size() > most) {
    Entry& last = *lane.finds.order.rbegin()->second;
    leave_line(last);
    touch(last);
    lane.named_cursor = lane.finds.order.rbegin()->first;
    lane.named_exhausted = false;
  }
}

void Machine::State::forget_finds(Lane& lane) {
  while (!lane.finds.empty()) {
    Entry& entry = *lane.finds.order.begin()->second;
    leave_line(entry);
    touch(entry);
  }
  lane.named.clear();
  lane.named_cursor.reset();
  lane.named_exhausted = false;
  named_lanes.erase(&lane);
}

// Of the lanes whose turns come next, which hold little while nobody asks.
void Machine::State::note_refills(Queue& queue) {
  constexpr int most = 64;
  int looked_at = 0;
  for (const Turn& turn : queue.turns) {
    for (const Head& head : turn.group->heads) {
      if (++looked_at > most) return;
      note_refill(*head.lane);
    }
  }
}

void Machine::State::note_refill(Lane& lane) {
  const bool low =
      lane.window.size() * 2 < window_limit(lane) && lane.window.bytes * 2 < options.window_bytes;
  if (lane.beyond && low) refill_lanes.insert(&lane);
}

// More of its jobs will be read after this batch.
bool Machine::State::refill_due(const Lane& lane) const {
  return lane.beyond && lane.window.size() < window_limit(lane) &&
         refill_lanes.contains(const_cast<Lane*>(&lane));
}

// The same of any of its lanes.
bool Machine::State::reads_on(const Queue& queue) const {
  const auto first = refill_lanes.lower_bound(const_cast<Queue*>(&queue));
  for (auto lane = first; lane != refill_lanes.end() && (*lane)->queue == &queue; ++lane) {
    if (refill_due(**lane)) return true;
  }
  return false;
}

// Notes that workers wait for names that the window lacks; starts anew when they are others than last time.
void Machine::State::want_named(Queue& queue) {
  std::vector<std::string> names;
  for (const Waiter* waiter : queue.waiters)
    names.insert(names.end(), waiter->names.begin(), waiter->names.end());
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  want_named(queue, names);
  for (const auto& [number, lane] : queue.lanes) want_named(*lane, names);
}

void Machine::State::want_named(Lane& lane, const std::vector<std::string>& names) {
  if (!lane.beyond || lane.key.ordered) return;
  if (!std::ranges::includes(lane.named, names)) {
    forget_finds(lane);
    lane.named = names;
    lane.named_cursor = lane.cursor;
  }
  if (!lane.named_exhausted) named_lanes.insert(&lane);
}

std::vector<NamedRequest> Machine::named_requests() const {
  std::vector<NamedRequest> requests;
  for (const Lane* lane : state_->named_lanes) {
    std::optional<ReadyKey> after = lane->named_cursor;
    if (lane->cursor && (!after || *after < *lane->cursor)) after = lane->cursor;
    requests.push_back(
        {lane->queue->row.number, lane->number, after, lane->named, finds_most, state_->options.named_scan});
  }
  return requests;
}

void Machine::load_named(QueueNumber number, std::uint32_t lane_number, std::vector<Job> rows,
                         std::optional<ReadyKey> scanned_to, bool exhausted) {
  State& state = *state_;
  Lane* lane = state.lane_at(static_cast<std::uint32_t>(number), lane_number);
  if (lane == nullptr) return;
  state.named_lanes.erase(lane);
  if (scanned_to) lane->named_cursor = scanned_to;
  lane->named_exhausted = exhausted;
  for (Job& job : rows) {
    if (state.jobs.contains(job.id)) continue;
    Entry& entry = state.adopt(std::move(job));
    entry.lane = lane;
    state.enter(lane->finds, entry);
  }
  state.note_matchable(*lane->queue);
}

void Machine::State::add_timer(Millis due, const JobId& id) {
  const std::pair key{due, id};
  if (timers_beyond && !(timer_cursor && key <= *timer_cursor)) return;
  timers.insert(key);
  if (!timers_beyond && (!timer_cursor || *timer_cursor < key)) timer_cursor = key;
  while (timers.size() > options.timer_window) {
    timers.erase(std::prev(timers.end()));
    timers_beyond = true;
    timer_cursor = *timers.rbegin();
  }
}

// A job that is due soon stays when it is touched, so that it need not be read when it is due.
void Machine::State::keep_if_soon(Entry& entry) {
  if (entry.job.status != Status::delayed || entry.job.run_at > marks.wall + options.soon_ms) return;
  if (entry.kept_bytes != 0 || soon_full) return;
  const std::size_t bytes = kept_size(entry);
  soon_full = soon_bytes + bytes > options.soon_bytes;
  if (soon_full) return;
  entry.kept_bytes = bytes;
  soon_bytes += bytes;
}

void Machine::State::keep_no_longer(Entry& entry) {
  soon_bytes -= std::exchange(entry.kept_bytes, 0);
  if (soon_bytes <= options.soon_bytes / 2) soon_full = false;
}

std::vector<JobId> Machine::due_soon(Now now) {
  State& state = *state_;
  std::vector<JobId> ids;
  if (state.soon_full) return ids;
  auto timer = state.soon_cursor ? state.timers.upper_bound(*state.soon_cursor) : state.timers.begin();
  for (; timer != state.timers.end() && ids.size() < state.options.soon_slice; ++timer) {
    if (timer->first > now.wall + state.options.soon_ms) break;
    state.soon_cursor = *timer;
    const JobId& id = timer->second;
    if (!state.known(id) && state.queue_of(id.queue()) != nullptr) ids.push_back(id);
  }
  return ids;
}

Queue* Machine::State::queue_of(const std::string& name) {
  const auto it = queues.find(name);
  return it == queues.end() ? nullptr : it->second.get();
}

Queue* Machine::State::queue_of(QueueNumber number) {
  const auto it = queues_by_number.find(static_cast<std::uint32_t>(number));
  return it == queues_by_number.end() ? nullptr : it->second;
}

Queue& Machine::State::make_queue(const std::string& name, Millis wall) {
  if (Queue* known = queue_of(name)) return *known;
  auto queue = std::make_unique<Queue>();
  queue->queue = queue.get();
  queue->row.number = QueueNumber{marks.next_queue++};
  queue->row.name = name;
  queue->row.created_at = wall;
  marks_dirty = true;
  Queue& made = *queue;
  queues_by_number[static_cast<std::uint32_t>(made.row.number)] = &made;
  queues[name] = std::move(queue);
  mark_dirty(made);
  return made;
}

bool Machine::State::has_room_for_queues(std::size_t more) const {
  return queues.size() + more <= options.queues_max && marks.next_queue + more <= queue_number_max;
}

void Machine::State::mark_dirty(Queue& queue) {
  if (queue.dirty) return;
  queue.dirty = true;
  dirty_queues.insert(&queue);
}

std::vector<WindowRequest> Machine::window_requests() const {
  std::vector<WindowRequest> requests;
  for (const Lane* lane : state_->refill_lanes) {
    if (!state_->refill_due(*lane)) continue;
    const std::size_t limit = state_->window_limit(*lane);
    requests.push_back(
        {lane->queue->row.number, lane->number, lane->cursor, limit - lane->window.size(),
         state_->options.window_bytes - std::min(state_->options.window_bytes, lane->window.bytes)});
  }
  return requests;
}

void Machine::load_window(QueueNumber number, std::uint32_t lane_number, std::vector<Job>&& rows,
                          bool exhausted) {
  State& state = *state_;
  Lane* lane = state.lane_at(static_cast<std::uint32_t>(number), lane_number);
  if (lane == nullptr) return;
  state.refill_lanes.erase(lane);
  lane->beyond = !exhausted;
  for (Job& job : rows) {
    lane->cursor = job.ready_key();
    // An active job's row stands in the ready order too; and what is in memory is newer than the row.
    const auto known = state.jobs.find(job.id);
    if (known == state.jobs.end()) {
      Entry& entry = state.adopt(std::move(job));
      entry.lane = lane;
      state.enter(lane->window, entry);
    } else if (known->second->line == &lane->finds) {
      state.leave_line(*known->second);
      state.enter(lane->window, *known->second);
    }
  }
  if (lane->beyond)
    state.note_refill(*lane);
  else
    state.forget_finds(*lane);  // nothing is beyond: they all stand in the window now
  state.note_matchable(*lane->queue);
}

std::optional<TimerRequest> Machine::timer_request() const {
  const State& state = *state_;
  if (!state.timers_beyond || state.timers.size() * 2 > state.options.timer_window) return std::nullopt;
  return TimerRequest{state.timer_cursor, state.options.timer_window - state.timers.size()};
}

void Machine::load_timers(const std::vector<std::pair<Millis, JobId>>& rows, bool exhausted) {
  State& state = *state_;
  state.timers.insert(rows.begin(), rows.end());
  if (!rows.empty()) state.timer_cursor = rows.back();
  state.timers_beyond = !exhausted;
}

void Machine::load_job(const JobId& id, std::optional<Job> job) {
  State& state = *state_;
  if (state.jobs.contains(id)) return;
  if (!job || state.queue_of(job->queue) == nullptr) {
    state.absent.insert(id);
    return;
  }
  Entry& entry = state.adopt(std::move(*job));
  state.keep_if_soon(entry);
  state.touch(entry);
}

void Machine::load_unique(QueueNumber queue, const std::string& key, std::optional<UniqueRow> row) {
  state_->unique.try_emplace({static_cast<std::uint32_t>(queue), key}, row);
}

void Machine::load_idempotency(const std::string& key, std::optional<IdempotencyRow> row) {
  state_->idempotency.try_emplace(key, std::move(row));
}

void Machine::after_commit() {
  State& state = *state_;
  for (const JobId& id : state.touched) {
    const auto it = state.jobs.find(id);
    if (it == state.jobs.end()) continue;
    const Entry& entry = *it->second;
    if (entry.active || entry.line != nullptr || entry.kept_bytes != 0) continue;
    state.jobs.erase(it);
  }
  state.touched.clear();
  state.absent.clear();
  state.lane_numbers.clear();
  if (state.lanes_count > state.options.lanes_idle_max) state.forget_idle_lanes();
  state.unique.clear();
  state.dependents.clear();
  state.dependents_news.clear();
  state.dependents_gone.clear();
  state.joins.clear();
  state.parents.clear();
  state.parents_news.clear();
  state.workflows.clear();
  state.members.clear();
  state.members_news.clear();
  state.idempotency.clear();
}

}  // namespace pawl::core
