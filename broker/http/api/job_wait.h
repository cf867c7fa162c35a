// GET /jobs/ID, at once or at the job's end.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "broker/engine/engine.h"
#include "broker/http/api/redaction.h"
#include "broker/http/exchange.h"

namespace pawl::http::api {

/// Reads a job; with a wait, answers when the job has ended or the wait is over, whichever comes first. The
/// exchange and the engine keep it alive. Thread: any.
class JobWait final : public engine::EventTarget,
                      public engine::ReplyTarget,
                      public std::enable_shared_from_this<JobWait> {
 public:
  struct Options {
    core::JobId id;
    std::int64_t wait_ms = 0;
    std::string if_none_match;
    bool preference_applied = false;  // the wait came from the header Prefer
  };
  /// The redaction outlives every exchange.
  JobWait(engine::Engine& engine, const Redaction& redaction, std::shared_ptr<Exchange> exchange,
          Options options);
  ~JobWait() override;
  void start();

  void on_events(const std::vector<std::shared_ptr<const engine::JobEvent>>& events) override;
  void on_reply(std::uint64_t tag, core::Reply&& reply) override;

 private:
  void read(std::uint64_t tag);
  void read_last();
  void answer(core::Reply&& reply);
  void unsubscribe();

  engine::Engine& engine_;
  const Redaction& redaction_;
  std::shared_ptr<Exchange> exchange_;  // whoever wins `answered_` takes it
  const Options options_;
  std::atomic<std::uint64_t> token_ = 0;  // of the subscription; 0: none
  std::atomic<bool> last_ = false;
  std::atomic<bool> answered_ = false;
};

}  // namespace pawl::http::api
