#include "client/examples/demo/report.h"

#include <cstdio>
#include <map>

namespace demo {
namespace {

void row(const char* name, const std::string& value, const std::string& remark = {}) {
  std::printf("  %-24s %10s%s%s\n", name, value.c_str(), remark.empty() ? "" : "   ", remark.c_str());
}

std::string whole(std::size_t number) { return std::to_string(number); }

std::string duration(pawl::milliseconds value) { return std::to_string(value.count()) + " ms"; }

}  // namespace

void print_table(const Tally& tally) {
  std::map<std::string, std::size_t> types;
  for (const std::string& type : tally.dead_types) ++types[type];
  std::string why;
  for (const auto& [type, count] : types) why += (why.empty() ? "" : ", ") + whole(count) + " " + type;
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.0f",
                tally.seconds > 0 ? static_cast<double>(tally.completed + tally.dead) / tally.seconds : 0.0);
  char megabytes[48];
  std::snprintf(megabytes, sizeof megabytes, "%.1f MB of text, %zu chunks",
                static_cast<double>(tally.bytes) / 1e6, tally.chunks);

  std::printf("\n");
  row("submitted", whole(tally.submitted));
  row("completed", whole(tally.completed), megabytes);
  row("dead letters", whole(tally.dead), why);
  row("retried", whole(tally.retried), "failed on purpose once, then done");
  row("stalled and recovered", whole(tally.recovered),
      "of " + whole(tally.stalled) + " that lost their worker");
  row("jobs/s", rate);
  row("wait p50 / p95", duration(percentile(tally.waits, 0.50)), duration(percentile(tally.waits, 0.95)));
  row("run  p50 / p95", duration(percentile(tally.runs, 0.50)), duration(percentile(tally.runs, 0.95)));
  std::printf("\n");
}

void print_next_steps(const NextSteps& steps) {
  const char* programs = steps.programs.c_str();
  const char* url = steps.url.c_str();
  if (steps.broker_pid == 0) {
    std::printf(
        "Try next:\n"
        "  ./dev demo --keep                                  the same, and the broker stays to be looked "
        "at\n"
        "  %s/pawld --data ./pawl-data            a broker of your own, then in another terminal:\n"
        "  %s/pawl enqueue hello '{\"n\":1}'\n"
        "  %s/pawl queues\n",
        programs, programs, programs);
    return;
  }
  std::printf(
      "The broker goes on: %s, pid %d. Try next:\n"
      "  export PAWL_URL=%s\n"
      "  %s/pawl queues\n"
      "  %s/pawl get %s\n"
      "  %s/pawl dlq list %s\n"
      "  curl -s %s/jobs/%s\n"
      "  curl -s %s/queues/%s/dlq\n"
      "  kill %d                                            when you have seen enough\n",
      url, steps.broker_pid, url, programs, programs, steps.job_id.c_str(), programs, steps.queue.c_str(),
      url, steps.job_id.c_str(), url, steps.queue.c_str(), steps.broker_pid);
}

}  // namespace demo
