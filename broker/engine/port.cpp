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
  std::vector<std::optional<core::Reply>> replies;

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
  void on_reply(std::uint64_t tag, core::Reply&& reply) override {
    const std::lock_guard lock(wait_->mutex);
    wait_->replies[tag] = std::move(reply);
  }
  void on_durable() {
    const std::lock_guard lock(wait_->mutex);
    wait_->durable = true;
  }

 private:
  std::shared_ptr<Wait> wait_;
};

}  // namespace

std::vector<std::optional<core::Reply>> Port::ask_all(std::vector<core::CommandBody> bodies,
                                                      bool unless_active) {
  const auto wait = std::make_shared<Wait>();
  wait->replies.resize(bodies.size());
  {
    const auto collector = std::make_shared<Collector>(wait);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      Item item;
      item.command.body = std::move(bodies[i]);
      item.target = collector;
      item.tag = i;
      item.unless_active = unless_active;
      if (!inbox_.push(std::move(item), true)) break;
    }
  }
  wait->wait();
  return std::move(wait->replies);
}

std::expected<core::Reply, ListError> Port::ask(core::CommandBody body) {
  std::vector<core::CommandBody> one;
  one.push_back(std::move(body));
  std::vector<std::optional<core::Reply>> replies = ask_all(std::move(one), false);
  if (!replies[0]) return std::unexpected(ListError::busy);
  return std::move(*replies[0]);
}

bool Port::run(std::function<void(core::Machine&, BatchOutbox&, core::Now)> task,
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
