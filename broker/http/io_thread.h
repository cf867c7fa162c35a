// One thread, one context, its connections and their time.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "broker/http/connection.h"
#include "broker/http/http_meters.h"
#include "broker/http/mailbox.h"
#include "broker/http/net.h"
#include "broker/http/request_id.h"
#include "broker/http/response_writer.h"

namespace pawl::http {

/// Thread: its own, where not said otherwise.
class IoThread {
 public:
  IoThread(MeterShard& meters, std::chrono::milliseconds sweep_every);
  ~IoThread();  // Thread: the owner's

  void start();  // Thread: the owner's
  /// Ends the loop, joins, destroys what is left. Thread: the owner's. Idempotent.
  void stop();

  net::io_context& context() { return context_; }                       // Thread: any
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }  // Thread: any
  MeterShard& meters() { return meters_; }
  ResponseWriter& writer() { return writer_; }
  RequestIds& request_ids() { return request_ids_; }
  FailureLog& failures() { return failures_; }
  /// The time of the last sweep: good enough for limits of seconds.
  TimePoint coarse_now() const { return now_; }

  void add(std::shared_ptr<Connection> connection);
  void remove(Connection& connection);
  /// flush() is called at the end of the turn.
  void mark_dirty(Connection& connection);

  /// Everything that enters from the loop runs inside a turn; the outermost end flushes the dirty
  /// connections.
  class Turn {
   public:
    explicit Turn(IoThread& io) : io_(io) { ++io_.depth_; }
    ~Turn() {
      if (--io_.depth_ == 0) io_.flush_dirty();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    IoThread& io_;
  };

  /// drain() for all, now and for those that come later.
  void drain_all();
  void abort_all();
  std::size_t connections() const { return registry_.size(); }
  bool draining() const { return draining_; }

 private:
  void arm_sweep();
  void sweep();
  void take_mail();
  void flush_dirty();

  net::io_context context_{1};
  MeterShard& meters_;
  ResponseWriter writer_;
  RequestIds request_ids_;
  FailureLog failures_;
  std::chrono::milliseconds sweep_every_;
  Timer timer_;
  std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::shared_ptr<Deliverable>> mail_;
  std::vector<std::shared_ptr<Connection>> registry_;
  std::vector<std::shared_ptr<Connection>> dirty_;
  std::vector<std::shared_ptr<Connection>> flushing_;
  TimePoint now_ = std::chrono::steady_clock::now();
  unsigned depth_ = 0;
  bool draining_ = false;
  net::executor_work_guard<Executor> work_;
  std::thread thread_;
};

}  // namespace pawl::http
