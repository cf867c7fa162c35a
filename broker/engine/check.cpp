#include "broker/engine/check.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "broker/engine/clock.h"
#include "broker/engine/codec.h"

namespace pawl::engine {

using core::Job;
using core::JobId;
using core::Millis;
using core::Place;
using core::QueueNumber;
using core::Status;

namespace {

constexpr std::size_t problems_max = 100;
// The store drops rows while it is scanned: those that expire meanwhile are counted neither here nor there.
constexpr Millis scan_time_max_ms = 600'000;
constexpr std::array places{Place::ready, Place::parked, Place::ended, Place::dead};

std::string end_of_all(std::size_t size) { return std::string(size + 1, '\xff'); }

/// One run over one snapshot.
class Checker {
 public:
  Checker(const storage::Snapshot& snapshot, Millis now_wall) : snapshot_(snapshot), now_wall_(now_wall) {}

  CheckReport run() {
    read_marks();
    read_queues();
    read_grants();
    for (const Place place : places) read_jobs(place);
    read_timers();
    read_unique();
    read_retained();
    compare_counts();
    read_rest();
    return std::move(report_);
  }

 private:
  using RetainedKey = std::tuple<std::uint32_t, Millis, Status>;

  template <typename... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    if (++report_.problem_count <= problems_max) {
      report_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
    }
  }

  template <typename Visit>
  void scan(storage::Family family, std::size_t key_size, const char* what, Visit&& visit) {
    const auto scanned =
        snapshot_.scan({family, {}, end_of_all(key_size)}, [&](std::string_view key, std::string_view value) {
          visit(key, value);
          return true;
        });
    if (!scanned) problem("the {} could not be read to their end: {}", what, scanned.error().message);
  }

  std::optional<std::string> get(storage::Family family, std::string_view key) {
    auto value = snapshot_.get(family, key);
    if (value) return std::move(*value);
    problem("a row could not be read: {}", value.error().message);
    return std::nullopt;
  }

  core::QueueRow* queue_of(QueueNumber number) {
    const auto it = queues_.find(static_cast<std::uint32_t>(number));
    return it == queues_.end() ? nullptr : &it->second;
  }

  void read_marks() {
    const std::optional<std::string> value = get(family::meta, marks_key);
    if (!value) return;
    const Decoded<core::Marks> marks = decode_marks(*value);
    if (!marks) return problem("{}", marks.error().what);
    marks_ = *marks;
    now_wall_ = std::max(now_wall_, marks_.wall);
  }

  void read_queues() {
    std::map<std::string, std::uint32_t> names;
    scan(family::queues, 4, "queues", [&](std::string_view key, std::string_view value) {
      Decoded<core::QueueRow> row = decode_queue(key, value);
      if (!row) return problem("{}", row.error().what);
      const auto number = static_cast<std::uint32_t>(row->number);
      if (!names.try_emplace(row->name, number).second) problem("two queues are named {}", row->name);
      if (number >= marks_.next_queue)
        problem("queue {} has a number that the marks do not cover", row->name);
      queues_[number] = std::move(*row);
      ++report_.queues;
    });
  }

  void read_grants() {
    scan(family::grants, 8, "grants", [&](std::string_view key, std::string_view value) {
      const Decoded<core::Grant> grant = decode_grant(key, value);
      if (!grant) return problem("{}", grant.error().what);
      ++report_.grants;
      std::size_t live = 0;
      for (const core::Grant::Entry& entry : grant->entries) {
        if (static_cast<std::uint64_t>(entry.lease) >= marks_.next_lease) {
          problem("lease {} is newer than the marks", static_cast<std::uint64_t>(entry.lease));
        }
        const std::optional<Job> job = find_live(entry.id, entry.priority);
        if (!job || job->last_lease >= entry.lease) continue;
        ++live;
        if (!leases_.try_emplace(entry.id, entry.lease).second)
          problem("job {} is leased twice", uuid_text(entry.id));
      }
      if (live == 0) problem("grant {} names no leased job", grant->number);
    });
  }

  void read_jobs(Place place) {
    scan(family_of(place), place == Place::ready ? 28 : 20, "jobs",
         [&](std::string_view key, std::string_view value) {
           Decoded<Job> job = decode_job(place, key, value);
           if (!job) return problem("{}", job.error().what);
           if (expired(job->expires_at, now_wall_)) {
             ++report_.expired_rows;
             return;
           }
           check_job(place, *job);
         });
  }

