#include "tests/simulation/disk.h"

#include <algorithm>

#include "broker/engine/codec.h"
#include "broker/engine/engine.h"
#include "broker/engine/keys.h"
#include "tests/simulation/trace.h"

namespace pawl::sim {

using core::Place;
namespace family = engine::family;

namespace {

constexpr std::array places{Place::ready, Place::parked, Place::ended, Place::dead};
const std::string last_key(32, '\xff');

template <typename T>
T decoded(engine::Decoded<T> value) {
  if (!value) violated("D3", "a row cannot be decoded: " + value.error().what);
  return std::move(*value);
}

/// Broken runs write rows twice, and are to be caught by the audits rather than by the store.
std::vector<storage::FamilySpec> families_of(bool lenient) {
  std::vector<storage::FamilySpec> specs = engine::families();
  for (storage::FamilySpec& spec : specs) spec.written_once = spec.written_once && !lenient;
  return specs;
}

}  // namespace

Image::JobPtr Image::find(const core::JobId& id) const {
  const auto row = ready.find({id.queue(), {id.priority(), id}});
  if (row != ready.end()) return row->second;
  if (const auto changed = priorities.find({id.queue(), id}); changed != priorities.end()) {
    const auto moved = ready.find({id.queue(), {changed->second.priority, id}});
    return moved == ready.end() ? nullptr : moved->second;
  }
  for (const auto* place : {&parked, &ended, &dead}) {
    const auto found = place->find({id.queue(), id});
    if (found != place->end()) return found->second;
  }
  return nullptr;
}

Disk::Disk(Fault fault, bool lenient)
    : fault_(fault),
      // Rows are dropped once they expired before what a restart knows of the time: a clock that is set back
      // while the broker is down must find them.
      store_(store_options(lenient), storage::MemoryStore::Mode::manual) {
  acquire();
}

Disk::~Disk() = default;

storage::Options Disk::store_options(bool lenient) const {
  storage::Options options;
  options.families = families_of(lenient);
  options.wall_clock = [this] { return static_cast<std::uint64_t>(durable_wall_); };
  return options;
}

void Disk::acquire() {
  auto partition = store_.acquire(0);
  if (!partition) violated("D5", partition.error().message);
  partition_ = std::move(*partition);
}

void Disk::lose_priority(const core::Job& job) {
  outbox_.batch.erase(family::priorities, engine::placed_key(job.queue, job.id));
}

std::uint64_t Disk::commit(core::Millis wall) {
  for (const core::JobId& id : outbox_.log_erases) {
    const std::string begin = engine::log_key(id, 0, 0).str().substr(0, 16);
    std::vector<std::string> keys;
    scan(family::logs, begin, begin + last_key, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    });
    for (const std::string& key : keys) outbox_.batch.erase(family::logs, key);
  }
  outbox_.batch.for_each([&](const storage::Batch::Entry& entry) {
    if (entry.family != family::meta || entry.key != engine::marks_key) return;
    const core::Millis marked = decoded(engine::decode_marks(entry.value)).wall;
    marks_wall_ = std::max(marks_wall_, std::min(marked, wall));
  });
  if (fault_ == Fault::tears_batches)
    commit_torn(outbox_.batch);
  else
    partition_->commit(outbox_.batch, {});
  outbox_.clear();
  walls_.push_back(marks_wall_);
  return ++committed_;
}

// In two halves, so that a crash can come between them.
void Disk::commit_torn(const storage::Batch& batch) {
  std::array<storage::Batch, 2> halves;
  std::size_t at = 0;
  batch.for_each([&](const storage::Batch::Entry& entry) {
    storage::Batch& half = halves[at++ < (batch.count() + 1) / 2 ? 0 : 1];
    if (entry.op == storage::Batch::Op::put) half.put(entry.family, entry.key, entry.value);
    if (entry.op == storage::Batch::Op::erase) half.erase(entry.family, entry.key);
    if (entry.op == storage::Batch::Op::erase_range) half.erase_range(entry.family, entry.key, entry.value);
  });
  for (const storage::Batch& half : halves) partition_->commit(half, {});
}

void Disk::sync(std::uint64_t batch) {
  for (; synced_ < batch; ++synced_) {
    durable_wall_ = std::max(durable_wall_, walls_.front());
    walls_.pop_front();
    if (fault_ == Fault::tears_batches) store_.sync(2);
    // One that lies is a batch behind what it says.
    if (fault_ == Fault::none || store_.unsynced() > committed_ - synced_) store_.sync(1);
  }
}

