#include "broker/engine/loader.h"

#include <algorithm>
#include <utility>

namespace pawl::engine {

using core::JobId;
using core::Place;

void Loader::fail(const std::string& why) { failed_(why); }

void Loader::get(storage::Family family, std::string_view key, Answer answer) {
  ++under_way_;
  partition_.get(family, key, [this, answer = std::move(answer)](Value value) {
    if (!value) fail("a row could not be read: " + value.error().message);
    if (std::this_thread::get_id() == owner_) {
      answer(value ? *value : std::nullopt);
      --under_way_;
      return;
    }
    std::optional<std::string> copy;
    if (value && *value) copy = std::string(**value);
    arrivals_.arrive([this, answer, copy = std::move(copy)] {
      slow_ = true;
      answer(copy ? std::optional<std::string_view>(*copy) : std::nullopt);
      --under_way_;
    });
  });
}

void Loader::scan(const storage::Range& range, const storage::Visit& visit, std::function<void()> finished) {
  ++under_way_;
  partition_.scan(range, visit, [this, finished = std::move(finished)](storage::Result<void> result) {
    if (!result) fail("rows could not be read: " + result.error().message);
    if (std::this_thread::get_id() == owner_) {
      finished();
      --under_way_;
      return;
    }
    arrivals_.arrive([this, finished] {
      slow_ = true;
      finished();
      --under_way_;
    });
  });
}

void Loader::settle() {
  while (under_way_ > 0) arrivals_.run_arrivals();
}

void Loader::fetch_job(const JobId& id, Place place, core::Millis now_wall, int places) {
  const Key<22> ready = ready_key(id.queue(), id.priority(), id);
  const Key<20> other = placed_key(id.queue(), id);
  const std::string_view key = place == Place::ready ? ready.view() : other.view();
  get(family_of(place), key, [this, id, place, now_wall, places](std::optional<std::string_view> value) {
    if (value) {
      const Key<22> ready_again = ready_key(id.queue(), id.priority(), id);
      const Key<20> other_again = placed_key(id.queue(), id);
      Decoded<core::Job> job =
          decode_job(place, place == Place::ready ? ready_again.view() : other_again.view(), *value);
      if (!job) fail(job.error().what);
      if (job && !expired(job->expires_at, now_wall)) return machine_.load_job(id, std::move(*job));
    }
    if (places == 1) return fetch_from_lane(id);
    fetch_job(id, static_cast<Place>((static_cast<int>(place) + 1) % 4), now_wall, places - 1);
  });
}

void Loader::fetch_from_lane(const JobId& id) {
  if (!machine_.has_lanes(id.queue())) return fetch_by_priority(id);
  const Key<28> key = lane_row_key(id.queue(), id.lane(), id.priority(), id);
  get(family::ready, key, [this, id, key](std::optional<std::string_view> value) {
    if (!value) return fetch_by_priority(id);
    Decoded<core::Job> job = decode_job(Place::ready, key, *value);
    if (!job) return fail(job.error().what);
    machine_.load_job(id, std::move(*job));
  });
}

// The last place where it can stand: its priority is not the one that its id says.
void Loader::fetch_by_priority(const JobId& id) {
  get(family::priorities, placed_key(id.queue(), id), [this, id](std::optional<std::string_view> value) {
    if (!value) return machine_.load_job(id, std::nullopt);
    const Decoded<ReadyPlace> place = decode_priority(*value);
    if (!place) return fail(place.error().what);
    const std::string key = ready_row_key(id.queue(), place->lane, place->priority, id);
    get(family::ready, key, [this, id, key](std::optional<std::string_view> row) {
      if (!row) return fail("a job is not where its changed priority says");
      Decoded<core::Job> job = decode_job(Place::ready, key, *row);
      if (!job) return fail(job.error().what);
      machine_.load_job(id, std::move(*job));
    });
  });
}

void Loader::fetch_lanes(const core::Needs& needs) {
  for (const auto& [queue, key] : needs.lanes) {
    get(family::lanes, lane_key(queue, key), [this, queue, key](std::optional<std::string_view> value) {
      std::optional<std::uint32_t> number;
      if (value) {
        const Decoded<std::uint32_t> decoded = decode_lane(*value);
        if (!decoded) return fail(decoded.error().what);
        number = *decoded;
      }
      machine_.load_lane(queue, key, number);
    });
  }
}

void Loader::fetch(const core::Needs& needs, core::Millis now_wall) {
  for (const JobId& id : needs.jobs) fetch_job(id, Place::ready, now_wall);
  for (const auto& [queue, text] : needs.unique_keys) {
    get(family::unique, unique_key(queue, text),
        [this, queue, text, now_wall](std::optional<std::string_view> value) {
          std::optional<core::UniqueRow> row;
          if (value) {
            const Decoded<core::UniqueRow> decoded = decode_unique(*value);
            if (!decoded)
              fail(decoded.error().what);
            else if (!expired(decoded->until, now_wall))
              row = *decoded;
          }
          machine_.load_unique(queue, text, row);
        });
  }
  fetch_graphs(needs);
  fetch_lanes(needs);
  for (const std::string& text : needs.idempotency_keys) {
    get(family::idempotency, text, [this, text, now_wall](std::optional<std::string_view> value) {
      std::optional<core::IdempotencyRow> row;
      if (value) {
        Decoded<core::IdempotencyRow> decoded = decode_idempotency(*value);
        if (!decoded)
          fail(decoded.error().what);
        else if (!expired(decoded->expires_at, now_wall))
          row = std::move(*decoded);
      }
      machine_.load_idempotency(text, std::move(row));
    });
  }
}

template <typename Row, typename Decode>
void Loader::fetch_rows(storage::Family family, std::string_view prefix, Decode decode,
                        std::function<void(std::vector<Row>)> done) {
  struct Rows {
    std::vector<Row> rows;
    std::string damaged;
  };
  const auto found = std::make_shared<Rows>();
  scan(
      {family, std::string(prefix), end_of_prefix(prefix)},
      [found, decode](std::string_view key, std::string_view value) {
        Decoded<Row> row = decode(key, value);
        if (row)
          found->rows.push_back(std::move(*row));
        else
          found->damaged = row.error().what;
        return row.has_value();
      },
      [this, found, done = std::move(done)] {
        if (!found->damaged.empty()) fail(found->damaged);
        done(std::move(found->rows));
      });
}

void Loader::fetch_graphs(const core::Needs& needs) {
  for (const JobId& id : needs.dependents) {
    fetch_rows<core::Dependent>(
        family::dependents, id.view(), decode_dependent,
        [this, id](std::vector<core::Dependent> rows) { fetch_joins(id, std::move(rows)); });
  }
  for (const JobId& id : needs.parents) {
    fetch_rows<core::ParentResult>(
        family::parents, id.view(), decode_parent,
        [this, id](std::vector<core::ParentResult> rows) { machine_.load_parents(id, std::move(rows)); });
  }
  for (const core::WorkflowId& id : needs.workflows) {
    get(family::workflows, id.view(), [this, id](std::optional<std::string_view> value) {
      std::optional<core::WorkflowRow> row;
      if (value) {
        Decoded<core::WorkflowRow> decoded = decode_workflow(id.view(), *value);
        if (!decoded)
          fail(decoded.error().what);
        else
          row = std::move(*decoded);
      }
      machine_.load_workflow(id, std::move(row));
    });
  }
  for (const core::WorkflowId& id : needs.members) {
    fetch_rows<core::MemberRow>(
        family::members, id.view(), decode_member,
        [this, id](std::vector<core::MemberRow> rows) { machine_.load_members(id, std::move(rows)); });
  }
}

// Then for how many each of them still waits.
void Loader::fetch_joins(const JobId& parent, std::vector<core::Dependent> rows) {
  struct Joins {
    std::vector<core::Dependent> rows;
    std::vector<std::optional<core::Join>> found;
    std::size_t missing = 0;
  };
  const auto joins = std::make_shared<Joins>();
  joins->rows = std::move(rows);
  joins->found.resize(joins->rows.size());
  joins->missing = joins->rows.size();
  if (joins->missing == 0) return machine_.load_dependents(parent, {}, {});
  const std::size_t count = joins->rows.size();
  for (std::size_t i = 0; i < count; ++i) {
    get(family::joins, joins->rows[i].id.view(),
        [this, joins, i, parent](std::optional<std::string_view> value) {
          if (value) {
            const Decoded<core::Join> join = decode_join(*value);
            if (!join)
              fail(join.error().what);
            else
              joins->found[i] = *join;
          }
          if (--joins->missing == 0) machine_.load_dependents(parent, std::move(joins->rows), joins->found);
        });
  }
}

void Loader::fetch_parked(std::vector<JobId> ids, core::Millis now_wall) {
  constexpr std::size_t scanned_min = 16;  // fewer are looked up one by one
  // The order of the rows.
  std::ranges::sort(ids, {}, [](const JobId& id) { return std::pair(id.queue(), id); });
  for (auto begin = ids.begin(); begin != ids.end();) {
    const auto end =
        std::find_if(begin, ids.end(), [&](const JobId& id) { return id.queue() != begin->queue(); });
    if (end - begin >= static_cast<std::ptrdiff_t>(scanned_min)) {
      scan_parked({begin, end}, now_wall);
    } else {
      for (auto id = begin; id != end; ++id) fetch_job(*id, Place::parked, now_wall);
    }
    begin = end;
  }
}

void Loader::scan_parked(std::span<const JobId> ids, core::Millis now_wall) {
  struct Rows {
    std::vector<JobId> wanted;
    std::size_t next = 0;    // of the wanted
    std::size_t passed = 0;  // rows that nobody asked for
    std::vector<core::Job> jobs;
    std::vector<JobId> missed;
    std::string damaged;
  };
  const auto rows = std::make_shared<Rows>();
  rows->wanted.assign(ids.begin(), ids.end());
  rows->jobs = std::exchange(spare_, {});
  rows->jobs.reserve(ids.size());
  const auto key_of = [](const JobId& id) { return placed_key(id.queue(), id); };
  const storage::Range range{family::parked, key_of(ids.front()).str(), key_of(ids.back()).str() + '\0'};
  const storage::Visit visit = [rows, key_of](std::string_view key, std::string_view value) {
    while (rows->next < rows->wanted.size() && key_of(rows->wanted[rows->next]).view() < key)
      rows->missed.push_back(rows->wanted[rows->next++]);
    if (rows->next == rows->wanted.size()) return false;
    if (key_of(rows->wanted[rows->next]).view() != key) {
      // Too thinly spread: the others are looked up one by one.
      return ++rows->passed <= 2 * rows->wanted.size();
    }
    Decoded<core::Job> job = decode_job(Place::parked, key, value);
    if (!job) {
      rows->damaged = job.error().what;
      return false;
    }
    ++rows->next;
    rows->jobs.push_back(std::move(*job));
    return true;
  };
  scan(range, visit, [this, rows, now_wall] {
    if (!rows->damaged.empty()) return fail(rows->damaged);
    for (core::Job& job : rows->jobs) {
      const JobId id = job.id;
      machine_.load_job(id, std::move(job));
    }
    rows->jobs.clear();
    spare_ = std::move(rows->jobs);
    for (const JobId& id : rows->missed) fetch_job(id, Place::parked, now_wall);
    for (; rows->next < rows->wanted.size(); ++rows->next)
      fetch_job(rows->wanted[rows->next], Place::parked, now_wall);
  });
}

void Loader::fetch_window(const core::WindowRequest& request) {
  struct Rows {
    std::vector<core::Job> jobs;
    std::size_t bytes = 0;
    bool exhausted = true;
    std::string damaged;
  };
  const auto rows = std::make_shared<Rows>();
  rows->jobs = std::exchange(spare_, {});
  // A job is large: moving them as the list grows cost more than the reads.
  rows->jobs.reserve(request.count);
  storage::Range range{family::ready, lane_begin(request.queue, request.lane),
                       lane_end(request.queue, request.lane)};
  if (request.after) range.begin = lane_after(request.queue, request.lane, *request.after);
  const storage::Visit visit = [rows, request](std::string_view key, std::string_view value) {
    const std::size_t size = rows->jobs.size();
    if (size >= request.count || (size > 0 && rows->bytes + value.size() > request.bytes)) {
      rows->exhausted = false;
      return false;
    }
    Decoded<core::Job> job = decode_job(Place::ready, key, value);
    if (!job) {
      rows->damaged = job.error().what;
      return false;
    }
    rows->bytes += value.size();
    rows->jobs.push_back(std::move(*job));
    return true;
  };
  scan(range, visit, [this, rows, queue = request.queue, lane = request.lane] {
    if (!rows->damaged.empty()) return fail(rows->damaged);
    machine_.load_window(queue, lane, std::move(rows->jobs), rows->exhausted);
    rows->jobs.clear();
    spare_ = std::move(rows->jobs);
  });
}

void Loader::fetch_named(const core::NamedRequest& request) {
  struct Rows {
    std::vector<core::Job> jobs;
    std::optional<core::ReadyKey> scanned_to;
    std::size_t scanned = 0;
    bool exhausted = true;
    std::string damaged;
  };
  const auto rows = std::make_shared<Rows>();
  storage::Range range{family::ready, lane_begin(request.queue, request.lane),
                       lane_end(request.queue, request.lane)};
  if (request.after) range.begin = lane_after(request.queue, request.lane, *request.after);
  const storage::Visit visit = [rows, request](std::string_view key, std::string_view value) {
    if (rows->jobs.size() >= request.count || rows->scanned >= request.scan) {
      rows->exhausted = false;
      return false;
    }
    Decoded<core::Job> job = decode_job(Place::ready, key, value);
    if (!job) {
      rows->damaged = job.error().what;
      return false;
    }
    ++rows->scanned;
    rows->scanned_to = job->ready_key();
    if (std::ranges::binary_search(request.names, job->name)) rows->jobs.push_back(std::move(*job));
    return true;
  };
  scan(range, visit, [this, rows, queue = request.queue, lane = request.lane] {
    if (!rows->damaged.empty()) return fail(rows->damaged);
    machine_.load_named(queue, lane, std::move(rows->jobs), rows->scanned_to, rows->exhausted);
  });
}

void Loader::fetch_timers(const core::TimerRequest& request) {
  struct Rows {
    std::vector<std::pair<core::Millis, JobId>> timers;
    bool exhausted = true;
    bool damaged = false;
  };
  const auto rows = std::make_shared<Rows>();
  storage::Range range{family::timers, {}, std::string(24, '\xff')};
  if (request.after)
    range.begin = timer_key(request.after->first, request.after->second).str().append(1, '\0');
  const storage::Visit visit = [rows, count = request.count](std::string_view key, std::string_view) {
    if (rows->timers.size() >= count) {
      rows->exhausted = false;
      return false;
    }
    const auto timer = parse_timer(key);
    rows->damaged = rows->damaged || !timer;
    if (timer) rows->timers.push_back(*timer);
    return !rows->damaged;
  };
  scan(range, visit, [this, rows] {
    if (rows->damaged) return fail("a timer's key is damaged");
    machine_.load_timers(rows->timers, rows->exhausted);
  });
}

std::optional<std::string> Loader::read(storage::Family family, std::string_view key) {
  std::optional<std::string> found;
  get(family, key, [&](std::optional<std::string_view> value) {
    if (value) found = std::string(*value);
  });
  settle();
  return found;
}

void Loader::read_all(storage::Range range, storage::Visit visit) {
  scan(range, visit, [] {});
  settle();
}

std::optional<core::Job> Loader::read_granted(const core::Grant::Entry& entry) {
  const Key<22> ready = ready_key(entry.id.queue(), entry.priority, entry.id);
  const Key<20> parked = placed_key(entry.id.queue(), entry.id);
  for (const Place place : {Place::ready, Place::parked}) {
    const std::string_view key = place == Place::ready ? ready.view() : parked.view();
    const std::optional<std::string> value = read(family_of(place), key);
    if (!value) continue;
    Decoded<core::Job> job = decode_job(place, key, *value);
    if (job) return std::move(*job);
    fail(job.error().what);
    return std::nullopt;
  }
  if (!machine_.has_lanes(entry.id.queue())) return std::nullopt;
  const Key<28> key = lane_row_key(entry.id.queue(), entry.id.lane(), entry.priority, entry.id);
  const std::optional<std::string> value = read(family::ready, key);
  if (!value) return std::nullopt;
  Decoded<core::Job> job = decode_job(Place::ready, key, *value);
  if (job) return std::move(*job);
  fail(job.error().what);
  return std::nullopt;
}

}  // namespace pawl::engine
