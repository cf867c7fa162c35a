// The machine's own random words and ids. Everything is drawn from the seed.
#include "broker/core/machine_state.h"

namespace pawl::core {

// SplitMix64 (Steele, Lea, Flood, 2014).
std::uint64_t Machine::State::random_word() {
  random += 0x9e3779b97f4a7c15ull;
  std::uint64_t z = random;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

double Machine::State::random_unit() { return static_cast<double>(random_word() >> 11) * 0x1.0p-53; }

// The first half of an id of a job or a workflow; the layout stands at JobId. More than 4096 of them in one
// millisecond borrow from the next ones (RFC 9562, section 6.2).
std::uint64_t Machine::State::next_id_high(Millis wall) {
  std::uint64_t high = (static_cast<std::uint64_t>(wall) << 16) | 0x7000;
  if (high <= marks.last_id_high) {
    const std::uint64_t last = marks.last_id_high;
    high = (last & 0xfff) == 0xfff ? (((last >> 16) + 1) << 16) | 0x7000 : last + 1;
  }
  marks.last_id_high = high;
  marks_dirty = true;
  return high;
}

JobId Machine::State::new_id(Millis wall, const Queue& queue, const Job& job) {
  const std::uint64_t high = next_id_high(wall);
  const std::uint64_t low = (std::uint64_t{2} << 62) |
                            (std::uint64_t{static_cast<std::uint32_t>(queue.row.number)} << 38) |
                            (static_cast<std::uint64_t>(job.priority + 1000) << 27) |
                            (job.lane != 0 ? job.lane : random_word() & 0x7ffffff);
  return JobId::from_words(high, low);
}

}  // namespace pawl::core
