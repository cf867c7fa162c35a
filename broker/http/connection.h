// What an I/O thread knows of its connections.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace pawl::http {

using TimePoint = std::chrono::steady_clock::time_point;

/// Lives on one I/O thread; all calls come on it. The thread's registry keeps it alive until it is closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;
  /// Now and then: checks the time limits.
  virtual void sweep(TimePoint now) = 0;
  /// Writes what this turn gathered. Called once at the end of a turn for those that asked.
  virtual void flush() = 0;
  /// The server stops: closes as soon as nothing is in flight.
  virtual void drain() = 0;
  virtual void abort() = 0;

 private:
  friend class IoThread;
  std::size_t registry_index_ = 0;
  bool registered_ = false;
  bool dirty_ = false;
};

/// Counts connections of each address. Thread: any; its mutex is taken at accept and at close.
class AddressCounts : public std::enable_shared_from_this<AddressCounts> {
 public:
  /// Holds one place while it lives.
  class Place {
   public:
    Place(std::shared_ptr<AddressCounts> counts, std::string address)
        : counts_(std::move(counts)), address_(std::move(address)) {}
    Place(Place&&) = default;
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (counts_) counts_->leave(address_);
    }

   private:
    std::shared_ptr<AddressCounts> counts_;
    std::string address_;
  };

  /// Null when `most` are there already.
  std::unique_ptr<Place> enter(const std::string& address, std::size_t most);
  std::size_t total() const;
  /// Waits until nobody is left; false when `until` came first.
  bool wait_empty(TimePoint until) const;

 private:
  void leave(const std::string& address);

  mutable std::mutex mutex_;
  mutable std::condition_variable left_;
  std::unordered_map<std::string, std::size_t> counts_;
  std::size_t total_ = 0;
};

}  // namespace pawl::http
