#include "tests/simulation/trace.h"

#include <fmt/core.h>

#include <algorithm>

namespace pawl::sim {

std::string short_id(const core::JobId& id) { return fmt::format("{:x}-{:x}", id.high(), id.low()); }

std::vector<std::string> Trace::last(std::size_t count) const {
  std::vector<std::string> out;
  const std::uint64_t have = std::min<std::uint64_t>(std::min<std::uint64_t>(lines_, ring_.size()), count);
  for (std::uint64_t i = lines_ - have; i < lines_; ++i) {
    const Line& line = ring_[i % ring_.size()];
    std::string text = fmt::format("step {:>7} wall {:>14}  {:<16}", line.step, line.wall, line.what);
    if (line.id != core::JobId{}) text += fmt::format(" job {}", short_id(line.id));
    text += fmt::format(" {} {}", line.a, line.b);
    if (!line.more.empty()) text += fmt::format(" {}", line.more);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace pawl::sim
