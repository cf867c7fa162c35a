// A request's place in its connection's order, from its last byte to the last byte of its answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/http/exchange.h"
#include "broker/http/mailbox.h"
#include "broker/http/response_writer.h"

namespace pawl::http {

class Slot;

/// The session, as its slots see it. Thread: the session's.
class SlotOwner {
 public:
  virtual ~SlotOwner() = default;
  /// One of its slots has something to send, or is over.
  virtual void slot_changed() = 0;
  virtual void start_timer(std::int64_t ms, std::shared_ptr<Slot> slot, std::function<void()> call) = 0;
};

/// What is known of the request when its answer is written.
struct SlotInfo {
  ResponseFrame frame;
  Method method = Method::get;
  std::string_view route;  // for the meters; lives for ever
  std::chrono::steady_clock::time_point started;
};

/// Handlers and streams reach it from any thread, the session takes answers out of it on its own. The mutex
/// guards everything that both touch; no foreign code runs under it.
class Slot final : public Deliverable, public std::enable_shared_from_this<Slot> {
 public:
  enum class Phase : std::uint8_t { waiting, answered, streaming, over };

  Slot(std::weak_ptr<SlotOwner> owner, std::shared_ptr<Mailbox> mailbox, SlotInfo info,
       std::size_t stream_bytes_max)
      : info(info),
        owner_(std::move(owner)),
        mailbox_(std::move(mailbox)),
        stream_bytes_max_(stream_bytes_max) {}

  // From handlers. Thread: any.
  void answer(Response response);
  void answer_with(std::function<Response()> render);
  bool open_stream();
  bool write(std::string bytes);
  void end_stream();
  void set_abandoned(std::function<void()> call);
  void after(std::int64_t ms, std::function<void()> call);

  // For the session. Thread: its own.
  void deliver() override;
  Phase phase() const;
  /// REQUIRES: phase answered. Renders when that is still to be done. Then over.
  Response take_response();
  struct Piece {
    std::string bytes;
    bool ended = false;
  };
  /// REQUIRES: phase streaming. What came since; after `ended` the slot is over.
  Piece take_stream();
  /// The client can still read but sends nothing more. Those who asked to know are told, and the slot is
  /// over; another request is answered all the same. False: it is.
  bool client_left();
  /// Nothing can be sent any more.
  void abandon();
  bool overflowed() const;

  const SlotInfo info;
  std::string request_id;         // the session's: the client's own, or made; empty: not wanted so far
  bool stream_head_sent = false;  // the session's
  bool close_after = false;       // the session's: nothing follows this answer

 private:
  void notify();

  mutable std::mutex mutex_;
  Phase phase_ = Phase::waiting;
  bool gone_ = false;
  bool overflowed_ = false;
  bool stream_ended_ = false;
  bool notified_ = false;  // the session knows that the stream has bytes
  Response response_;
  std::function<Response()> render_;
  std::function<void()> abandoned_;
  std::string stream_bytes_;

  std::weak_ptr<SlotOwner> owner_;
  std::shared_ptr<Mailbox> mailbox_;
  std::size_t stream_bytes_max_;
};

/// The handler's end of a slot.
std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Slot> slot);

}  // namespace pawl::http
