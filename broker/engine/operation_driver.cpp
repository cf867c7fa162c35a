#include "broker/engine/operation_driver.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/engine/bulk_reader.h"
#include "broker/engine/letter_reader.h"
#include "broker/engine/list_merge.h"
#include "broker/engine/operation_audit.h"
#include "broker/engine/replay_watch.h"

namespace pawl::engine {

using core::JobId;
using core::Millis;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds when_busy{20};
constexpr milliseconds look_every{100};
constexpr Millis keep_ended_ms = 7 * 86'400'000ll;

// A UUIDv7 (RFC 9562 5.7).
JobId new_uuid(Millis wall, std::uint64_t random_a, std::uint64_t random_b) {
  const std::uint64_t high = static_cast<std::uint64_t>(wall) << 16 | 0x7000 | (random_a & 0xfff);
  return JobId::from_words(high, (random_b >> 2) | 0x8000000000000000ull);
}

bool running(const OperationView& view) { return view.state == OperationView::State::running; }

// Positions of bulk and drain: a letter for what goes on, then the last job that was seen, if any.
constexpr char position_counting = 'c';
constexpr char position_acting = 'b';

std::optional<JobId> seen_of(const std::string& position) {
  if (position.size() != 17) return std::nullopt;
  return id_at(position, 1);
}

core::CommandBody command_of(const OperationSpec& spec, const JobId& id) {
  using Action = OperationSpec::Action;
  switch (spec.action) {
    case Action::replay:
      return replay_of(id, spec.into);
    case Action::purge:
      return core::Delete{id, core::Status::failed};
    case Action::drain:
    case Action::cancel:
      return core::Cancel{id};
    case Action::promote:
      return core::Promote{id};
    case Action::remove:
      return core::Delete{id, {}};
    case Action::retry:
      break;
  }
  return core::Retry{id, {}, true};
}

// What became of one command, in the operation's counts.
void note(OperationView& view, const JobId& id, const std::optional<core::Reply>& reply) {
  const auto* refused = reply ? std::get_if<core::Refused>(&*reply) : nullptr;
  if (reply && refused == nullptr) {
    ++view.done;
    // One that was moved goes on under another id.
    const auto* changed = std::get_if<core::JobChanged>(&*reply);
    if (is_watched(view)) view.under_way.push_back(changed != nullptr ? changed->id : id);
  } else if (refused == nullptr || !view.spec.is_bulk() || refused->why == core::Refusal::unknown_job) {
    ++view.skipped;
  } else {
    ++view.refused;
    if (view.errors.size() < operation_errors_max) view.errors.push_back({id, refused->detail});
  }
}

void put(BatchOutbox& outbox, const OperationRow& row) {
  std::string value;
  encode_operation(row, value);
  outbox.batch.put(family::operations, parse_uuid(row.view.id)->view(), value);
}

AuditEntry end_entry(const OperationView& view, const std::optional<Actor>& actor) {
  AuditEntry entry =
      entry_of(view, view.state == OperationView::State::done ? AuditEntry::Outcome::done
                                                              : AuditEntry::Outcome::cancelled);
  if (actor) entry.actor = *actor;
  if (view.state == OperationView::State::stopped)
    entry.detail += (entry.detail.empty() ? "" : ", ") + std::string("stopped: too many failed again");
  return entry;
}

}  // namespace

bool has_ended(const OperationView& view) {
  return !running(view) && view.state != OperationView::State::paused;
}

core::CommandBody replay_of(const JobId& id, const std::string& into) {
  if (into.empty()) return core::Retry{id, core::Status::failed, true};
  return core::Move{id, core::Status::failed, into, std::string(core::moved_tag) + uuid_text(id)};
}

OperationDriver::OperationDriver(Port& port, Options options) : port_(port), options_(std::move(options)) {}

