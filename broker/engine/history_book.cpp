#include "broker/engine/history_book.h"

#include <algorithm>
#include <utility>

namespace pawl::engine {

using core::Millis;
using core::QueueNumber;

namespace {

constexpr std::size_t quiet_series_max = 200;  // watched for their depth alone

Millis floor_to(Millis at, Millis step) { return at - at % step; }

std::unexpected<storage::Error> damaged_row(const DecodeError& error) {
  return std::unexpected(storage::Error{storage::Errc::corrupt, error.what});
}

}  // namespace

void HistoryBook::put(char step, std::uint32_t queue, const HistoryPoint& point) {
  unwritten_[history_key(step, QueueNumber{queue}, point.at).str()] = {step, QueueNumber{queue}, point};
}

void HistoryBook::finish_minute(std::uint32_t queue, Series& series) {
  put(HistoryRow::minute, queue, series.minute);
  series.minute_open = false;
}

void HistoryBook::add_to_minute(std::uint32_t queue, Series& series, const HistoryPoint& second) {
  const Millis minute = floor_to(second.at, minute_ms);
  // One that is over may open again, for its last second.
  if (series.minute.at != minute) {
    if (series.minute_open) finish_minute(queue, series);
    series.minute = {};
    series.minute.at = minute;
  }
  series.minute.add(second);
  series.minute_open = true;
}

void HistoryBook::note(std::uint32_t queue, const HistoryPoint& second) {
  Series& series = series_[queue];
  series.depth = second.depth;
  if (series.newest.at == second.at)
    series.newest.add(second);  // looked at twice: only the depth may be new, or a restart fell into it
  else
    series.newest = second;
  put(HistoryRow::second, queue, series.newest);
  add_to_minute(queue, series, second);
}

void HistoryBook::close(Millis before, const std::vector<Traffic>& traffic, const Depths& depths) {
  const auto depth_of = [&](std::uint32_t queue) {
    const auto it = depths.find(queue);
    return it == depths.end() ? Depth{} : it->second;
  };
  // By queue and second. Seconds of one queue come in order, so each next one is the newest so far.
  std::map<std::uint32_t, std::map<Millis, HistoryPoint>> seconds;
  for (const Traffic& one : traffic) {
    const auto queue = static_cast<std::uint32_t>(one.queue);
    for (const std::uint32_t of : {queue, std::uint32_t{0}}) {
      HistoryPoint& second = seconds[of][one.point.at];
      second.add(one.point);
      second.at = one.point.at;
      if (queue == 0) break;
    }
  }
  for (auto& [queue, points] : seconds) {
    const Depth earlier = series_[queue].depth;
    for (auto& [at, point] : points) {
      point.depth = at == points.rbegin()->first ? depth_of(queue) : earlier;
      note(queue, point);
    }
  }
  for (auto& [queue, series] : series_) {
    const Depth depth = depth_of(queue);
    if (depth == series.depth) continue;
    HistoryPoint still;
    still.at = std::max(before - second_ms, series.newest.at);
    still.depth = depth;
    note(queue, still);
  }
  for (auto& [queue, series] : series_) {
    if (series.minute_open && series.minute.at + minute_ms <= before) finish_minute(queue, series);
  }
  if (series_.size() <= quiet_series_max) return;
  std::erase_if(series_, [&](const auto& item) {
    return item.first != 0 && !item.second.minute_open && item.second.newest.at + seconds_kept_ms < before;
  });
}

std::vector<QueueNumber> HistoryBook::queues() const {
  std::vector<QueueNumber> numbers;
  for (const auto& [queue, series] : series_) {
    if (queue != 0) numbers.push_back(QueueNumber{queue});
  }
  return numbers;
}

Millis HistoryBook::minute_ends() const {
  Millis ends = core::never;
  for (const auto& [queue, series] : series_) {
    if (series.minute_open) ends = std::min(ends, series.minute.at + minute_ms);
  }
  return ends;
}

storage::Result<std::optional<HistoryPoint>> HistoryBook::last_before(const storage::Snapshot& snapshot,
                                                                      char step, QueueNumber queue, Millis at,
                                                                      Millis wall) const {
  std::optional<HistoryPoint> found;
  std::optional<DecodeError> damage;
  storage::Range range{family::history, history_key(step, queue, 0).str(), history_key(step, queue, at).str(),
                       true};
  const auto scanned = snapshot.scan(range, [&](std::string_view key, std::string_view value) {
    Decoded<HistoryRow> row = decode_history(key, value);
    if (!row)
      damage = row.error();
    else if (!expired(expiry_of(*row), wall))
      found = std::move(row->point);
    return false;
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (damage) return damaged_row(*damage);
  const auto next = unwritten_.lower_bound(range.end);
  if (next != unwritten_.begin()) {
    const HistoryRow& row = std::prev(next)->second;
    const bool newer = row.step == step && row.queue == queue && (!found || found->at <= row.point.at);
    if (newer) found = row.point;
  }
  return found;
}

storage::Result<void> HistoryBook::recover(const storage::Snapshot& snapshot, Millis wall) {
  std::string begin(1, HistoryRow::second);
  const std::string end(1, HistoryRow::second + 1);
  while (true) {
    std::optional<QueueNumber> queue;
    const auto looked =
        snapshot.scan({family::history, begin, end}, [&](std::string_view key, std::string_view) {
          if (key.size() == 13) queue = queue_at(key.substr(1));
          return false;
        });
    if (!looked) return looked;
    if (!queue) return {};
    const auto number = static_cast<std::uint32_t>(*queue);
    const auto made = last_before(snapshot, HistoryRow::minute, *queue, core::never, wall);
    if (!made) return std::unexpected(made.error());
    const Millis from = *made ? (*made)->at + minute_ms : 0;
    Series series;
    if (*made) series.minute = **made;
    std::optional<DecodeError> damage;
    const auto visit = [&](std::string_view key, std::string_view value) {
      Decoded<HistoryRow> row = decode_history(key, value);
      if (!row) {
        damage = row.error();
        return false;
      }
      if (expired(expiry_of(*row), wall)) return true;
      series.depth = row->point.depth;
      series.newest = row->point;
      if (row->point.at >= from) add_to_minute(number, series, row->point);
      return true;
    };
    const std::string after = history_key(HistoryRow::second, QueueNumber{number + 1}, 0).str();
    // What is older became minutes long ago; one more minute, for the depth.
    const Millis since = std::max<Millis>(0, from - minute_ms);
    const auto scanned =
        snapshot.scan({family::history, history_key(HistoryRow::second, *queue, since).str(), after}, visit);
    if (!scanned) return scanned;
    if (damage) return damaged_row(*damage);
    if (series.newest.at != 0) series_[number] = std::move(series);
    begin = after;
  }
}

storage::Result<HistorySeries> HistoryBook::read(const storage::Snapshot& snapshot, QueueNumber queue,
                                                 const HistoryQuery& query, Millis wall,
                                                 const std::vector<Traffic>& open, const Depth& now) const {
  const char step = query.step < minute_ms ? HistoryRow::second : HistoryRow::minute;
  const Millis grain = query.step < minute_ms ? second_ms : minute_ms;
  std::map<Millis, HistoryPoint> rows;
  std::optional<DecodeError> damage;
  const storage::Range range{family::history, history_key(step, queue, query.from).str(),
                             history_key(step, queue, query.to).str()};
  const auto scanned = snapshot.scan(range, [&](std::string_view key, std::string_view value) {
    Decoded<HistoryRow> row = decode_history(key, value);
    if (!row) {
      damage = row.error();
      return false;
    }
    if (!expired(expiry_of(*row), wall)) rows[row->point.at] = std::move(row->point);
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (damage) return damaged_row(*damage);
  for (auto it = unwritten_.lower_bound(range.begin); it != unwritten_.lower_bound(range.end); ++it) {
    rows[it->second.point.at] = it->second.point;
  }
  const auto inside = [&](Millis at) { return at >= query.from && at < query.to; };
  const auto known = series_.find(static_cast<std::uint32_t>(queue));
  if (step == HistoryRow::minute && known != series_.end() && known->second.minute_open &&
      inside(known->second.minute.at)) {
    rows[known->second.minute.at] = known->second.minute;
  }
  for (const Traffic& one : open) {
    const Millis at = floor_to(one.point.at, grain);
    if ((one.queue != queue && queue != QueueNumber{}) || !inside(at)) continue;
    HistoryPoint& point = rows[at];
    point.add(one.point);
    point.at = at;
    point.depth = now;
  }
  HistorySeries series;
  for (const char family_step : {step, HistoryRow::minute}) {
    if (series.before) break;
    const auto last = last_before(snapshot, family_step, queue, query.from, wall);
    if (!last) return std::unexpected(last.error());
    if (*last) series.before = (*last)->depth;
  }
  if (!series.before && rows.empty()) series.before = now;
  for (auto& [at, point] : rows) {
    const Millis slot = floor_to(at, query.step);
    if (series.points.empty() || series.points.back().at != slot) {
      series.points.emplace_back();
      series.points.back().at = slot;
    }
    series.points.back().add(point);
    series.points.back().depth = point.depth;
  }
  return series;
}

}  // namespace pawl::engine
