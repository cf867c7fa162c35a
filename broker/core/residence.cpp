// What is in memory: loaded and touched jobs, the windows at the heads of the ready orders, the nearest
// timers.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {
constexpr std::size_t finds_most = 64;  // found for named workers in one look
}

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

std::size_t Machine::State::window_limit(const Queue& queue) const {
  if (queue.subscribers == 0) return std::min(options.window_jobs, options.window_jobs_idle);
  if (windows_bytes > options.windows_bytes)
    return std::min(options.window_jobs, 4 * options.window_jobs_idle);
  return options.window_jobs;
}

bool Line::has_any(const std::vector<std::string>& wanted) const {
  return std::ranges::any_of(wanted, [&](const std::string& name) { return names.contains(name); });
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
  line.order.emplace_hint(line.order.end(), entry.job.ready_key(), &entry);
  ++line.names[entry.job.name];
  line.bytes += entry.bytes();
  windows_bytes += entry.bytes();
  entry.line = &line;
}

void Machine::State::leave_line(Entry& entry) {
  if (entry.line == nullptr) return;
  Line& line = *std::exchange(entry.line, nullptr);
  line.order.erase(entry.job.ready_key());
  const auto name = line.names.find(entry.job.name);
  if (--name->second == 0) line.names.erase(name);
  line.bytes -= entry.bytes();
  windows_bytes -= entry.bytes();
  note_refill(*entry.queue);
}

bool Machine::State::in_window_reach(const Queue& queue, const Job& job) {
  return !queue.beyond || (queue.cursor && job.ready_key() <= *queue.cursor);
}

bool Machine::State::in_finds_reach(const Queue& queue, const Job& job) {
  if (!std::ranges::binary_search(queue.named, job.name)) return false;
  return queue.named_exhausted || (queue.named_cursor && job.ready_key() <= *queue.named_cursor);
}

// A window that has its fill takes no more at its end: what comes there, only the store has.
bool Machine::State::closes_window(Queue& queue, const ReadyKey& key) {
  if (queue.window.empty() || queue.window.size() < window_limit(queue)) return false;
  const ReadyKey& last = queue.window.order.rbegin()->first;
  if (key < last) return false;
  if (!queue.beyond) forget_finds(queue);
  queue.beyond = true;
  queue.cursor = last;
  return true;
}

// What is cut off stays in the store, and the cursor says so. A window that grew while workers asked is kept
// when they stop asking: polls come and go.
void Machine::State::trim_window(Queue& queue) {
  const std::size_t room = windows_bytes > options.windows_bytes ? window_limit(queue) : options.window_jobs;
  const std::size_t most = std::max<std::size_t>(room, 1);
  Line& window = queue.window;
  while (window.size() > most || (window.bytes > options.window_bytes && window.size() > 1)) {
    Entry& last = *window.order.rbegin()->second;
    leave_line(last);
    if (!queue.beyond) forget_finds(queue);
    queue.beyond = true;
    queue.cursor = window.order.rbegin()->first;
    if (in_finds_reach(queue, last.job))
      enter(queue.finds, last);
    else
      touch(last);
  }
  trim_finds(queue);
}

void Machine::State::trim_finds(Queue& queue) {
  const std::size_t most = std::max(options.window_jobs / 16, finds_most);
  while (queue.finds.size() > most) {
    Entry& last = *queue.finds.order.rbegin()->second;
    leave_line(last);
    touch(last);
    queue.named_cursor = queue.finds.order.rbegin()->first;
    queue.named_exhausted = false;
  }
}

void Machine::State::forget_finds(Queue& queue) {
  while (!queue.finds.empty()) {
    Entry& entry = *queue.finds.order.begin()->second;
    leave_line(entry);
    touch(entry);
  }
  queue.named.clear();
  queue.named_cursor.reset();
  queue.named_exhausted = false;
  named_queues.erase(&queue);
}

