#include "broker/app/engine_question.h"

#include <future>
#include <memory>
#include <utility>

namespace pawl::app {
namespace {

class OneReply final : public engine::ReplyTarget {
 public:
  void on_reply(std::uint64_t, core::Reply&& reply) override { promise_.set_value(std::move(reply)); }
  std::future<core::Reply> future() { return promise_.get_future(); }

 private:
  std::promise<core::Reply> promise_;
};

}  // namespace

std::optional<core::Reply> ask(engine::Engine& engine, core::CommandBody command,
                               std::chrono::milliseconds patience) {
  auto target = std::make_shared<OneReply>();
  std::future<core::Reply> reply = target->future();
  if (!engine.post(std::move(command), target, 0)) return std::nullopt;
  if (reply.wait_for(patience) != std::future_status::ready) return std::nullopt;
  return reply.get();
}

}  // namespace pawl::app
