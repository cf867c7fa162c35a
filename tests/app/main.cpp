// Runs the tests, or prints the tables of settings and metrics as the Markdown rows that docs/OPERATIONS.md
// must hold.
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>

#include "broker/app/metrics.h"
#include "broker/app/settings.h"

namespace {

void print_settings() {
  for (const auto& setting : pawl::app::settings_table()) {
    const std::string range = pawl::app::range_of(setting);
    std::cout << "| `" << setting.key << "` | "
              << (setting.secret ? "" : "`" + pawl::app::flag_of(setting) + "`") << " | `"
              << pawl::app::variable_of(setting) << "` | "
              << (setting.fallback.empty() ? "" : "`" + std::string(setting.fallback) + "`") << " | " << range
              << " | " << setting.doc << " |\n";
  }
}

void print_metrics() {
  constexpr const char* types[] = {"counter", "gauge", "histogram"};
  for (const auto& metric : pawl::app::metrics_table()) {
    std::cout << "| `" << metric.name << "` | " << types[static_cast<int>(metric.type)] << " | "
              << metric.labels << " | " << metric.doc << " |\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--print-settings") == 0) return print_settings(), 0;
  if (argc == 2 && std::strcmp(argv[1], "--print-metrics") == 0) return print_metrics(), 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