void OperationDriver::load() {
  const auto take = [&](std::string_view key, std::string_view value) {
    Decoded<OperationRow> row = decode_operation(key, value);
    if (row) {
      const std::string id = row->view.id;
      const OperationPace pace(row->view.spec.per_second, options_.now(), true);
      operations_.emplace(id, Operation{.row = *std::move(row), .pace = pace, .queue = {}});
    } else if (options_.warn) {
      options_.warn(row.error().what + "; it is left as it is");
    }
    return true;
  };
  const auto scanned = port_.snapshot()->scan({family::operations, {}, std::string(17, '\xff')}, take);
  if (!scanned && options_.warn) options_.warn("operations could not be read: " + scanned.error().message);
}

OperationDriver::Answer OperationDriver::start(OperationSpec spec) {
  std::optional<core::QueueNumber> number;
  if (!spec.queue.empty()) {
    const auto reply = port_.ask(core::GetQueue{spec.queue});
    if (!reply) return std::unexpected(reply.error());
    const auto* queue = std::get_if<core::QueueView>(&*reply);
    if (queue == nullptr) return std::unexpected(ListError::unknown_queue);
    number = queue->number;
  }
  if (!spec.into.empty()) {
    const auto reply = port_.ask(core::GetQueue{spec.into});
    if (!reply) return std::unexpected(reply.error());
    if (!std::holds_alternative<core::QueueView>(*reply)) return std::unexpected(ListError::unknown_target);
  }
  const auto row = std::make_shared<OperationRow>();
  row->view.spec = std::move(spec);
  // By the engine's clock: what is its own, and what came later, must not depend on two of them.
  const std::uint64_t random_a = options_.random();
  const std::uint64_t random_b = options_.random();
  const bool ran = port_.run([=](core::Machine&, BatchOutbox& outbox, core::Now now) {
    row->view.started_at = now.wall;
    row->view.id = uuid_text(new_uuid(now.wall, random_a, random_b));
    put(outbox, *row);
    outbox.put_audit(entry_of(row->view, AuditEntry::Outcome::started), now.wall);
  });
  if (!ran) return std::unexpected(ListError::busy);
  const OperationPace pace(row->view.spec.per_second, options_.now(), false);
  operations_.emplace(row->view.id, Operation{.row = *row, .pace = pace, .queue = number});
  return row->view;
}

OperationDriver::Answer OperationDriver::get(const std::string& id) const {
  const auto it = operations_.find(id);
  if (it == operations_.end()) return std::unexpected(ListError::unknown_job);
  return it->second.row.view;
}

OperationDriver::Answer OperationDriver::change(const std::string& id, OperationView::State state,
                                                const std::optional<Actor>& actor) {
  using State = OperationView::State;
  const auto it = operations_.find(id);
  if (it == operations_.end()) return std::unexpected(ListError::unknown_job);
  Operation& operation = it->second;
  if (has_ended(operation.row.view)) return operation.row.view;
  if (state == State::cancelled) {
    if (!end(operation, state, actor)) return std::unexpected(ListError::busy);
    return operation.row.view;
  }
  OperationRow row = operation.row;
  row.view.state = state;
  AuditEntry entry = entry_of(row.view, AuditEntry::Outcome::done);
  if (actor) entry.actor = *actor;
  entry.action = state == State::paused ? "pause-operation" : "resume-operation";
  if (!save(row, entry)) return std::unexpected(ListError::busy);
  operation.row = std::move(row);
  return operation.row.view;
}

OperationDriver::Answer OperationDriver::cancel(const std::string& id, const std::optional<Actor>& actor) {
  return change(id, OperationView::State::cancelled, actor);
}

OperationDriver::Answer OperationDriver::pause(const std::string& id, bool paused,
                                               const std::optional<Actor>& actor) {
  return change(id, paused ? OperationView::State::paused : OperationView::State::running, actor);
}

std::vector<OperationView> OperationDriver::list() const {
  std::vector<OperationView> views;
  for (const auto& [id, operation] : operations_) views.push_back(operation.row.view);
  return views;
}