  void check_job(Place place, const Job& job) {
    const std::string id = uuid_text(job.id);
    if (job.id.queue() != job.queue) problem("job {} stands in a queue that its id denies", id);
    if (queue_of(job.queue) == nullptr) return problem("job {} stands in a queue that does not exist", id);
    if (job.id.high() > marks_.last_id_high) problem("job {} is newer than the marks", id);
    const bool leased = (place == Place::ready || place == Place::parked) && leases_.contains(job.id);
    if (job.status == Status::active && !leased) problem("job {} is active, but no grant names it", id);
    const Status status = leased ? Status::active : job.status;
    ++report_.jobs[static_cast<std::size_t>(status)];
    ++recount_[{static_cast<std::uint32_t>(job.queue), status}];
    check_only_place(place, job, id);
    if (const auto due = job.timer_due(); due && !leased && !get(family::timers, timer_key(*due, job.id))) {
      problem("job {} is {}, but no timer names it", id, core::name_of(status));
    }
    if (job.wait != nullptr && !get(family::waits, job.id.view())) {
      problem("job {} waits for event {}, which does not know of it", id, job.wait->event);
    }
    if (status == Status::blocked && job.wait == nullptr && !get(family::joins, job.id.view())) {
      problem("job {} waits for others, but nothing says for how many", id);
    }
    check_lane(job, id);
    if (place == Place::ready && job.priority != job.id.priority()) check_priority(job, id);
    if (!job.ref.empty() && !is_end(status)) ++live_members_[static_cast<std::uint32_t>(job.queue)];
    for (const std::string& limit : job.limits) {
      if (!is_end(status)) ++live_named_[{limit, static_cast<std::uint32_t>(job.queue)}];
    }
    if (is_end(job.status) && job.expires_at != 0) {
      ++retained_[RetainedKey{static_cast<std::uint32_t>(job.queue), job.expires_at, job.status}];
    }
    // That of a job which keeps the latest is freed by its first lease, which is not in its row.
    if (!is_end(job.status) && !job.unique_key.empty() && !job.keeps_latest()) {
      const std::optional<std::string> row = get(family::unique, unique_key(job.queue, job.unique_key));
      const Decoded<core::UniqueRow> holder = row ? decode_unique(*row) : std::unexpected(DecodeError{});
      if (!holder || holder->id != job.id || holder->until != 0)
        problem("job {} lives, but does not hold its unique key", id);
    }
  }

  // Those that still can run: it has the lane that its terms ask for.
  void check_lane(const Job& job, const std::string& id) {
    if (job.lane == 0 || is_end(job.status)) return;
    const std::optional<std::string> row = get(family::lanes, lane_key(job.queue, job.lane_key()));
    const Decoded<std::uint32_t> number = row ? decode_lane(*row) : std::unexpected(DecodeError{});
    if (!number || *number != job.lane)
      problem("job {} waits in a lane that is not the one of its group and limits", id);
  }

  // Its id does not lead to its row.
  void check_priority(const Job& job, const std::string& id) {
    const std::optional<std::string> row = get(family::priorities, placed_key(job.queue, job.id));
    const Decoded<ReadyPlace> place = row ? decode_priority(*row) : std::unexpected(DecodeError{});
    if (!place || place->priority != job.priority || place->lane != job.lane)
      problem("job {} has another priority than its id, and nothing says which", id);
  }

  void read_priorities() {
    scan(family::priorities, 20, "changed priorities", [&](std::string_view key, std::string_view value) {
      const Decoded<ReadyPlace> place = decode_priority(value);
      if (!place || key.size() != 20) return problem("the record of a changed priority is damaged");
      const JobId id = id_at(key, 4);
      if (!get(family::ready, ready_row_key(queue_at(key), place->lane, place->priority, id)))
        problem("the priority of job {} is said to be changed, and it does not stand there", uuid_text(id));
    });
  }

  void check_only_place(Place place, const Job& job, const std::string& id) {
    for (const Place other : places) {
      if (other <= place) continue;
      const std::optional<std::string> row = get(family_of(other), placed_key(job.queue, job.id));
      if (!row) continue;
      const std::optional<Millis> stamp = other == Place::parked ? 0 : stamp_of(*row);
      if (!stamp || !expired(*stamp, now_wall_)) problem("job {} stands in two places", id);
    }
  }

