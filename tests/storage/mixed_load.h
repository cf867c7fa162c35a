// A load whose every prefix has one known outcome, so that what a crash left can be audited to the byte.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "storage/store.h"

namespace pawl::storage::test {

inline constexpr Family counters{0};  // overwritten again and again
inline constexpr Family entries{1};   // written_once
inline constexpr Family leases{2};    // expires; here never in the past
inline constexpr std::uint32_t load_partition = 0;

Options load_options();

/// The batch with this number, from 1 on: puts, overwrites, erases and a range.
Batch load_batch(std::uint64_t number);

/// What all families hold after batches 1…number.
using Contents = std::map<std::pair<Family, std::string>, std::string>;
Contents contents_after(std::uint64_t number);

/// What the partition holds; the error is an Errc and its message.
Result<Contents> read_all(const Partition& partition);

/// The number of the newest batch in the contents; 0 if there is none.
std::uint64_t newest_batch(const Contents& contents);

/// Empty if the contents are exactly those after some batch that is not older than `acknowledged`; else what
/// is wrong.
std::string audit(const Contents& contents, std::uint64_t acknowledged);

}  // namespace pawl::storage::test
