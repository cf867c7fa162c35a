// One listening socket; deals connections out to the I/O threads in turn.
#pragma once

#include <memory>
#include <vector>

#include "broker/http/io_thread.h"
#include "broker/http/net.h"
#include "broker/http/server_context.h"

namespace pawl::http {

/// Thread: that of threads.front(), but for open(). Out of file descriptors, it pauses and tries again; it
/// never spins.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(ServerContext& context, std::vector<IoThread*> threads, std::shared_ptr<AddressCounts> counts);

  /// Binds and listens. Thread: the owner's, before the I/O threads run.
  ErrorCode open(const Tcp::endpoint& endpoint);
  Tcp::endpoint endpoint() const;
  void accept();
  void close();

 private:
  void on_accept(ErrorCode error, Socket socket, IoThread& target);
  void admit(Socket socket, IoThread& target);
  void pause();

  ServerContext& context_;
  std::vector<IoThread*> threads_;
  std::shared_ptr<AddressCounts> counts_;
  Acceptor acceptor_;
  Timer pause_;
  std::size_t next_ = 0;
  std::size_t connections_max_;
  bool told_ = false;  // that there is no room
};

}  // namespace pawl::http
