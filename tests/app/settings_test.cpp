#include "broker/app/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace pawl::app {
namespace {

const Setting& setting(std::string_view key) {
  return *std::ranges::find(settings_table(), key, &Setting::key);
}

TEST(SettingsTest, KeysFlagsAndVariablesAreUnique) {
  std::set<std::string> seen;
  for (const Setting& row : settings_table()) {
    EXPECT_TRUE(seen.insert(flag_of(row)).second) << row.key;
    EXPECT_TRUE(seen.insert(variable_of(row)).second) << row.key;
  }
}

TEST(SettingsTest, EveryRowIsWholeAndItsDefaultIsInItsRange) {
  Settings settings;
  for (const Setting& row : settings_table()) {
    EXPECT_TRUE(row.doc.ends_with('.')) << row.key;
    EXPECT_TRUE(assign(settings, row, row.fallback).has_value()) << row.key;
    const bool ranged = row.kind == Kind::integer || row.kind == Kind::bytes;
    EXPECT_TRUE(!ranged || row.min < row.max) << row.key;
  }
  EXPECT_EQ(default_settings().listen, std::vector<std::string>{"127.0.0.1:7711"});
  EXPECT_EQ(default_settings().store_memory_bytes, 96 << 20);
}

TEST(SettingsTest, NamesFollowFromTheKey) {
  EXPECT_EQ(flag_of(setting("log.level")), "--log-level");
  EXPECT_EQ(variable_of(setting("log.level")), "PAWL_LOG_LEVEL");
  EXPECT_EQ(variable_of(setting("store.memory-bytes")), "PAWL_STORE_MEMORY_BYTES");
}

TEST(SettingsTest, ValuesAreReadOrRefused) {
  struct Line {
    const char* key;
    const char* written;
    bool good;
  };
  const Line ledger[] = {
      {"engine.batch-commands", "1", true},
      {"engine.batch-commands", "100000", true},
      {"engine.batch-commands", "0", false},
      {"engine.batch-commands", "100001", false},
      {"engine.batch-commands", "-1", false},
      {"engine.batch-commands", "12x", false},
      {"engine.batch-commands", "", false},
      {"engine.batch-commands", " 12", false},
      {"engine.batch-commands", "1e3", false},
      {"engine.batch-commands", "1KiB", false},
      {"engine.batch-commands", "99999999999999999999", false},
      {"store.memory-bytes", "64MiB", true},
      {"store.memory-bytes", "1 GiB", true},
      {"store.memory-bytes", "16777216", true},
      {"store.memory-bytes", "64MB", false},
      {"store.memory-bytes", "MiB", false},
      {"store.memory-bytes", "9999999999GiB", false},
      {"log.level", "debug", true},
      {"log.level", "DEBUG", false},
      {"log.level", "", false},
      {"data", "/var/lib/pawl", true},
  };
  for (const Line& line : ledger) {
    Settings settings;
    const auto done = assign(settings, setting(line.key), line.written);
    EXPECT_EQ(done.has_value(), line.good) << line.key << " = " << line.written;
    EXPECT_TRUE(done || done.error().find("must be") != std::string::npos) << done.error();
  }
}

TEST(SettingsTest, UnitsAndListsAreUnderstood) {
  Settings settings;
  ASSERT_TRUE(assign(settings, setting("store.memory-bytes"), "2GiB"));
  EXPECT_EQ(settings.store_memory_bytes, 2ll << 30);
  ASSERT_TRUE(assign(settings, setting("hosts"), "jobs.example.org, jobs ,"));
  EXPECT_EQ(settings.hosts, (std::vector<std::string>{"jobs.example.org", "jobs"}));
}

}  // namespace
}  // namespace pawl::app
