#include "broker/http/worker_session.h"

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket.hpp>
#include <mutex>
#include <utility>
#include <vector>

#include "broker/engine/engine.h"
#include "broker/http/worker_desk.h"

namespace pawl::http {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using std::chrono::milliseconds;

constexpr std::size_t buffer_bytes_kept = 64u << 10;
constexpr milliseconds close_time{2000};  // for the peer's side of the closing handshake
constexpr int pings_in_silence = 4;       // so often in the time that a worker may be silent

websocket::stream_base::timeout timeouts(const Limits& limits) {
  websocket::stream_base::timeout out{};
  out.handshake_timeout = milliseconds(limits.header_ms);
  out.idle_timeout = milliseconds(limits.worker_silence_ms);
  out.keep_alive_pings = true;
  return out;
}

beast::http::request<beast::http::empty_body> handshake(const std::string& key) {
  beast::http::request<beast::http::empty_body> request(beast::http::verb::get, worker_path, 11);
  request.set(beast::http::field::host, "localhost");  // the gate saw the real one
  request.set(beast::http::field::connection, "Upgrade");
  request.set(beast::http::field::upgrade, "websocket");
  request.set(beast::http::field::sec_websocket_version, "13");
  request.set(beast::http::field::sec_websocket_key, key);
  return request;
}

/// Where the engine puts its replies. It may keep this for longer than session, thread and server live.
class ReplyBox final : public engine::ReplyTarget,
                       public Deliverable,
                       public std::enable_shared_from_this<ReplyBox> {
 public:
  using Replies = std::vector<std::pair<std::uint64_t, core::Reply>>;

  ReplyBox(std::shared_ptr<Mailbox> mailbox, std::function<void()> wake)
      : mailbox_(std::move(mailbox)), wake_(std::move(wake)) {}

  // Thread: any.
  void on_reply(std::uint64_t tag, core::Reply&& reply) override {
    {
      const std::lock_guard lock(mutex_);
      replies_.emplace_back(tag, std::move(reply));
      if (std::exchange(told_, true)) return;
    }
    mailbox_->push(shared_from_this());
  }

  // Thread: the session's.
  void deliver() override { wake_(); }
  void take(Replies& into) {
    const std::lock_guard lock(mutex_);
    told_ = false;
    into.swap(replies_);
  }

 private:
  const std::shared_ptr<Mailbox> mailbox_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  bool told_ = false;
  Replies replies_;
};

/// Carries frames between the socket and the desk. Replies are taken many at a time. One read and one write
/// are under way at most. Thread: the I/O thread's.
class WorkerSession final : public Connection {
 public:
  WorkerSession(IoThread& io, ServerContext& context, Socket socket,
                std::unique_ptr<AddressCounts::Place> place, std::string address)
      : io_(io),
        context_(context),
        place_(std::move(place)),
        known_(context.options.workers->enter(std::move(address))),
        ws_(std::move(socket)),
        desk_({context.options.frame_limits, context.options.disconnect_grace_ms, context.options.version,
               context.limits().worker_requests,
               [this](const std::string& id, std::string host, std::string version) {
                 known_->introduce(id, std::move(host), std::move(version));
               }},
              *context.options.engine) {
    context_.meters.open.fetch_add(1, std::memory_order_relaxed);
    context_.meters.workers.fetch_add(1, std::memory_order_relaxed);
  }
  ~WorkerSession() override {
    context_.meters.open.fetch_sub(1, std::memory_order_relaxed);
    context_.meters.workers.fetch_sub(1, std::memory_order_relaxed);
  }

