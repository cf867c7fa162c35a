#include "broker/core/pace.h"

#include <algorithm>
#include <cmath>

namespace pawl::core {
namespace {

constexpr Millis slots = 100;

// At least 1 µs, which is above any rate that can be reached.
std::int64_t interval_us(const RateLimit& limit) {
  return std::max<std::int64_t>(limit.per_ms * 1000 / limit.max, 1);
}

std::uint32_t burst_of(const RateLimit& limit) {
  return limit.burst == 0 ? limit.max : std::min(limit.burst, limit.max);
}

}  // namespace

Millis Pace::opens_at(const RateLimit& limit, Millis now) const {
  std::uint64_t count_now = sum;
  auto it = counted.begin();
  for (; it != counted.end() && it->first <= now; ++it) count_now -= it->second;
  Millis opens = now;
  for (; it != counted.end() && count_now >= limit.max; ++it) {
    count_now -= it->second;
    opens = it->first;
  }
  // The bucket is short of (full_at − now) / interval tokens; one must be there.
  const std::int64_t token_at_us = full_at_us - std::int64_t{burst_of(limit) - 1} * interval_us(limit);
  // In the millisecond in which it comes: waiting for the next would slow a rate of some hundreds down.
  return std::max(opens, token_at_us / 1000);
}

void Pace::start(const RateLimit& limit, Millis now) {
  while (!counted.empty() && counted.front().first <= now) {
    sum -= counted.front().second;
    counted.pop_front();
  }
  const Millis slot = std::max<Millis>(limit.per_ms / slots, 1);
  const Millis until = (now / slot + 1) * slot - 1 + limit.per_ms;
  if (counted.empty() || counted.back().first < until) {
    add(until, 1);
  } else {
    ++counted.back().second;
    ++sum;
  }
  full_at_us = std::max(full_at_us, now * 1000) + interval_us(limit);
}

void Pace::add(Millis until, std::uint32_t starts) {
  counted.emplace_back(until, starts);
  sum += starts;
}

void Pace::change(const RateLimit& from, const RateLimit& limit, Millis now) {
  const Millis most = now + limit.per_ms;
  for (auto& [until, count] : counted) until = std::min(until, most);
  const std::int64_t short_us = full_at_us - now * 1000;
  if (short_us <= 0) return;
  // The same number of tokens takes another time to come back.
  const double tokens = static_cast<double>(short_us) / static_cast<double>(interval_us(from));
  const double back_us = std::ceil(tokens * static_cast<double>(interval_us(limit)));
  full_at_us = back_us < static_cast<double>(limit.per_ms * 1000)
                   ? now * 1000 + static_cast<std::int64_t>(back_us)
                   : most * 1000;
}

}  // namespace pawl::core
