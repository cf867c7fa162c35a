#include "broker/http/connection.h"

namespace pawl::http {

std::unique_ptr<AddressCounts::Place> AddressCounts::enter(const std::string& address, std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::size_t& count = counts_[address];
  if (count >= most) return nullptr;
  ++count;
  ++total_;
  return std::make_unique<Place>(shared_from_this(), address);
}

std::size_t AddressCounts::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

bool AddressCounts::wait_empty(TimePoint until) const {
  std::unique_lock lock(mutex_);
  return left_.wait_until(lock, until, [this] { return total_ == 0; });
}

void AddressCounts::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(address);
  if (found == counts_.end()) return;
  if (--total_ == 0) left_.notify_all();
  if (--found->second == 0) counts_.erase(found);
}

}  // namespace pawl::http
