#include "client/cli/bench/lanes.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace pawl::cli::bench {
namespace {

constexpr int wait_ms_max = 30'000;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    if (fd_ < 0)
      throw std::runtime_error(std::string("cannot connect to the broker: ") + std::strerror(errno));
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

struct Address {
  std::string host;
  std::string port;
};

Address address_of(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (url.starts_with(scheme)) url.remove_prefix(scheme.size());
  url = url.substr(0, url.find('/'));
  const std::size_t colon = url.rfind(':');
  if (colon == std::string_view::npos) return {std::string(url), "80"};
  return {std::string(url.substr(0, colon)), std::string(url.substr(colon + 1))};
}

std::unique_ptr<Socket> connect_to(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found); code != 0)
    throw std::runtime_error("cannot find " + address.host + ": " + ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  auto socket = std::make_unique<Socket>(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket->fd(), found->ai_addr, found->ai_addrlen) != 0)
    throw std::runtime_error("cannot connect to " + address.host + ": " + std::strerror(errno));
  const int on = 1;
  ::setsockopt(socket->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

struct Lane {
  std::unique_ptr<Socket> socket;
  std::string in;
  Clock::time_point sent;
};

/// Bytes of the answer at the start of `in`; 0: not all of it is there. Throws when it is no 202.
std::size_t answer_bytes(const std::string& in) {
  const std::size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  std::size_t length = 0;
  for (std::size_t line = in.find("\r\n"); line < end; line = in.find("\r\n", line + 2)) {
    constexpr std::string_view name = "content-length:";
    if (::strncasecmp(in.data() + line + 2, name.data(), name.size()) != 0) continue;
    std::size_t at = line + 2 + name.size();
    while (in[at] == ' ') ++at;
    std::from_chars(in.data() + at, in.data() + end, length);
  }
  const std::size_t all = end + 4 + length;
  if (in.size() < all) return 0;
  if (!in.starts_with("HTTP/1.1 202")) throw std::runtime_error("a submit was refused: " + in.substr(0, 500));
  return all;
}

class Lanes {
 public:
  explicit Lanes(const LaneLoad& load)
      : load_(load), address_(address_of(load.url)), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    head_ = "POST /jobs HTTP/1.1\r\nHost: " + address_.host + ":" + address_.port +
            "\r\nContent-Type: application/json\r\n";
    if (!load.token.empty()) head_ += "Authorization: Bearer " + load.token + "\r\n";
    head_ += "Content-Length: ";
    lanes_.resize(load.connections);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i].socket = connect_to(address_);
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      if (::epoll_ctl(poll_.fd(), EPOLL_CTL_ADD, lanes_[i].socket->fd(), &event) != 0)
        throw std::runtime_error(std::string("epoll: ") + std::strerror(errno));
    }
  }

  Samples run() {
    for (Lane& lane : lanes_) send(lane);
    std::array<epoll_event, 64> events;
    while (samples_.size() < load_.requests) {
      const int ready = ::epoll_wait(poll_.fd(), events.data(), static_cast<int>(events.size()), wait_ms_max);
      if (ready == 0) throw std::runtime_error("the broker gave no answer for 30 s");
      for (int i = 0; i < ready; ++i) receive(lanes_[events[static_cast<std::size_t>(i)].data.u64]);
      if (load_.progress) load_.progress(samples_.size());
    }
    return std::move(samples_);
  }

 private:
  void send(Lane& lane) {
    if (next_ == load_.requests) return;
    const std::string body = load_.body(next_++);
    const std::string request = head_ + std::to_string(body.size()) + "\r\n\r\n" + body;
    lane.sent = Clock::now();
    // One small request at a time always finds room in the socket's buffer.
    if (::send(lane.socket->fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      throw std::runtime_error(std::string("writing to the broker: ") + std::strerror(errno));
  }

  void receive(Lane& lane) {
    std::array<char, 4096> block;
    const ssize_t got = ::recv(lane.socket->fd(), block.data(), block.size(), 0);
    if (got <= 0) throw std::runtime_error("the broker closed a connection");
    lane.in.append(block.data(), static_cast<std::size_t>(got));
    const std::size_t all = answer_bytes(lane.in);
    if (all == 0) return;
    samples_.add(ms_between(lane.sent, Clock::now()));
    lane.in.erase(0, all);
    send(lane);
  }

  const LaneLoad& load_;
  const Address address_;
  const Socket poll_;
  std::string head_;
  std::vector<Lane> lanes_;
  std::uint64_t next_ = 0;
  Samples samples_;
};

}  // namespace

Samples post_jobs(const LaneLoad& load) { return Lanes(load).run(); }

}  // namespace pawl::cli::bench
