// Work over many jobs that goes on in the broker, survives a restart, and keeps a pace: replay and purge of a
// dead letter queue, drain of a queue.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/engine/lists.h"

namespace pawl::engine {

struct OperationSpec {
  /// Values are on disk.
  enum class Action : std::uint8_t { replay = 0, purge = 1, drain = 2 };
  Action action = Action::replay;
  std::string queue;
  std::optional<std::string> name;        // only jobs of this name
  std::optional<std::string> error_type;  // only jobs whose last error is of this type
  double per_second = 0;                  // 0: as fast as it goes
};

struct OperationView {
  std::string id;  // a UUIDv7
  OperationSpec spec;
  enum class State : std::uint8_t { running = 0, done = 1, cancelled = 2 };
  State state = State::running;
  std::uint64_t done = 0;     // jobs it changed
  std::uint64_t skipped = 0;  // jobs that had changed meanwhile, or were refused
  core::Millis started_at = 0;
  core::Millis finished_at = 0;
};

class Operations {
 public:
  virtual ~Operations() = default;
  using Answer = std::function<void(std::expected<OperationView, ListError>)>;
  /// Thread: any. Answers when the operation is on disk. `wait`: when it ended, at the latest after 2 s.
  virtual void start(OperationSpec spec, bool wait, Answer answer) = 0;
  virtual void get(std::string id, Answer answer) = 0;
  virtual void cancel(std::string id, Answer answer) = 0;
};

}  // namespace pawl::engine
