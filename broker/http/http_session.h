// One HTTP/1.1 connection: reads requests, hands them over, writes the answers in order.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "broker/http/connection.h"
#include "broker/http/in_buffer.h"
#include "broker/http/io_thread.h"
#include "broker/http/net.h"
#include "broker/http/request_parser.h"
#include "broker/http/server_context.h"
#include "broker/http/slot.h"

namespace pawl::http {

/// Thread: its I/O thread's. One read is pending at nearly all times, so that a client's leaving is seen at
/// once. Answers of one turn leave in one write.
class HttpSession final : public Connection, public SlotOwner {
 public:
  HttpSession(IoThread& io, ServerContext& context, Socket socket,
              std::unique_ptr<AddressCounts::Place> place);
  ~HttpSession() override;
  void start();

  void sweep(TimePoint now) override;
  void flush() override;
  void drain() override;
  void abort() override;
  void slot_changed() override { io_.mark_dirty(*this); }
  void start_timer(std::int64_t ms, std::shared_ptr<Slot> slot, std::function<void()> call) override;

 private:
  enum class Phase : std::uint8_t {
    head,       // waits for a header, or reads one
    body,       // reads a body
    stopped,    // takes no further request; answers may still leave
    lingering,  // all is said; reads away what comes, so that the last answer is not lost to a reset
    closed,
  };

  void start_read();
  void on_read(ErrorCode error, std::size_t bytes);
  void on_end_of_input();
  bool may_read() const;
  /// Takes requests out of the buffer for as long as it holds whole ones and there is room for their answers.
  void take_requests();
  bool take_head();
  bool take_body();
  void begin_request(std::size_t head_bytes);
  void refuse(const GateRefusal& refusal);
  void refuse_bad_header(const RequestParser::Error& error);
  void refuse_bad_body(const RequestParser::Error& error);
  void dispatch();
  bool upgrade_to_worker(std::size_t head_bytes);
  std::shared_ptr<Slot> push_slot(bool keep_alive);
  /// The slot's; made now when it has none.
  const std::string& request_id(Slot& slot);
  void log_failure(const Slot& slot, const Response& response);

  /// Moves answers that are ready, in order, into out_. True: there may be more after these.
  void gather();
  bool gather_stream(Slot& slot);
  void gather_answer(Slot& slot);
  void drop_stream();
  /// False: the client does not take more now, or is gone.
  bool write_out();
  void wait_writable();
  void finish();
  void close();
  void expire(std::string_view detail);
  TimePoint deadline() const;

  IoThread& io_;
  ServerContext& context_;
  Socket socket_;
  std::unique_ptr<AddressCounts::Place> place_;
  std::shared_ptr<const std::string> address_;  // of the other end

  Phase phase_ = Phase::head;
  InBuffer in_;
  std::size_t scanned_ = 0;  // of in_, without an end of header
  bool reading_ = false;
  bool head_only_ = false;  // the request being read is HEAD
  bool input_ended_ = false;

  Head head_;
  std::optional<RequestParser> parser_;
  Admitted admitted_;
  std::optional<Response> refusal_;  // goes out when the body is read away
  std::string request_id_;           // as the client sent it with the request being read
  std::string body_;

  std::deque<std::shared_ptr<Slot>> pending_;
  std::string out_;
  std::size_t out_sent_ = 0;
  bool blocked_ = false;  // waits for the socket to take more

  TimePoint read_deadline_;  // of the header or body that is coming, or of the silence between requests
  TimePoint write_deadline_;
  TimePoint linger_deadline_;
  TimePoint stream_told_;
};

}  // namespace pawl::http