  void start(const std::string& key) {
    io_.add(shared_from_this());
    replies_ = std::make_shared<ReplyBox>(io_.mailbox(), [weak = std::weak_ptr(me())] {
      if (const auto self = weak.lock()) self->io_.mark_dirty(*self);
    });
    ws_.set_option(timeouts(context_.limits()));
    ws_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
      response.set(beast::http::field::sec_websocket_protocol, worker_protocol);
      response.set(beast::http::field::server, "pawl");
    }));
    ws_.read_message_max(context_.limits().worker_message_bytes);
    ws_.auto_fragment(false);
    ws_.text(true);
    ws_.control_callback([this](websocket::frame_type kind, beast::string_view said) {
      if (kind == websocket::frame_type::pong) take_pong(said);
    });
    handshake_ = handshake(key);
    ws_.async_accept(handshake_, [self = me()](ErrorCode error) {
      const IoThread::Turn turn(self->io_);
      if (error) return self->end();
      self->handshake_ = {};
      self->accepted_ = true;
      self->read();
      self->ping();
      self->io_.mark_dirty(*self);
    });
  }

  void flush() override {
    replies_->take(taken_);
    for (auto& [tag, reply] : taken_) desk_.take_reply(tag, std::move(reply));
    taken_.clear();
    if (ended_ || !accepted_) return;
    if (io_.draining() && desk_.holds_nothing())
      close(websocket::close_code::going_away, "The broker is stopping.");
    if (desk_.said_bye() && desk_.holds_nothing()) close(websocket::close_code::normal, "Goodbye.");
    write();
    read();
  }

  void sweep(TimePoint now) override {
    if (!ended_ && now > deadline_) {
      context_.meters.timed_out.fetch_add(1, std::memory_order_relaxed);
      abort();
    } else if (now >= ping_due_) {
      ping();
    }
  }

  void drain() override { io_.mark_dirty(*this); }
  void abort() override { end(); }

 private:
  std::shared_ptr<WorkerSession> me() { return std::static_pointer_cast<WorkerSession>(shared_from_this()); }

  void read() {
    // A worker with too many unanswered frames waits: the next is read when some are answered.
    if (reading_ || ended_ || closing_ || desk_.is_full()) return;
    reading_ = true;
    if (buffer_.capacity() > buffer_bytes_kept) buffer_ = {};
    ws_.async_read(buffer_, [self = me()](ErrorCode error, std::size_t) {
      const IoThread::Turn turn(self->io_);
      self->reading_ = false;
      if (self->ended_) return;
      if (error) return self->end();
      self->take_frame();
    });
  }

  /// Measures the way there and back. The stream sends pings of its own when nothing else comes.
  void ping() {
    if (ended_ || !accepted_ || closing_ || pinging_) return;
    pinging_ = true;
    pinged_at_ = std::chrono::steady_clock::now();
    ping_due_ = pinged_at_ + milliseconds(context_.limits().worker_silence_ms / pings_in_silence);
    const std::string number = std::to_string(++pings_);
    ws_.async_ping({number.data(), number.size()}, [self = me()](ErrorCode error) {
      const IoThread::Turn turn(self->io_);
      self->pinging_ = false;
      if (error) self->end();
    });
  }

  void take_pong(std::string_view said) {
    // What was read before the end is still looked through.
    if (ended_ || said != std::to_string(pings_)) return;
    known_->answered_after(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - pinged_at_));
  }

  void take_frame() {
    context_.meters.bytes_in.fetch_add(buffer_.size(), std::memory_order_relaxed);
    if (closing_) return;
    if (!ws_.got_text()) {
      close(websocket::close_code::unknown_data, "Frames are text.");
    } else {
      const std::string_view text(static_cast<const char*>(buffer_.cdata().data()), buffer_.size());
      if (auto refused = desk_.take_frame(text, replies_)) close(refused->code, refused->reason);
      buffer_.consume(buffer_.size());
    }
    io_.mark_dirty(*this);
  }

  void write() {
    if (writing_ || ended_ || close_sent_) return;
    current_ = desk_.next_frame();
    if (current_.empty()) {
      if (closing_) send_close();
      return;
    }
    writing_ = true;
    deadline_ = io_.coarse_now() + milliseconds(context_.limits().write_ms);
    ws_.async_write(net::buffer(current_), [self = me()](ErrorCode error, std::size_t bytes) {
      const IoThread::Turn turn(self->io_);
      self->writing_ = false;
      if (self->ended_) return;
      if (error) return self->end();
      self->deadline_ = TimePoint::max();
      self->context_.meters.bytes_out.fetch_add(bytes, std::memory_order_relaxed);
      self->io_.mark_dirty(*self);
    });
  }

  /// What is queued still leaves; nothing more is read.
  void close(std::uint16_t code, std::string reason) {
    if (closing_) return;
    closing_ = true;
    reason_ = websocket::close_reason(static_cast<websocket::close_code>(code), reason);
  }

  void send_close() {
    close_sent_ = true;
    deadline_ = io_.coarse_now() + close_time;
    ws_.async_close(reason_, [self = me()](ErrorCode) {
      const IoThread::Turn turn(self->io_);
      self->end();
    });
  }

  /// The connection is over: the engine gives its leases their grace.
  void end() {
    if (ended_) return;
    ended_ = true;
    const std::shared_ptr<Connection> self = shared_from_this();
    io_.remove(*this);
    place_.reset();
    known_.reset();
    ErrorCode ignored;
    beast::get_lowest_layer(ws_).close(ignored);
    leave(close_attempts);
  }

  /// A full inbox takes it later. When it never does, the leases run out by themselves.
  void leave(unsigned attempts_left) {
    if (desk_.leave() || attempts_left == 0) return;
    auto timer = std::make_shared<Timer>(ws_.get_executor(), milliseconds(100));
    timer->async_wait([self = me(), timer, attempts_left](ErrorCode error) {
      if (!error) self->leave(attempts_left - 1);
    });
  }

  static constexpr unsigned close_attempts = 50;

  IoThread& io_;
  ServerContext& context_;
  std::unique_ptr<AddressCounts::Place> place_;
  std::unique_ptr<api::WorkerDirectory::Entry> known_;  // until it has ended
  websocket::stream<Socket, false> ws_;
  WorkerDesk desk_;
  beast::http::request<beast::http::empty_body> handshake_;
  beast::flat_buffer buffer_;
  std::string current_;  // being written
  websocket::close_reason reason_;
  TimePoint deadline_ = TimePoint::max();
  bool accepted_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool close_sent_ = false;
  bool ended_ = false;
  bool pinging_ = false;
  std::uint64_t pings_ = 0;
  TimePoint pinged_at_;
  TimePoint ping_due_ = TimePoint::max();

  std::shared_ptr<ReplyBox> replies_;
  ReplyBox::Replies taken_;
};

}  // namespace

void start_worker_session(IoThread& io, ServerContext& context, Socket socket,
                          std::unique_ptr<AddressCounts::Place> place, std::string address,
                          const std::string& key) {
  std::make_shared<WorkerSession>(io, context, std::move(socket), std::move(place), std::move(address))
      ->start(key);
}

}  // namespace pawl::http