  void read_timers() {
    scan(family::timers, 24, "timers", [&](std::string_view key, std::string_view) {
      const auto timer = parse_timer(key);
      if (!timer) return problem("a timer's key is damaged");
      ++report_.timers;
      const auto& [due, id] = *timer;
      if (queue_of(id.queue()) == nullptr) {
        ++report_.leftover_timers;
        return;
      }
      const Key<20> row_key = placed_key(id.queue(), id);
      const std::optional<std::string> row = get(family::parked, row_key);
      const Decoded<Job> job =
          row ? decode_job(Place::parked, row_key, *row) : std::unexpected(DecodeError{});
      if (!job || job->timer_due() != due || leases_.contains(id)) {
        problem("a timer names job {}, which does not wait for it", uuid_text(id));
      }
    });
  }

  /// One that has not ended; the priority tells where its ready row would stand.
  std::optional<Job> find_live(const JobId& id, int priority) {
    const Key<22> ready = ready_key(id.queue(), priority, id);
    const Key<20> parked = placed_key(id.queue(), id);
    for (const Place place : {Place::ready, Place::parked}) {
      const std::string_view key = place == Place::ready ? ready.view() : parked.view();
      const std::optional<std::string> row = get(family_of(place), key);
      if (!row) continue;
      if (Decoded<Job> job = decode_job(place, key, *row)) return std::move(*job);
    }
    const Key<28> laned = lane_row_key(id.queue(), id.lane(), priority, id);
    if (const std::optional<std::string> row = get(family::ready, laned)) {
      if (Decoded<Job> job = decode_job(Place::ready, laned, *row)) return std::move(*job);
    }
    const std::optional<std::string> changed = get(family::priorities, parked);
    const Decoded<ReadyPlace> place = changed ? decode_priority(*changed) : std::unexpected(DecodeError{});
    if (!place) return std::nullopt;
    const std::string key = ready_row_key(id.queue(), place->lane, place->priority, id);
    if (const std::optional<std::string> row = get(family::ready, key)) {
      if (Decoded<Job> job = decode_job(Place::ready, key, *row)) return std::move(*job);
    }
    return std::nullopt;
  }

  void read_unique() {
    scan(family::unique, 600, "unique keys", [&](std::string_view key, std::string_view value) {
      const Decoded<core::UniqueRow> row = decode_unique(value);
      if (!row || key.size() < 4) return problem("the record of a unique key is damaged");
      if (expired(row->until, now_wall_)) {
        ++report_.expired_rows;
        return;
      }
      ++report_.unique_keys;
      if (queue_of(queue_at(key)) == nullptr)
        return problem("a unique key belongs to a queue that does not exist");
      if (row->until != 0) return;
      const std::optional<Job> job = find_live(row->id, row->id.priority());
      if (!job || job->unique_key != key.substr(4) || job->queue != queue_at(key)) {
        problem("a unique key is held for job {}, which does not live or has another", uuid_text(row->id));
      }
    });
  }

  void read_retained() {
    scan(family::retained, 13, "retained counts", [&](std::string_view key, std::string_view value) {
      const Decoded<core::RetainedRow> row = decode_retained(key, value);
      if (!row) return problem("{}", row.error().what);
      const auto queue = static_cast<std::uint32_t>(row->queue);
      if (queue_of(row->queue) == nullptr)
        return problem("a retained count belongs to a queue that does not exist");
      if (expired(row->expires_at, now_wall_)) {
        recount_[{queue, row->status}] += row->count;  // the counter falls when the engine meets it
        return;
      }
      const auto counted = retained_.find({queue, row->expires_at, row->status});
      const std::uint64_t found = counted == retained_.end() ? 0 : counted->second;
      if (found != row->count) {
        problem("queue {} keeps {} {} jobs until {}, but {} are counted", queue_of(row->queue)->name, found,
                core::name_of(row->status), row->expires_at, row->count);
      }
      if (counted != retained_.end()) retained_.erase(counted);
    });
    for (const auto& [key, count] : retained_) {
      problem("{} jobs of queue number {} expire at {} and are not counted", count, std::get<0>(key),
              std::get<1>(key));
    }
  }

  void compare_counts() {
    for (const auto& [number, queue] : queues_) {
      for (std::size_t i = 0; i < core::status_count; ++i) {
        const std::uint64_t found = recount_[{number, static_cast<Status>(i)}];
        if (found != queue.counts[i]) {
          problem("queue {} has {} {} jobs, its counter says {}", queue.name, found,
                  core::name_of(static_cast<Status>(i)), queue.counts[i]);
        }
      }
    }
  }

