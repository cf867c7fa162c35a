// Host names to addresses, as the system's own resolver knows them (getaddrinfo), which can neither be
// hurried nor cancelled: it works on threads of its own, and whoever has waited long enough leaves it behind.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/push/allow_list.h"

namespace pawl::push {

/// What a lookup found; no addresses: why not.
struct HostAddresses {
  std::vector<Address> addresses;
  std::string error;
};

/// getaddrinfo(3), which may block for as long as resolv.conf(5) says, half a minute by default. Thread: any.
HostAddresses look_up_host(const std::string& host);

/// One lookup at a time for each host, whose result all get that wait for it; more hosts than threads wait
/// for their turn. Nothing is kept for later.
class Resolver {
 public:
  using Lookup = std::function<HostAddresses(const std::string& host)>;  // may block; on many threads at once

  explicit Resolver(Lookup lookup = look_up_host, std::size_t threads_max = 32);
  ~Resolver();  // close()
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// The host's addresses; of one that is an address, that, at once. Nothing when the deadline was first, or
  /// a cancel. Thread: any one executor's.
  boost::asio::awaitable<std::optional<HostAddresses>> resolve(
      std::string host, std::chrono::steady_clock::time_point deadline);

  /// Tells nobody any more; to be called before the executors end on which somebody waits. Lookups under way
  /// end by themselves, unheard. Idempotent; thread: any.
  void close();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // outlives this while a lookup is under way
};

}  // namespace pawl::push