void Disk::crash(std::uint64_t keep) {
  const std::size_t waiting = store_.unsynced();
  std::size_t kept = static_cast<std::size_t>(keep - synced_);
  if (fault_ == Fault::tears_batches) kept = std::min(waiting, 2 * kept + 1);
  for (std::size_t i = 0; i < keep - synced_; ++i) durable_wall_ = std::max(durable_wall_, walls_[i]);
  store_.crash(std::min(kept, waiting));
  partition_.reset();
  outbox_.clear();
  walls_.clear();
  committed_ = synced_ = keep;
  marks_wall_ = durable_wall_;
  acquire();
}

std::optional<std::string> Disk::get(storage::Family family, std::string_view key) const {
  std::optional<std::string> found;
  partition_->get(family, key, [&](storage::Result<std::optional<std::string_view>> answer) {
    if (!answer) violated("D1", "the store cannot be read: " + answer.error().message);
    if (*answer) found.emplace(**answer);
  });
  return found;
}

void Disk::scan(storage::Family family, std::string begin, std::string end,
                const storage::Visit& visit) const {
  partition_->scan({family, std::move(begin), std::move(end), false}, visit,
                   [](storage::Result<void> result) {
                     if (!result) violated("D1", "the store cannot be read: " + result.error().message);
                   });
}

std::map<std::string, std::string> Disk::operations() const {
  std::map<std::string, std::string> rows;
  scan(family::operations, {}, std::string(17, '\xff'), [&](std::string_view key, std::string_view value) {
    rows.emplace(decoded(engine::decode_operation(key, value)).view.id, value);
    return true;
  });
  return rows;
}

std::optional<core::Job> Disk::read_job(Place place, std::string_view key) const {
  std::optional<core::Job> job;
  partition_->get(engine::family_of(place), key,
                  [&](storage::Result<std::optional<std::string_view>> answer) {
                    if (answer && *answer) job = decoded(engine::decode_job(place, key, **answer));
                  });
  return job;
}

std::optional<core::Job> Disk::job(const core::JobId& id, core::Millis wall) const {
  if (auto job = read_job(Place::ready, engine::ready_key(id.queue(), id.priority(), id))) return job;
  if (auto job = read_job(Place::ready, engine::lane_row_key(id.queue(), id.lane(), id.priority(), id)))
    return job;
  for (const Place place : {Place::parked, Place::ended, Place::dead}) {
    auto job = read_job(place, engine::placed_key(id.queue(), id));
    if (job && !(place != Place::parked && engine::expired(job->expires_at, wall))) return job;
  }
  const auto changed = get(family::priorities, engine::placed_key(id.queue(), id));
  if (!changed) return std::nullopt;
  const auto at = decoded(engine::decode_priority(*changed));
  return read_job(Place::ready, engine::ready_row_key(id.queue(), at.lane, at.priority, id));
}

Disk::Window Disk::window(const core::WindowRequest& request) const {
  Window out;
  out.exhausted = true;
  std::size_t bytes = 0;
  std::string begin = engine::lane_begin(request.queue, request.lane);
  if (request.after) begin = engine::lane_after(request.queue, request.lane, *request.after);
  scan(
      family::ready, std::move(begin), engine::lane_end(request.queue, request.lane),
      [&](std::string_view key, std::string_view value) {
        if (out.jobs.size() >= request.count || (!out.jobs.empty() && bytes + value.size() > request.bytes)) {
          out.exhausted = false;
          return false;
        }
        out.jobs.push_back(decoded(engine::decode_job(Place::ready, key, value)));
        bytes += value.size();
        return true;
      });
  return out;
}

Disk::Named Disk::named(const core::NamedRequest& request) const {
  Named out;
  out.exhausted = true;
  std::size_t scanned = 0;
  std::string begin = engine::lane_begin(request.queue, request.lane);
  if (request.after) begin = engine::lane_after(request.queue, request.lane, *request.after);
  scan(family::ready, std::move(begin), engine::lane_end(request.queue, request.lane),
       [&](std::string_view key, std::string_view value) {
         if (out.jobs.size() >= request.count || scanned >= request.scan) {
           out.exhausted = false;
           return false;
         }
         core::Job job = decoded(engine::decode_job(Place::ready, key, value));
         ++scanned;
         out.scanned_to = job.ready_key();
         if (std::ranges::binary_search(request.names, job.name)) out.jobs.push_back(std::move(job));
         return true;
       });
  return out;
}

