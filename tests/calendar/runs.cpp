// Prints the next runs of schedules. A line of input is EXPRESSION TAB ZONE TAB AFTER_MS TAB COUNT; its line
// of output is COUNT Unix milliseconds with blanks between, `never` last where they end; or `cron OFFSET
// WHAT`, or `timezone WHAT`.
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>

#include "broker/calendar/cron.h"
#include "broker/calendar/next_run.h"
#include "broker/calendar/zone.h"

namespace pawl::calendar::test {
namespace {

struct Question {
  std::string cron;
  std::string zone;
  std::int64_t after_ms = 0;
  int count = 0;
};

void print_runs(const Question& question) {
  const auto cron = CronExpression::parse(question.cron);
  if (!cron) {
    std::cout << "cron " << cron.error().offset << ' ' << cron.error().what << '\n';
    return;
  }
  const auto zone = Zone::find(question.zone);
  if (!zone) {
    std::cout << "timezone " << zone.error().what << '\n';
    return;
  }
  std::int64_t run = question.after_ms;
  for (int i = 0; i < question.count; ++i) {
    run = next_run(*cron, *zone, run);
    if (run == never) {
      std::cout << "never";
      break;
    }
    std::cout << run << ' ';
  }
  std::cout << '\n';
}

int answer_all() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream parts(line);
    Question question;
    if (!std::getline(parts, question.cron, '\t') || !std::getline(parts, question.zone, '\t') ||
        !(parts >> question.after_ms >> question.count)) {
      std::cerr << "calendar_runs: a line needs EXPRESSION, ZONE, AFTER_MS and COUNT: " << line << '\n';
      return 2;
    }
    print_runs(question);
  }
  return 0;
}

}  // namespace
}  // namespace pawl::calendar::test

int main() { return pawl::calendar::test::answer_all(); }