  void read_rest() {
    scan(family::idempotency, 600, "idempotency keys", [&](std::string_view, std::string_view value) {
      const Decoded<core::IdempotencyRow> row = decode_idempotency(value);
      if (!row) return problem("{}", row.error().what);
      if (expired(row->expires_at, now_wall_))
        ++report_.expired_rows;
      else
        ++report_.idempotency_keys;
    });
    scan(family::logs, 28, "log lines", [&](std::string_view key, std::string_view value) {
      const Decoded<LogRow> row = decode_logs(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.log_rows;
    });
    scan(family::operations, 16, "operations", [&](std::string_view key, std::string_view value) {
      const Decoded<OperationRow> row = decode_operation(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.operations;
    });
    scan(family::schedules, 128, "schedules", [&](std::string_view key, std::string_view value) {
      const Decoded<core::ScheduleRow> row = decode_schedule(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.schedules;
    });
    scan(family::history, 13, "points of the history", [&](std::string_view key, std::string_view value) {
      const Decoded<HistoryRow> row = decode_history(key, value);
      if (!row) return problem("{}", row.error().what);
      if (expired(expiry_of(*row), now_wall_))
        ++report_.expired_rows;
      else
        ++report_.history_points;
    });
    scan(family::audit, 12, "audited actions", [&](std::string_view key, std::string_view value) {
      const Decoded<AuditEntry> entry = decode_audit(key, value);
      if (!entry) return problem("{}", entry.error().what);
      if (expired(stamp_of(value).value_or(0), now_wall_))
        ++report_.expired_rows;
      else
        ++report_.audited_actions;
    });
    read_priorities();
    read_waits();
    read_graphs();
    read_limits();
  }

  void read_limits() {
    std::map<std::pair<std::uint32_t, std::uint32_t>, int> numbers;
    scan(family::lanes, 1200, "lanes", [&](std::string_view key, std::string_view value) {
      const Decoded<core::LaneKey> lane = decode_lane_key(key);
      const Decoded<std::uint32_t> number = decode_lane(value);
      if (!lane || !number) return problem("the record of a lane is damaged");
      const core::QueueRow* queue = queue_of(queue_at(key));
      if (queue == nullptr) return problem("a lane belongs to a queue that does not exist");
      if (*number >= queue->next_lane)
        problem("a lane of queue {} is newer than the queue says", queue->name);
      if (++numbers[{static_cast<std::uint32_t>(queue->number), *number}] > 1)
        problem("two lanes of queue {} have the number {}", queue->name, *number);
      ++report_.lanes;
    });
    scan(family::limits, 128, "limits", [&](std::string_view key, std::string_view value) {
      const Decoded<core::LimitRow> row = decode_limit(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.limits;
      // Fewer are counted where an earlier release began to count while they lived.
      for (const auto& [queue, count] : row->live) {
        const std::uint64_t found = live_named_[{row->name, queue}];
        if (count > found)
          problem("limit {} counts {} live jobs of queue {}, a recount {}", row->name, count, queue, found);
      }
    });
    scan(family::groups, 600, "groups", [&](std::string_view key, std::string_view value) {
      const Decoded<core::GroupRow> row = decode_group(key, value);
      if (!row) return problem("{}", row.error().what);
      if (queue_of(row->queue) == nullptr) problem("a group belongs to a queue that does not exist");
    });
    scan(family::orders, 8, "strict orders", [&](std::string_view key, std::string_view value) {
      const Decoded<core::OrderRow> row = decode_order(key, value);
      if (!row) return problem("{}", row.error().what);
      const Place place = row->failed ? Place::dead : Place::parked;
      if (row->until != 0 && row->until <= now_wall_) return;
      if (!get(family_of(place), placed_key(row->queue, row->job)))
        problem("a strict order waits for job {}, which does not stand in its way", uuid_text(row->job));
    });
  }

  void read_graphs() {
    scan(family::workflows, 16, "workflows", [&](std::string_view key, std::string_view value) {
      const Decoded<core::WorkflowRow> row = decode_workflow(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.workflows;
      if (row->left + row->failed + row->cancelled > row->total)
        problem("a workflow counts more jobs than it has");
    });
    scan(family::members, 20, "jobs of workflows", [&](std::string_view key, std::string_view value) {
      const Decoded<core::MemberRow> row = decode_member(key, value);
      if (!row) return problem("{}", row.error().what);
      if (!get(family::workflows, row->workflow.view()))
        problem("a workflow's job names a workflow that is not there");
    });
    scan(family::joins, 16, "jobs that wait for others", [&](std::string_view key, std::string_view value) {
      const Decoded<core::Join> join = decode_join(value);
      if (!join || key.size() != 16) return problem("how many jobs one waits for is damaged");
      const JobId id = id_at(key, 0);
      if (queue_of(id.queue()) == nullptr) return;  // it went with its queue
      const std::optional<Job> job = find_live(id, id.priority());
      if (!job || job->status != Status::blocked || job->wait != nullptr)
        problem("job {} is said to wait for others, and does not", uuid_text(id));
    });
    scan(family::parents, 32, "jobs that others wait for", [&](std::string_view key, std::string_view value) {
      const Decoded<core::ParentResult> row = decode_parent(key, value);
      if (!row) return problem("{}", row.error().what);
    });
    scan(family::dependents, 32, "jobs that wait for others",
         [&](std::string_view key, std::string_view value) {
           const Decoded<core::Dependent> row = decode_dependent(key, value);
           if (!row) return problem("{}", row.error().what);
         });
    for (const auto& [number, queue] : queues_) {
      if (queue.live_members != live_members_[number])
        problem("queue {} counts {} jobs of graphs, a recount {}", queue.name, queue.live_members,
                live_members_[number]);
    }
  }

  void read_waits() {
    scan(family::waits, 16, "jobs that wait for events", [&](std::string_view key, std::string_view value) {
      const Decoded<core::Wait> wait = decode_wait(value);
      if (!wait || key.size() != 16) return problem("the record of a job that waits for an event is damaged");
      ++report_.waits;
      const JobId id = id_at(key, 0);
      const std::optional<Job> job = find_live(id, id.priority());
      if (!job || job->status != Status::blocked || job->wait == nullptr || job->wait->event != wait->event ||
          job->wait->match != wait->match) {
        problem("event {} is to wake job {}, which does not wait for it", wait->event, uuid_text(id));
      }
    });
    std::map<std::string, core::TriggerRow> triggers;
    scan(family::triggers, 128, "triggers", [&](std::string_view key, std::string_view value) {
      Decoded<core::TriggerRow> row = decode_trigger(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.triggers;
      triggers[std::string(key)] = std::move(*row);
    });
    scan(family::gathered, 137, "gathered events", [&](std::string_view key, std::string_view value) {
      const Decoded<core::GatheredRow> row = decode_gathered(key, value);
      if (!row) return problem("{}", row.error().what);
      ++report_.gathered;
      const auto trigger = triggers.find(row->trigger);
      if (trigger == triggers.end() || row->number >= trigger->second.next_number ||
          trigger->second.gathers_since == 0) {
        problem("an event is kept for trigger {}, which does not know of it", row->trigger);
      }
    });
  }

  const storage::Snapshot& snapshot_;
  Millis now_wall_;
  CheckReport report_;
  core::Marks marks_;
  std::map<std::uint32_t, core::QueueRow> queues_;
  std::unordered_map<JobId, core::LeaseNumber, core::JobIdHash> leases_;
  std::map<std::pair<std::uint32_t, Status>, std::uint64_t> recount_;
  std::map<std::uint32_t, std::uint64_t> live_members_;                        // by queue
  std::map<std::pair<std::string, std::uint32_t>, std::uint64_t> live_named_;  // by limit and queue
  std::map<RetainedKey, std::uint64_t> retained_;  // as recounted; what the store counts too is taken out
};

}  // namespace

std::uint64_t CheckReport::jobs_in_all() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : jobs) sum += count;
  return sum;
}

CheckReport check_store(const storage::Snapshot& snapshot, Millis now_wall) {
  return Checker(snapshot, now_wall).run();
}

storage::Result<CheckReport> check_store(storage::Store& store, Millis now_wall) {
  const auto partition = store.acquire(0);
  if (!partition) return std::unexpected(partition.error());
  const std::unique_ptr<storage::Snapshot> snapshot = (*partition)->snapshot();
  return check_store(*snapshot, now_wall != 0 ? now_wall : wall_of({}) + scan_time_max_ms);
}

}  // namespace pawl::engine