Disk::Timers Disk::timers(const core::TimerRequest& request) const {
  Timers out;
  out.exhausted = true;
  std::string begin;
  if (request.after) {
    begin = engine::timer_key(request.after->first, request.after->second).str();
    begin.push_back('\0');
  }
  scan(family::timers, std::move(begin), last_key, [&](std::string_view key, std::string_view) {
    if (out.timers.size() >= request.count) {
      out.exhausted = false;
      return false;
    }
    const auto timer = engine::parse_timer(key);
    if (!timer) violated("D3", "a timer's key cannot be read");
    out.timers.push_back(*timer);
    return true;
  });
  return out;
}

std::pair<std::vector<core::Dependent>, std::vector<std::optional<core::Join>>> Disk::dependents(
    const core::JobId& parent) const {
  std::vector<core::Dependent> rows;
  scan(family::dependents, std::string(parent.view()), engine::end_of_prefix(parent.view()),
       [&](std::string_view key, std::string_view value) {
         rows.push_back(decoded(engine::decode_dependent(key, value)));
         return true;
       });
  std::vector<std::optional<core::Join>> joins;
  for (const core::Dependent& row : rows) {
    const auto join = get(family::joins, row.id.view());
    joins.push_back(join ? std::optional(decoded(engine::decode_join(*join))) : std::nullopt);
  }
  return {std::move(rows), std::move(joins)};
}

std::vector<core::ParentResult> Disk::parents(const core::JobId& child) const {
  std::vector<core::ParentResult> rows;
  scan(family::parents, std::string(child.view()), engine::end_of_prefix(child.view()),
       [&](std::string_view key, std::string_view value) {
         rows.push_back(decoded(engine::decode_parent(key, value)));
         return true;
       });
  return rows;
}

std::optional<core::WorkflowRow> Disk::workflow(const core::WorkflowId& id) const {
  const auto row = get(family::workflows, id.view());
  return row ? std::optional(decoded(engine::decode_workflow(id.view(), *row))) : std::nullopt;
}

std::vector<core::MemberRow> Disk::members(const core::WorkflowId& id) const {
  std::vector<core::MemberRow> rows;
  scan(family::members, std::string(id.view()), engine::end_of_prefix(id.view()),
       [&](std::string_view key, std::string_view value) {
         rows.push_back(decoded(engine::decode_member(key, value)));
         return true;
       });
  return rows;
}

std::optional<core::UniqueRow> Disk::unique(core::QueueNumber queue, const std::string& key) const {
  const auto value = get(family::unique, engine::unique_key(queue, key));
  if (!value) return std::nullopt;
  return decoded(engine::decode_unique(*value));
}

std::optional<core::IdempotencyRow> Disk::idempotency(const std::string& key) const {
  const auto value = get(family::idempotency, key);
  if (!value) return std::nullopt;
  return decoded(engine::decode_idempotency(*value));
}

std::optional<std::uint32_t> Disk::lane(core::QueueNumber queue, const core::LaneKey& key) const {
  const auto value = get(family::lanes, engine::lane_key(queue, key));
  return value ? std::optional(decoded(engine::decode_lane(*value))) : std::nullopt;
}

bool Disk::has_timer(core::Millis due, const core::JobId& id) const {
  return get(family::timers, engine::timer_key(due, id)).has_value();
}

