#include "broker/push/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace pawl::push {

namespace net = boost::asio;

namespace {

/// Nothing of a family that is neither.
std::optional<Address> address_of(const sockaddr& any) {
  Address address{};
  if (any.sa_family == AF_INET6) {
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in6&>(any).sin6_addr, address.size());
    return address;
  }
  if (any.sa_family != AF_INET) return std::nullopt;
  address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 12, &reinterpret_cast<const sockaddr_in&>(any).sin_addr, 4);
  return address;
}

}  // namespace

HostAddresses look_up_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error != 0) return {{}, ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  HostAddresses found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (const auto address = address_of(*entry->ai_addr)) found.addresses.push_back(*address);
  }
  if (found.addresses.empty()) found.error = "it has no address";
  return found;
}

struct Resolver::Shared : std::enable_shared_from_this<Shared> {
  struct Waiter {
    net::steady_timer bell;  // rings at the deadline, or when there is a result
    std::optional<HostAddresses> found;
    Waiter(const net::any_io_executor& executor, std::chrono::steady_clock::time_point deadline)
        : bell(executor, deadline) {}
  };
  struct Host {
    std::vector<std::shared_ptr<Waiter>> waiters;
    bool under_way = false;
  };

  Shared(Lookup lookup, std::size_t threads_max) : look_up(std::move(lookup)), threads_max(threads_max) {}

  void add(const std::string& host, std::shared_ptr<Waiter> waiter) {
    const std::lock_guard lock(mutex);
    if (closed) return;
    const auto [at, is_new] = hosts.try_emplace(host);
    at->second.waiters.push_back(std::move(waiter));
    if (!is_new) return;
    turns.push_back(host);
    if (threads < threads_max) start_thread();
  }
  void remove(const std::string& host, const std::shared_ptr<Waiter>& waiter) {
    const std::lock_guard lock(mutex);
    const auto at = hosts.find(host);
    if (at == hosts.end()) return;
    std::erase(at->second.waiters, waiter);
    if (!at->second.waiters.empty() || at->second.under_way) return;
    hosts.erase(at);
    std::erase(turns, host);
  }
  void close() {
    const std::lock_guard lock(mutex);
    closed = true;
    hosts.clear();
    turns.clear();
  }

 private:
  void start_thread() {
    try {
      std::thread([self = shared_from_this()] { self->work(); }).detach();
      ++threads;
    } catch (const std::system_error& error) {
      if (threads > 0) return;  // which takes it
      const std::string host = std::exchange(turns, {}).front();
      tell(host, {{}, std::string("no thread can be started: ") + error.what()});
    }
  }
  /// A thread, until nothing waits.
  void work() {
    std::unique_lock lock(mutex);
    while (!turns.empty()) {
      const std::string host = std::move(turns.front());
      turns.pop_front();
      hosts.at(host).under_way = true;
      lock.unlock();
      const HostAddresses found = look_up(host);
      lock.lock();
      tell(host, found);
    }
    --threads;
  }
  void tell(const std::string& host, const HostAddresses& found) {
    const auto node = hosts.extract(host);
    if (node.empty()) return;  // closed
    for (const auto& waiter : node.mapped().waiters) {
      net::post(waiter->bell.get_executor(), [waiter, found] {
        waiter->found = found;
        waiter->bell.cancel();
      });
    }
  }

  const Lookup look_up;
  const std::size_t threads_max;
  std::mutex mutex;
  std::map<std::string, Host> hosts;  // that somebody waits for, or that are under way
  std::deque<std::string> turns;      // those that are not under way
  std::size_t threads = 0;
  bool closed = false;
};

Resolver::Resolver(Lookup lookup, std::size_t threads_max)
    : shared_(std::make_shared<Shared>(std::move(lookup), threads_max)) {}
Resolver::~Resolver() { close(); }
void Resolver::close() { shared_->close(); }

net::awaitable<std::optional<HostAddresses>> Resolver::resolve(
    std::string host, std::chrono::steady_clock::time_point deadline) {
  if (const auto address = parse_address(host)) co_return HostAddresses{{*address}, {}};
  const auto shared = shared_;
  const auto waiter = std::make_shared<Shared::Waiter>(co_await net::this_coro::executor, deadline);
  shared->add(host, waiter);
  co_await waiter->bell.async_wait(net::as_tuple(net::use_awaitable));
  shared->remove(host, waiter);
  co_return std::move(waiter->found);
}

}  // namespace pawl::push