void Machine::State::note_refill(Queue& queue) {
  const bool low =
      queue.window.size() * 2 < window_limit(queue) && queue.window.bytes * 2 < options.window_bytes;
  if (queue.beyond && low) refill_queues.insert(&queue);
}

// More of its jobs will be read after this batch.
bool Machine::State::refill_due(const Queue& queue) const {
  return queue.beyond && queue.window.size() < window_limit(queue) &&
         std::ranges::find(refill_queues, &queue) != refill_queues.end();
}

// Notes that workers wait for names that the window lacks; starts anew when they are others than last time.
void Machine::State::want_named(Queue& queue) {
  if (!queue.beyond) return;
  std::vector<std::string> names;
  for (const Waiter* waiter : queue.waiters)
    names.insert(names.end(), waiter->names.begin(), waiter->names.end());
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  if (!std::ranges::includes(queue.named, names)) {
    forget_finds(queue);
    queue.named = std::move(names);
    queue.named_cursor = queue.cursor;
  }
  if (!queue.named_exhausted) named_queues.insert(&queue);
}

std::vector<NamedRequest> Machine::named_requests() const {
  std::vector<NamedRequest> requests;
  for (const Queue* queue : state_->named_queues) {
    std::optional<ReadyKey> after = queue->named_cursor;
    if (queue->cursor && (!after || *after < *queue->cursor)) after = queue->cursor;
    requests.push_back({queue->row.number, after, queue->named, finds_most, state_->options.named_scan});
  }
  return requests;
}

void Machine::load_named(QueueNumber number, std::vector<Job> rows, std::optional<ReadyKey> scanned_to,
                         bool exhausted) {
  State& state = *state_;
  Queue* queue = state.queue_of(number);
  if (queue == nullptr) return;
  state.named_queues.erase(queue);
  if (scanned_to) queue->named_cursor = scanned_to;
  queue->named_exhausted = exhausted;
  for (Job& job : rows) {
    if (state.jobs.contains(job.id)) continue;
    state.enter(queue->finds, state.adopt(std::move(job)));
  }
  state.note_matchable(*queue);
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
  for (const Queue* queue : state_->refill_queues) {
    if (!state_->refill_due(*queue)) continue;
    const std::size_t limit = state_->window_limit(*queue);
    requests.push_back(
        {queue->row.number, queue->cursor, limit - queue->window.size(),
         state_->options.window_bytes - std::min(state_->options.window_bytes, queue->window.bytes)});
  }
  return requests;
}

void Machine::load_window(QueueNumber number, std::vector<Job>&& rows, bool exhausted) {
  State& state = *state_;
  Queue* queue = state.queue_of(number);
  if (queue == nullptr) return;
  state.refill_queues.erase(queue);
  queue->beyond = !exhausted;
  for (Job& job : rows) {
    queue->cursor = job.ready_key();
    // An active job's row stands in the ready order too; and what is in memory is newer than the row.
    const auto known = state.jobs.find(job.id);
    if (known == state.jobs.end()) {
      state.enter(queue->window, state.adopt(std::move(job)));
    } else if (known->second->line == &queue->finds) {
      state.leave_line(*known->second);
      state.enter(queue->window, *known->second);
    }
  }
  if (queue->beyond)
    state.note_refill(*queue);
  else
    state.forget_finds(*queue);  // nothing is beyond: they all stand in the window now
  state.note_matchable(*queue);
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
  state.touch(state.adopt(std::move(*job)));
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
    if (it == state.jobs.end() || it->second->active || it->second->line != nullptr) continue;
    state.jobs.erase(it);
  }
  state.touched.clear();
  state.absent.clear();
  state.unique.clear();
  state.dependents.clear();
  state.dependents_news.clear();
  state.joins.clear();
  state.parents.clear();
  state.parents_news.clear();
  state.workflows.clear();
  state.members.clear();
  state.idempotency.clear();
}

}  // namespace pawl::core