bool OperationDriver::save(const OperationRow& row, const std::optional<AuditEntry>& entry) {
  return port_.run([row, entry](core::Machine&, BatchOutbox& outbox, core::Now now) {
    put(outbox, row);
    if (entry) outbox.put_audit(*entry, now.wall);
  });
}

// False: it could not be written; the operation stands where it stood.
bool OperationDriver::end(Operation& operation, OperationView::State state,
                          const std::optional<Actor>& actor) {
  OperationRow row = operation.row;
  row.view.state = state;
  row.view.finished_at = port_.wall();
  if (!save(row, end_entry(row.view, actor))) {
    wait(operation);
    return false;
  }
  operation.row = std::move(row);
  return true;
}

void OperationDriver::give_up(Operation& operation) {
  if (options_.warn)
    options_.warn("operation " + operation.row.view.id + " could not read its jobs; it ends");
  end(operation, OperationView::State::cancelled);
}

void OperationDriver::wait(Operation& operation) const { operation.not_before = options_.now() + when_busy; }

void OperationDriver::forget_old() {
  const Millis before = port_.wall() - keep_ended_ms;
  std::vector<std::string> old;
  for (const auto& [id, operation] : operations_) {
    if (has_ended(operation.row.view) && operation.row.view.finished_at < before) old.push_back(id);
  }
  if (old.empty()) return;
  const bool ran = port_.run([&old](core::Machine&, BatchOutbox& outbox, core::Now) {
    for (const std::string& id : old) outbox.batch.erase(family::operations, parse_uuid(id)->view());
  });
  if (!ran) return;
  for (const std::string& id : old) operations_.erase(id);
}

void OperationDriver::drive() {
  for (auto& [id, operation] : operations_) {
    if (running(operation.row.view) && operation.not_before <= options_.now()) drive(operation);
  }
}

void OperationDriver::drive(Operation& operation) {
  const OperationView& view = operation.row.view;
  if (view.spec.is_bulk() && !view.counted) return count(operation);
  if (!look(operation)) return wait(operation);
  if (fails_too_often(view)) {
    end(operation, OperationView::State::stopped);
    return;
  }
  if (operation.handed_out) {
    if (view.under_way.empty()) end(operation, OperationView::State::done);
    return;
  }
  const std::size_t most =
      std::min(operation.pace.allowance(options_.now(), options_.slice_jobs), room_of(view));
  if (most == 0) return;
  if (view.spec.is_bulk() || view.spec.action == OperationSpec::Action::drain)
    advance_by_id(operation, most);
  else
    advance(operation, most);
}

// After those that it replayed, from time to time. False: what came of it could not be written.
bool OperationDriver::look(Operation& operation) {
  OperationView& view = operation.row.view;
  const Instant now = options_.now();
  if (!is_watched(view) || now < operation.looked + look_every) return true;
  operation.looked = now;
  const bool canary_out = !view.canary_passed;
  look_after(view, *port_.snapshot(), port_.wall());
  // What was counted is written with the next slice; after a crash those are looked at again.
  if (!canary_out || !view.canary_passed || save(operation.row)) return true;
  view.canary_passed = false;
  return false;
}

std::optional<OperationDriver::Instant> OperationDriver::next() const {
  std::optional<Instant> next;
  for (const auto& [id, operation] : operations_) {
    const OperationView& view = operation.row.view;
    if (!running(view)) continue;
    const bool counts = view.spec.is_bulk() && !view.counted;
    const bool looks = operation.handed_out || room_of(view) == 0;
    const Instant then = counts ? Instant{} : looks ? operation.looked + look_every : operation.pace.next();
    next = std::min(next.value_or(Instant::max()), std::max(then, operation.not_before));
  }
  return next;
}

// Its number, or nothing: not now, or never again when the queue is gone.
std::optional<core::QueueNumber> OperationDriver::queue_of(Operation& operation, bool& gone) {
  if (operation.queue) return operation.queue;
  const auto reply = port_.ask(core::GetQueue{operation.row.view.spec.queue});
  if (!reply) {
    wait(operation);
    return std::nullopt;
  }
  const auto* queue = std::get_if<core::QueueView>(&*reply);
  gone = queue == nullptr;
  if (queue != nullptr) operation.queue = queue->number;
  return operation.queue;
}

