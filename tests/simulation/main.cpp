// pawl-sim: runs Pawl's core against a fake disk and fake clocks, from a seed.
#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "tests/simulation/world.h"

namespace {

using namespace pawl::sim;

struct Arguments {
  std::uint64_t seed = 1;
  std::uint64_t steps = 20'000;
  std::uint64_t seeds = 1;
  std::uint64_t lines = 30;
  Canary canary = Canary::none;
  bool list_canaries = false;
  bool all_rare = false;
  bool expect_red = false;
};

constexpr const char* usage =
    "pawl-sim [--seed S] [--steps N] [--seeds K] [--canary NAME] [--expect-red]\n"
    "         [--list-canaries] [--require-all-rare] [--lines N]\n"
    "  --seed S            the first seed (1)\n"
    "  --steps N           steps a seed (20000)\n"
    "  --seeds K           run S, S+1, … (1)\n"
    "  --canary NAME       a broker that is broken on purpose; the run must turn red\n"
    "  --expect-red        exit 0 only if the canary is caught by an invariant that it breaks\n"
    "  --list-canaries     names, the invariants that may catch each, and what is broken\n"
    "  --require-all-rare  fail unless every rare situation was met\n"
    "  --lines N           of the trace, when a promise was broken (30; at most 16384)\n"
    "Exit status: 0 all promises held, 1 one was broken (or a rare situation was not met), 2 wrong use.\n";

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Arguments> parse(int count, char** words) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--list-canaries") {
      out.list_canaries = true;
      continue;
    }
    if (word == "--expect-red") {
      out.expect_red = true;
      continue;
    }
    if (word == "--require-all-rare") {
      out.all_rare = true;
      continue;
    }
    if (++i >= count) return std::nullopt;
    if (word == "--canary") {
      const auto canary = canary_named(words[i]);
      if (!canary) return std::nullopt;
      out.canary = *canary;
      continue;
    }
    const auto value = number(words[i]);
    if (!value) return std::nullopt;
    if (word == "--seed")
      out.seed = *value;
    else if (word == "--steps")
      out.steps = *value;
    else if (word == "--lines")
      out.lines = *value;
    else if (word == "--seeds")
      out.seeds = *value;
    else
      return std::nullopt;
  }
  return out;
}

void list_canaries() {
  for (const CanaryInfo& info : canaries) {
    fmt::print("{:<24} {:<8} {}\n", info.name, info.invariants, info.what);
  }
}

int print_rare(const RareCounts& rare) {
  int missing = 0;
  fmt::print("rare situations:\n");
  for (std::size_t i = 0; i < rare_count; ++i) {
    const auto which = static_cast<Rare>(i);
    missing += rare.of(which) == 0 ? 1 : 0;
    fmt::print("  {:<40} {}\n", name_of(which), rare.of(which));
  }
  fmt::print("rare situations met: {} of {}\n", rare_count - static_cast<std::size_t>(missing), rare_count);
  return missing;
}

bool is_expected(Canary canary, const std::string& invariant) {
  for (const CanaryInfo& info : canaries) {
    if (info.canary == canary) return info.invariants.find(invariant) != std::string_view::npos;
  }
  return false;
}

int run(const Arguments& arguments) {
  RareCounts rare;
  std::uint64_t hash = 0;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.seeds; ++seed) {
    Options options = Options::draw(seed, arguments.steps, arguments.canary);
    options.trace_lines = static_cast<std::size_t>(arguments.lines);
    fmt::print("{}\n", options.json());
    std::fflush(stdout);
    const RunResult result = simulate(options);
    rare.add(result.rare);
    hash = hash * 0x9e3779b97f4a7c15ull + result.hash;
    if (!result.held) {
      fmt::print("BROKEN {} with seed {}\n{}trace hash {:016x}\n", result.invariant, seed, result.report,
                 hash);
      return arguments.expect_red && is_expected(arguments.canary, result.invariant) ? 0 : 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const int missing = print_rare(rare);
  fmt::print("all promises held over {} steps\n", arguments.steps * arguments.seeds);
  fmt::print(stderr, "{:.1f} s\n", took.count());
  fmt::print("trace hash {:016x}\n", hash);
  if (arguments.expect_red) fmt::print("the canary was not caught\n");
  return arguments.expect_red || (arguments.all_rare && missing > 0) ? 1 : 0;
}

}  // namespace

int main(int count, char** words) {
  const std::optional<Arguments> arguments = parse(count, words);
  if (!arguments) {
    fmt::print(stderr, "{}", usage);
    return 2;
  }
  if (arguments->list_canaries) {
    list_canaries();
    return EXIT_SUCCESS;
  }
  return run(*arguments);
}
