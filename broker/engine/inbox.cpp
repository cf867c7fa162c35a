#include "broker/engine/inbox.h"

#include <utility>

namespace pawl::engine {

std::size_t bytes_of(const core::CommandBody& body) {
  std::size_t bytes = 0;
  if (const auto* submit = std::get_if<core::Submit>(&body)) {
    for (const core::NewJob& job : submit->jobs) bytes += 256 + (job.payload ? job.payload->size() : 0);
  } else if (const auto* put = std::get_if<core::PutSchedule>(&body)) {
    const core::Bytes& payload = put->schedule.job.payload;
    bytes += 512 + (payload ? payload->size() : 0);
  } else if (const auto* settle = std::get_if<core::Settle>(&body)) {
    for (const core::Settlement& settlement : settle->settlements) {
      bytes += settlement.error_message.size() + settlement.error_stack.size() +
               (settlement.result ? settlement.result->size() : 0);
    }
  } else if (const auto* logs = std::get_if<core::AppendLogs>(&body)) {
    for (const std::string& line : logs->lines) bytes += line.size();
  }
  return bytes;
}

bool is_answered(const core::CommandBody& body) {
  return !std::holds_alternative<core::AbandonLease>(body) &&
         !std::holds_alternative<core::SetCredit>(body) && !std::holds_alternative<core::CloseWorker>(body);
}

std::expected<core::Ticket, Busy> Inbox::push(Item item, bool bounded) {
  core::Ticket ticket = item.command.ticket;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return std::unexpected(*closed_);
    // One that is larger than the whole bound still passes when it is alone.
    const bool full = held_ >= commands_max_ || (held_ > 0 && held_bytes_ + item.bytes > bytes_max_);
    if (bounded && full) return std::unexpected(Busy::inbox_full);
    const bool waits = item.target != nullptr || std::holds_alternative<core::OpenWorker>(item.command.body);
    if (ticket == core::Ticket::none && item.task == nullptr && waits && is_answered(item.command.body)) {
      ticket = names_.take();
      item.command.ticket = ticket;
    }
    ++held_;
    held_bytes_ += item.bytes;
    items_.push_back(std::move(item));
  }
  wake_.notify_one();
  return ticket;
}

void Inbox::arrive(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(std::move(call));
  }
  wake_.notify_one();
}

void Inbox::close(Busy why) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ || why == Busy::failed) closed_ = why;
  }
  wake_.notify_all();
}

std::size_t Inbox::size() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

bool Inbox::take(std::vector<Item>& into, std::vector<core::Ticket>& released, std::size_t done,
                 std::size_t done_bytes, std::optional<std::chrono::steady_clock::time_point> until) {
  std::unique_lock lock(mutex_);
  for (const core::Ticket ticket : released) names_.give_back(ticket);
  released.clear();
  held_ -= done;
  held_bytes_ -= done_bytes;
  if (!into.empty()) return true;
  const auto something = [this] { return !items_.empty() || closed_.has_value(); };
  if (until) {
    wake_.wait_until(lock, *until, something);
  } else {
    wake_.wait(lock, something);
  }
  into.swap(items_);
  return !into.empty() || !closed_;
}

void Inbox::run_arrivals() {
  std::vector<std::function<void()>> calls;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !arrivals_.empty(); });
    calls.swap(arrivals_);
  }
  for (const std::function<void()>& call : calls) call();
}

void Inbox::clear() {
  std::vector<Item> items;
  const std::lock_guard lock(mutex_);
  items.swap(items_);
  held_ = 0;
  held_bytes_ = 0;
}

}  // namespace pawl::engine
