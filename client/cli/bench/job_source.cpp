#include "client/cli/bench/job_source.h"

#include <unistd.h>

#include <charconv>

#include "client/cli/bench/samples.h"

namespace pawl::cli::bench {
namespace {

constexpr std::string_view payload_head = R"({"id":)";

std::string padding_of(std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += "abcdefghijklmnopqrstuvwxyz0123456789";
  return out;
}

std::vector<std::string> names_of_queues(unsigned count) {
  const std::string run =
      "bench-" + std::to_string(::getpid()) + "-" + std::to_string(Clock::now().time_since_epoch().count());
  if (count == 1) return {run};
  std::vector<std::string> out;
  for (unsigned n = 0; n < count; ++n) out.push_back(run + "-" + std::to_string(n));
  return out;
}

std::optional<Retention> retention_of(std::optional<std::chrono::milliseconds> keep_completed) {
  if (!keep_completed) return std::nullopt;
  return Retention{.completed = keep_completed, .failed = keep_completed};
}

}  // namespace

JobSource::JobSource(const Load& load, std::optional<std::chrono::milliseconds> keep_completed)
    : load_(load),
      retention_(retention_of(keep_completed)),
      padding_(padding_of(load.payload_bytes)),
      queues_(names_of_queues(load.queues)) {}

JobSpec JobSource::spec(std::uint64_t number) const {
  JobSpec spec{.queue = queues_[number % load_.queues], .payload = JsonText::raw(payload(number))};
  if (load_.priorities > 1) spec.priority = static_cast<int>(number / load_.queues % load_.priorities);
  if (load_.groups > 0) spec.group = "tenant-" + std::to_string(number / load_.queues % load_.groups);
  spec.retention = retention_;
  return spec;
}

// {"id":7,"to":"user7@example.com","kind":"email.welcome","pad":"…"}
std::string JobSource::payload(std::uint64_t number) const {
  const std::string id = std::to_string(number);
  std::string out(payload_head);
  out += id + R"(,"to":"user)" + id + R"(@example.com","kind":"email.welcome","pad":")";
  if (out.size() + 2 < load_.payload_bytes) out.append(padding_, 0, load_.payload_bytes - 2 - out.size());
  return out + "\"}";
}

std::uint64_t JobSource::number_of(std::string_view payload) {
  std::uint64_t number = 0;
  if (payload.starts_with(payload_head))
    std::from_chars(payload.data() + payload_head.size(), payload.data() + payload.size(), number);
  return number;
}

}  // namespace pawl::cli::bench
