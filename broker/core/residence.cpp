// What is in memory: loaded and touched jobs, the windows at the heads of the ready orders, the nearest
// timers.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

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

void Machine::State::enter_window(Entry& entry) {
  Queue& queue = *entry.queue;
  queue.window.emplace_hint(queue.window.end(), entry.job.ready_key(), &entry);
  ++queue.window_names[entry.job.name];
  queue.window_bytes += entry.bytes();
  windows_bytes += entry.bytes();
  entry.in_window = true;
}

void Machine::State::leave_window(Entry& entry) {
  if (!entry.in_window) return;
  Queue& queue = *entry.queue;
  queue.window.erase(entry.job.ready_key());
  const auto name = queue.window_names.find(entry.job.name);
  if (--name->second == 0) queue.window_names.erase(name);
  queue.window_bytes -= entry.bytes();
  windows_bytes -= entry.bytes();
  entry.in_window = false;
  note_refill(queue);
}

// What is cut off stays in the store, and the cursor says so.
void Machine::State::trim_window(Queue& queue) {
  const std::size_t most = std::max<std::size_t>(window_limit(queue), 1);
  while (queue.window.size() > most ||
         (queue.window_bytes > options.window_bytes && queue.window.size() > 1)) {
    Entry& last = *queue.window.rbegin()->second;
    leave_window(last);
    touch(last);
    queue.beyond = true;
    const ReadyKey last_kept = queue.window.rbegin()->first;
    if (!queue.cursor || last_kept < *queue.cursor) queue.cursor = last_kept;
    queue.named.clear();  // one of those may have been cut off
  }
}

void Machine::State::note_refill(Queue& queue) {
  const bool low =
      queue.window.size() * 2 < window_limit(queue) && queue.window_bytes * 2 < options.window_bytes;
  if (queue.beyond && low) refill_queues.insert(&queue);
}

// Whether a ready job must stand in the window, by what window and cursors promise.
bool Machine::State::in_reach(const Queue& queue, const Job& job) const {
  const ReadyKey key = job.ready_key();
  if (!queue.beyond || (queue.cursor && key <= *queue.cursor)) return true;
  if (!std::ranges::binary_search(queue.named, job.name)) return false;
  return queue.named_exhausted || (queue.named_cursor && key <= *queue.named_cursor);
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
    queue.named = std::move(names);
    queue.named_cursor = queue.cursor;
    queue.named_exhausted = false;
  }
  if (!queue.named_exhausted) named_queues.insert(&queue);
}

std::vector<NamedRequest> Machine::named_requests() const {
  std::vector<NamedRequest> requests;
  for (const Queue* queue : state_->named_queues) {
    std::optional<ReadyKey> after = queue->named_cursor;
    if (queue->cursor && (!after || *after < *queue->cursor)) after = queue->cursor;
    requests.push_back({queue->row.number, after, queue->named, 64, state_->options.named_scan});
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
    state.enter_window(state.adopt(std::move(job)));
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

void Machine::State::mark_dirty(Queue& queue) {
  if (queue.dirty) return;
  queue.dirty = true;
  dirty_queues.insert(&queue);
}

std::vector<WindowRequest> Machine::window_requests() const {
  std::vector<WindowRequest> requests;
  for (const Queue* queue : state_->refill_queues) {
    const std::size_t limit = state_->window_limit(*queue);
    if (!queue->beyond || queue->window.size() >= limit) continue;
    requests.push_back(
        {queue->row.number, queue->cursor, limit - queue->window.size(),
         state_->options.window_bytes - std::min(state_->options.window_bytes, queue->window_bytes)});
  }
  return requests;
}

void Machine::load_window(QueueNumber number, std::vector<Job> rows, bool exhausted) {
  State& state = *state_;
  Queue* queue = state.queue_of(number);
  if (queue == nullptr) return;
  state.refill_queues.erase(queue);
  queue->beyond = !exhausted;
  for (Job& job : rows) {
    queue->cursor = job.ready_key();
    // An active job's row stands in the ready order too; and what is in memory is newer than the row.
    if (state.jobs.contains(job.id)) continue;
    state.enter_window(state.adopt(std::move(job)));
  }
  if (queue->beyond) state.note_refill(*queue);
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
    if (it == state.jobs.end() || it->second->active || it->second->in_window) continue;
    state.jobs.erase(it);
  }
  state.touched.clear();
  state.absent.clear();
  state.unique.clear();
  state.idempotency.clear();
}

}  // namespace pawl::core
