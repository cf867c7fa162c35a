#include "broker/engine/port.h"

#include <utility>

namespace pawl::engine {

namespace {

// Where the asker waits. Over when every holder of the target let go of it: all were answered, or never will
// be.
struct Wait {
  std::mutex mutex;
  std::condition_variable over;
  bool is_over = false;
  bool durable = false;
  std::optional<core::Reply> reply;

  void wait() {
    std::unique_lock lock(mutex);
    over.wait(lock, [this] { return is_over; });
  }
};

class Collector final : public ReplyTarget {
 public:
  explicit Collector(std::shared_ptr<Wait> wait) : wait_(std::move(wait)) {}
  ~Collector() override {
    {
      const std::lock_guard lock(wait_->mutex);
      wait_->is_over = true;
    }
    wait_->over.notify_all();
  }
  void on_reply(std::uint64_t, core::Reply&& reply) override {
    const std::lock_guard lock(wait_->mutex);
    wait_->reply = std::move(reply);
  }
  void on_durable() {
    const std::lock_guard lock(wait_->mutex);
    wait_->durable = true;
  }

 private:
  std::shared_ptr<Wait> wait_;
};

}  // namespace

std::expected<core::Reply, ListError> InboxPort::ask(core::CommandBody body) {
  const auto wait = std::make_shared<Wait>();
  {
    Item item;
    item.command.body = std::move(body);
    item.target = std::make_shared<Collector>(wait);
    if (!inbox_.push(std::move(item), true)) return std::unexpected(ListError::busy);
  }
  wait->wait();
  if (!wait->reply) return std::unexpected(ListError::busy);
  return *std::move(wait->reply);
}

bool InboxPort::run(std::function<void(core::Machine&, BatchOutbox&, core::Now)> task,
                    std::shared_ptr<Together> before) {
  const auto wait = std::make_shared<Wait>();
  {
    const auto collector = std::make_shared<Collector>(wait);
    Item item;
    item.task = std::make_unique<Task>();
    item.task->before = std::move(before);
    item.task->run = std::move(task);
    item.task->durable = [collector] { collector->on_durable(); };
    if (!inbox_.push(std::move(item), false)) return false;
  }
  wait->wait();
  return wait->durable;
}

}  // namespace pawl::engine
