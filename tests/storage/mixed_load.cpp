#include "tests/storage/mixed_load.h"

#include <fmt/format.h>

namespace pawl::storage::test {

namespace {

constexpr std::uint64_t lives = 20;  // batches that an entry lives for
constexpr std::string_view newest_key = "newest";

std::string entry_key(std::uint64_t batch, unsigned row) { return fmt::format("entry/{:08}/{}", batch, row); }
std::string lease_key(std::uint64_t batch) { return fmt::format("lease/{:08}", batch); }

std::string stamped(std::uint64_t stamp, std::string_view rest) {
  std::string value;
  for (int shift = 56; shift >= 0; shift -= 8) value += static_cast<char>(stamp >> shift & 0xff);
  return value.append(rest);
}

void play(Contents& contents, const Batch& batch) {
  batch.for_each([&](const Batch::Entry& entry) {
    const std::string key(entry.key);
    switch (entry.op) {
      case Batch::Op::put:
        contents[{entry.family, key}] = entry.value;
        break;
      case Batch::Op::erase:
        contents.erase({entry.family, key});
        break;
      case Batch::Op::erase_range:
        contents.erase(contents.lower_bound({entry.family, key}),
                       contents.lower_bound({entry.family, std::string(entry.value)}));
        break;
    }
  });
}

}  // namespace

Options load_options() {
  Options options;
  options.families = {{"counters"}, {"entries", true}, {"leases", false, true}};
  options.memory_budget_bytes = 1 << 19;  // small, so that tables are written and logs change all the time
  return options;
}

Batch load_batch(std::uint64_t number) {
  Batch batch;
  batch.put(counters, newest_key, std::to_string(number));
  batch.put(counters, fmt::format("counter/{}", number % 7), fmt::format("{:0300}", number));
  for (unsigned row = 0; row < 3; ++row) {
    std::string payload(800, '\0');
    std::uint64_t noise = number * 8 + row + 1;  // does not compress
    for (char& byte : payload) {
      noise = noise * 6364136223846793005ull + 1442695040888963407ull;
      byte = static_cast<char>(noise >> 56);
    }
    batch.put(entries, entry_key(number, row), payload);
    if (number > lives) batch.erase(entries, entry_key(number - lives, row));
  }
  batch.put(leases, lease_key(number), stamped(number % 2 == 0 ? 0 : 1ull << 50, std::to_string(number)));
  if (number % 50 == 0) batch.erase_range(leases, lease_key(0), lease_key(number - 10));
  return batch;
}

Contents contents_after(std::uint64_t number) {
  Contents contents;
  for (std::uint64_t i = 1; i <= number; ++i) play(contents, load_batch(i));
  return contents;
}

Result<Contents> read_all(const Partition& partition) {
  Contents contents;
  std::optional<Error> error;
  for (const Family family : {counters, entries, leases}) {
    partition.scan(
        {family, "", "~", false},
        [&](std::string_view key, std::string_view value) {
          contents[{family, std::string(key)}] = value;
          return true;
        },
        [&](Result<void> result) {
          if (!result) error = result.error();
        });
  }
  if (error) return std::unexpected(*error);
  return contents;
}

std::uint64_t newest_batch(const Contents& contents) {
  const auto newest = contents.find({counters, std::string(newest_key)});
  return newest == contents.end() ? 0 : std::stoull(newest->second);
}

std::string audit(const Contents& contents, std::uint64_t acknowledged) {
  const std::uint64_t newest = newest_batch(contents);
  if (newest < acknowledged)
    return fmt::format("batch {} was acknowledged, but only {} are there", acknowledged, newest);
  const Contents expected = contents_after(newest);
  for (const auto& [place, value] : expected) {
    const auto found = contents.find(place);
    if (found == contents.end()) return fmt::format("after batch {}: {} is missing", newest, place.second);
    if (found->second != value) return fmt::format("after batch {}: {} is another one", newest, place.second);
  }
  if (contents.size() != expected.size()) {
    return fmt::format("after batch {}: {} rows instead of {}", newest, contents.size(), expected.size());
  }
  return {};
}

}  // namespace pawl::storage::test
