#include "broker/http/listener.h"

#include <sys/resource.h>

#include <boost/asio/ip/v6_only.hpp>

#include "broker/http/http_session.h"

namespace pawl::http {
namespace {

constexpr std::chrono::milliseconds pause_time{100};
constexpr int backlog = 4096;
constexpr std::size_t descriptors_reserved = 256;  // for the store, logs and what a restart needs

std::size_t connections_max(const Limits& limits) {
  if (limits.connections > 0) return limits.connections;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return 100'000;
  const auto most = static_cast<std::size_t>(files.rlim_cur);
  return most > 2 * descriptors_reserved ? most - descriptors_reserved : most / 2;
}

bool out_of_means(ErrorCode error) {
  return error == net::error::no_descriptors || error == boost::system::errc::too_many_files_open_in_system ||
         error == net::error::no_buffer_space || error == net::error::no_memory;
}

std::string key_of(const net::ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  // One client holds a whole /64.
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

}  // namespace

Listener::Listener(ServerContext& context, std::vector<IoThread*> threads,
                   std::shared_ptr<AddressCounts> counts)
    : context_(context),
      threads_(std::move(threads)),
      counts_(std::move(counts)),
      acceptor_(threads_.front()->context().get_executor()),
      pause_(threads_.front()->context().get_executor()),
      connections_max_(connections_max(context.limits())) {}

ErrorCode Listener::open(const Tcp::endpoint& endpoint) {
  ErrorCode error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor_.set_option(net::socket_base::reuse_address(true), error);
  if (endpoint.protocol() == Tcp::v6()) acceptor_.set_option(net::ip::v6_only(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(backlog, error);
  return error;
}

Tcp::endpoint Listener::endpoint() const { return acceptor_.local_endpoint(); }

void Listener::accept() {
  if (!acceptor_.is_open()) return;
  if (counts_->total() >= connections_max_) return pause();
  IoThread& target = *threads_[next_++ % threads_.size()];
  acceptor_.async_accept(target.context().get_executor(),
                         [self = shared_from_this(), &target](ErrorCode error, Socket socket) {
                           self->on_accept(error, std::move(socket), target);
                         });
}

void Listener::on_accept(ErrorCode error, Socket socket, IoThread& target) {
  if (error == net::error::operation_aborted) return;
  if (out_of_means(error)) return pause();
  told_ = false;
  if (!error) admit(std::move(socket), target);
  accept();
}

void Listener::pause() {
  context_.meters.accept_pauses.fetch_add(1, std::memory_order_relaxed);
  if (!told_ && context_.options.log_warn) {
    context_.options.log_warn(
        "there is no room for further connections (their limit, or that of open files): new ones wait");
  }
  told_ = true;
  pause_.expires_after(pause_time);
  pause_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (!error) self->accept();
  });
}

void Listener::admit(Socket socket, IoThread& target) {
  context_.meters.accepted.fetch_add(1, std::memory_order_relaxed);
  ErrorCode error;
  const Tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  auto place = counts_->enter(key_of(peer.address()), context_.limits().connections_per_address);
  if (!place) {
    context_.meters.refused.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto session = std::make_shared<HttpSession>(target, context_, std::move(socket), std::move(place));
  if (&target == threads_.front()) {
    const IoThread::Turn turn(target);
    session->start();
  } else {
    target.mailbox()->call([session] { session->start(); });
  }
}

void Listener::close() {
  ErrorCode ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

}  // namespace pawl::http