Image Disk::image(core::Millis wall) const {
  Image image;
  for (const Place place : places) {
    scan(engine::family_of(place), {}, last_key, [&](std::string_view key, std::string_view value) {
      auto job = std::make_shared<const core::Job>(decoded(engine::decode_job(place, key, value)));
      const core::QueueNumber queue = engine::queue_at(key);
      if (place == Place::ready)
        image.ready[{queue, {engine::parse_placed(place, key)->priority, job->id}}] = job;
      if (place == Place::parked) image.parked[{queue, job->id}] = job;
      if (is_end(job->status) && engine::expired(job->expires_at, wall)) return true;
      if (place == Place::ended) image.ended[{queue, job->id}] = job;
      if (place == Place::dead) image.dead[{queue, job->id}] = job;
      return true;
    });
  }
  for (const auto& timer : timers({std::nullopt, SIZE_MAX}).timers) image.timers.insert(timer);
  const auto all = [&](storage::Family family, const auto& take) {
    scan(family, {}, last_key, [&](std::string_view key, std::string_view value) {
      take(key, value);
      return true;
    });
  };
  all(family::grants, [&](std::string_view key, std::string_view value) {
    core::Grant grant = decoded(engine::decode_grant(key, value));
    image.grants[grant.number] = std::move(grant);
  });
  all(family::queues, [&](std::string_view key, std::string_view value) {
    core::QueueRow row = decoded(engine::decode_queue(key, value));
    image.queues[row.number] = std::move(row);
  });
  all(family::retained, [&](std::string_view key, std::string_view value) {
    const core::RetainedRow row = decoded(engine::decode_retained(key, value));
    image.retained[{row.queue, row.status, row.expires_at}] = row.count;
  });
  all(family::unique, [&](std::string_view key, std::string_view value) {
    image.unique[{engine::queue_at(key), std::string(key.substr(4))}] = decoded(engine::decode_unique(value));
  });
  all(family::idempotency, [&](std::string_view key, std::string_view value) {
    core::IdempotencyRow row = decoded(engine::decode_idempotency(value));
    if (row.expires_at > wall) image.idempotency[std::string(key)] = std::move(row);
  });
  all(family::priorities, [&](std::string_view key, std::string_view value) {
    image.priorities[{engine::queue_at(key), engine::id_at(key, 4)}] =
        decoded(engine::decode_priority(value));
  });
  all(family::schedules, [&](std::string_view key, std::string_view value) {
    image.schedules[std::string(key)] = decoded(engine::decode_schedule(key, value));
  });
  all(family::dependents, [&](std::string_view key, std::string_view value) {
    const core::Dependent row = decoded(engine::decode_dependent(key, value));
    image.dependents[{engine::id_at(key, 0), row.id}] = row;
  });
  all(family::parents, [&](std::string_view key, std::string_view value) {
    const core::ParentResult row = decoded(engine::decode_parent(key, value));
    image.parents[{engine::id_at(key, 0), row.id}] = row;
  });
  all(family::joins, [&](std::string_view key, std::string_view value) {
    image.joins[engine::id_at(key, 0)] = decoded(engine::decode_join(value));
  });
  all(family::workflows, [&](std::string_view key, std::string_view value) {
    core::WorkflowRow row = decoded(engine::decode_workflow(key, value));
    const core::WorkflowId id = row.id;
    image.workflows[id] = std::move(row);
  });
  all(family::owed, [&](std::string_view key, std::string_view value) {
    core::Owed row = decoded(engine::decode_owed(key, value));
    const std::uint64_t number = row.number;
    image.owed[number] = std::move(row);
  });
  all(family::waits, [&](std::string_view key, std::string_view value) {
    image.waits[engine::id_at(key, 0)] = decoded(engine::decode_wait(value));
  });
  all(family::triggers, [&](std::string_view key, std::string_view value) {
    image.triggers[std::string(key)] = decoded(engine::decode_trigger(key, value));
  });
  all(family::gathered, [&](std::string_view key, std::string_view value) {
    core::GatheredRow row = decoded(engine::decode_gathered(key, value));
    const std::pair at{row.trigger, row.number};
    image.gathered[at] = std::move(row);
  });
  all(family::lanes, [&](std::string_view key, std::string_view value) {
    image.lanes[{engine::queue_at(key), decoded(engine::decode_lane_key(key))}] =
        decoded(engine::decode_lane(value));
  });
  all(family::limits, [&](std::string_view key, std::string_view value) {
    image.limits[std::string(key)] = decoded(engine::decode_limit(key, value));
  });
  all(family::groups, [&](std::string_view key, std::string_view value) {
    core::GroupRow row = decoded(engine::decode_group(key, value));
    const std::pair at{row.queue, row.group};
    image.groups[at] = std::move(row);
  });
  all(family::orders, [&](std::string_view key, std::string_view value) {
    const core::OrderRow row = decoded(engine::decode_order(key, value));
    image.orders[{row.queue, row.lane}] = row;
  });
  if (const auto marks = get(family::meta, engine::marks_key))
    image.marks = decoded(engine::decode_marks(*marks));
  return image;
}

}  // namespace pawl::sim