void OperationDriver::advance(Operation& operation, std::size_t most) {
  bool gone = false;
  const auto queue = queue_of(operation, gone);
  if (gone) end(operation, OperationView::State::done);  // its jobs with it
  if (!queue) return;
  const OperationView& view = operation.row.view;
  if (!belongs_to(operation.row.position, *queue)) {  // to another, that was deleted, of this name
    end(operation, OperationView::State::done);
    return;
  }
  LetterSlice slice = read_letters(*port_.snapshot(), view, *queue, operation.row.position, most,
                                   options_.slice_rows, port_.wall(), options_.value_at);
  if (slice.failed) return give_up(operation);
  // It may have run meanwhile, and died again.
  auto wanted = [filter = view.spec.filter, until = view.started_at,
                 &value_at = options_.value_at](const core::Job& job) {
    return job.finished_at <= until && matches(filter, job, value_at);
  };
  if (!carry_out(operation, std::move(slice.ids), std::move(wanted), std::move(slice.position))) return;
  operation.handed_out = slice.last;
  if (slice.last && view.under_way.empty()) end(operation, OperationView::State::done);
}

// Before the first job is changed, all that match are counted, so that what is left can be told.
void OperationDriver::count(Operation& operation) {
  const auto slice = read_bulk(port_, operation.row.view, seen_of(operation.row.position),
                               {options_.count_jobs, options_.read_most}, options_.value_at);
  if (!slice && slice.error() == ListError::busy) return wait(operation);
  if (!slice) return give_up(operation);
  OperationRow row = operation.row;
  row.view.found += slice->ids.size();
  row.view.counted = slice->last;
  row.position = slice->last ? position_acting : position_counting;
  if (!slice->last && slice->seen) row.position += slice->seen->view();
  if (!save(row)) return wait(operation);
  operation.row = std::move(row);
}

void OperationDriver::advance_by_id(Operation& operation, std::size_t most) {
  const OperationView& view = operation.row.view;
  auto read =
      read_bulk(port_, view, seen_of(operation.row.position), {most, options_.read_most}, options_.value_at);
  if (!read && read.error() == ListError::busy) return wait(operation);
  if (!read) return give_up(operation);
  auto wanted = [filter = filter_of(view.spec), until = view.started_at,
                 &value_at = options_.value_at](const core::Job& job) {
    return job.created_at <= until && matches(filter, job, value_at);
  };
  std::string position(1, position_acting);
  if (read->seen) position += read->seen->view();
  const bool last = read->last;
  if (!carry_out(operation, std::move(read->ids), std::move(wanted), std::move(position))) return;
  if (last) end(operation, OperationView::State::done);
}

// The changes of a slice and the row that says so are one batch. False: the engine did not take it; the
// operation stands where it stood.
bool OperationDriver::carry_out(Operation& operation, std::vector<JobId> jobs,
                                std::function<bool(const core::Job&)> wanted, std::string position) {
  const auto together = std::make_shared<Together>();
  for (const JobId& id : jobs) together->commands.push_back(command_of(operation.row.view.spec, id));
  together->jobs = std::move(jobs);
  together->wanted = std::move(wanted);
  const auto row = std::make_shared<OperationRow>(operation.row);
  row->position = std::move(position);
  const bool ran = port_.run(
      [row, together](core::Machine&, BatchOutbox& outbox, core::Now) {
        for (std::size_t i = 0; i < together->jobs.size(); ++i)
          note(row->view, together->jobs[i], together->replies[i]);
        put(outbox, *row);
      },
      together);
  if (!ran) {
    wait(operation);
    return false;
  }
  // Not before the batch was made: the later moment keeps more back.
  operation.pace.did(options_.now(), together->jobs.size());
  operation.row = *row;
  return true;
}

}  // namespace pawl::engine
