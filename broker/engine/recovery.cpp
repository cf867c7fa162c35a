// What the engine reads before it serves: it grows with queues and leases, not with what waits.
#include <utility>

#include "broker/engine/loop.h"

namespace pawl::engine {

void Loop::restore_grants(core::Now now) {
  std::vector<core::Grant> grants;
  loader_.read_all({family::grants, {}, std::string(9, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     Decoded<core::Grant> grant = decode_grant(key, value);
                     if (!grant)
                       loader_.fail(grant.error().what);
                     else
                       grants.push_back(std::move(*grant));
                     return !gate_.failed();
                   });
  for (const core::Grant& grant : grants) {
    std::vector<core::Job> jobs;
    for (const core::Grant::Entry& entry : grant.entries) {
      std::optional<core::Job> job = loader_.read_granted(entry);
      if (job) jobs.push_back(std::move(*job));
    }
    machine_.restore_grant(grant, std::move(jobs), now);
  }
}

void Loop::restore_events() {
  loader_.read_all({family::owed, {}, std::string(9, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     Decoded<core::Owed> row = decode_owed(key, value);
                     if (!row)
                       loader_.fail(row.error().what);
                     else
                       machine_.restore_owed(std::move(*row));
                     return !gate_.failed();
                   });
  again_ = machine_.owes();
  loader_.read_all({family::waits, {}, std::string(17, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     const Decoded<core::Wait> wait = decode_wait(value);
                     if (!wait || key.size() != 16)
                       loader_.fail("the record of a job that waits for an event is damaged");
                     else
                       machine_.restore_wait(id_at(key, 0), *wait);
                     return !gate_.failed();
                   });
  loader_.read_all({family::triggers, {}, std::string(129, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     Decoded<core::TriggerRow> row = decode_trigger(key, value);
                     if (!row)
                       loader_.fail(row.error().what);
                     else
                       machine_.restore_trigger(std::move(*row));
                     return !gate_.failed();
                   });
  loader_.read_all({family::gathered, {}, std::string(138, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     Decoded<core::GatheredRow> row = decode_gathered(key, value);
                     if (!row)
                       loader_.fail(row.error().what);
                     else
                       machine_.restore_gathered(std::move(*row));
                     return !gate_.failed();
                   });
}

void Loop::restore_limits(core::Now now) {
  const auto restore = [&](storage::Family family, std::size_t key_size, auto decode, auto take) {
    loader_.read_all({family, {}, std::string(key_size + 1, '\xff')},
                     [&](std::string_view key, std::string_view value) {
                       auto row = decode(key, value);
                       if (!row)
                         loader_.fail(row.error().what);
                       else
                         take(std::move(*row));
                       return !gate_.failed();
                     });
  };
  restore(family::limits, 128, decode_limit,
          [&](core::LimitRow&& row) { machine_.restore_limit(std::move(row)); });
  restore(family::groups, 600, decode_group,
          [&](core::GroupRow&& row) { machine_.restore_group(std::move(row), now); });
  restore(family::orders, 8, decode_order, [&](core::OrderRow&& row) { machine_.restore_order(row); });
}

// From the first job of one lane to the first of the next.
void Loop::restore_lanes(core::QueueNumber queue) {
  std::optional<core::Job> first;
  std::uint32_t lane = 0;
  do {
    first.reset();
    loader_.read_all({family::ready, lane_begin(queue, lane + 1), queue_end(queue).str()},
                     [&](std::string_view key, std::string_view value) {
                       Decoded<core::Job> job = decode_job(core::Place::ready, key, value);
                       if (!job)
                         loader_.fail(job.error().what);
                       else
                         first = std::move(*job);
                       return false;
                     });
    if (!first) return;
    lane = first->lane;
    machine_.restore_lane(*first);
  } while (!gate_.failed());
}

bool Loop::recover() {
  core::Marks marks;
  if (const std::optional<std::string> value = loader_.read(family::meta, marks_key)) {
    const Decoded<core::Marks> decoded = decode_marks(*value);
    if (!decoded)
      loader_.fail(decoded.error().what);
    else
      marks = *decoded;
  }
  machine_.restore_marks(marks);
  clock_.emplace(options_.clock, marks.wall);
  const core::Now now = clock_->read();
  turn_began_ = std::chrono::steady_clock::now();
  pressure_.wall = now.wall;

  loader_.read_all({family::queues, {}, std::string(5, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     Decoded<core::QueueRow> row = decode_queue(key, value);
                     if (!row)
                       loader_.fail(row.error().what);
                     else {
                       outbox_.declare(*row);
                       machine_.restore_queue(std::move(*row));
                     }
                     return !gate_.failed();
                   });
  loader_.read_all({family::retained, {}, std::string(14, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     const Decoded<core::RetainedRow> row = decode_retained(key, value);
                     if (!row)
                       loader_.fail(row.error().what);
                     else
                       machine_.restore_retained(*row);
                     return !gate_.failed();
                   });
  loader_.read_all({family::schedules, {}, std::string(129, '\xff')},
                   [&](std::string_view key, std::string_view value) {
                     Decoded<core::ScheduleRow> row = decode_schedule(key, value);
                     if (!row)
                       loader_.fail(row.error().what);
                     else
                       machine_.restore_schedule(std::move(*row));
                     return !gate_.failed();
                   });
  restore_events();
  restore_limits(now);
  for (const core::QueueNumber queue : machine_.queues_with_lanes()) restore_lanes(queue);
  if (gate_.failed()) return false;
  restore_grants(now);
  machine_.after_commit();
  refill();
  return !gate_.failed();
}

}  // namespace pawl::engine
