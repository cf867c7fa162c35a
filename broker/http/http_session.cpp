#include "broker/http/http_session.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "broker/http/request_id.h"
#include "broker/http/text.h"
#include "broker/http/worker_session.h"

namespace pawl::http {
namespace {

namespace beast_http = boost::beast::http;
using std::chrono::milliseconds;

constexpr std::size_t gather_bytes = 256u << 10;    // of answers in one write
constexpr std::size_t out_bytes_kept = 64u << 10;   // a larger buffer is given back
constexpr std::size_t read_bytes = 4096;            // least room for a read
constexpr std::size_t body_read_bytes = 64u << 10;  // the same while a large body comes
constexpr std::size_t read_away_bytes_max =
    64u << 10;  // of the body of a refused request, to keep the connection
constexpr milliseconds linger_time{2000};
constexpr std::string_view refused_route = "refused";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What a first byte must be; anything else is another protocol, and waiting for its header would be in vain.
bool may_begin_request(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

}  // namespace

HttpSession::HttpSession(IoThread& io, ServerContext& context, Socket socket,
                         std::unique_ptr<AddressCounts::Place> place)
    : io_(io), context_(context), socket_(std::move(socket)), place_(std::move(place)) {
  context_.meters.open.fetch_add(1, std::memory_order_relaxed);
  ErrorCode gone;
  const Tcp::endpoint peer = socket_.remote_endpoint(gone);
  if (!gone) address_ = std::make_shared<const std::string>(peer.address().to_string());
}

HttpSession::~HttpSession() { context_.meters.open.fetch_sub(1, std::memory_order_relaxed); }

void HttpSession::start() {
  ErrorCode ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(Tcp::no_delay(true), ignored);
  // The clock of the last sweep may be a second old; a new connection must not pay for that.
  read_deadline_ = std::chrono::steady_clock::now() + milliseconds(context_.limits().header_ms);
  io_.add(shared_from_this());
  if (io_.draining()) return close();
  start_read();
}

// Reading

bool HttpSession::may_read() const {
  if (reading_ || input_ended_ || phase_ == Phase::closed) return false;
  if (phase_ == Phase::lingering || phase_ == Phase::body) return true;
  // A client that sends faster than it reads its answers has to wait.
  return pending_.size() < context_.limits().pipelined_requests && out_.size() - out_sent_ < gather_bytes;
}

void HttpSession::start_read() {
  if (!may_read()) return;
  const bool large = phase_ == Phase::body && admitted_.content_length.value_or(body_read_bytes) > read_bytes;
  const InBuffer::Space space = in_.prepare(large ? body_read_bytes : read_bytes);
  reading_ = true;
  auto self = std::static_pointer_cast<HttpSession>(shared_from_this());
  socket_.async_read_some(net::buffer(space.data, space.size), [self](ErrorCode error, std::size_t bytes) {
    const IoThread::Turn turn(self->io_);
    self->on_read(error, bytes);
  });
}

void HttpSession::on_read(ErrorCode error, std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (error) {
    if (error != net::error::eof) return abort();
    return on_end_of_input();
  }
  context_.meters.bytes_in.fetch_add(bytes, std::memory_order_relaxed);
  if (phase_ == Phase::lingering) return start_read();  // the bytes are overwritten
  if (phase_ == Phase::stopped) {
    in_.clear();
    return start_read();
  }
  if (phase_ == Phase::head && in_.empty()) {
    read_deadline_ = io_.coarse_now() + milliseconds(context_.limits().header_ms);
  }
  in_.commit(bytes);
  take_requests();
  io_.mark_dirty(*this);
}

void HttpSession::on_end_of_input() {
  input_ended_ = true;
  if (phase_ == Phase::lingering) return close();
  phase_ = Phase::stopped;
  in_.clear();
  // A copy: what is told may answer other requests.
  const std::deque<std::shared_ptr<Slot>> told = pending_;
  for (const auto& slot : told) slot->client_left();
  io_.mark_dirty(*this);
}

void HttpSession::take_requests() {
  while (!in_.empty() && pending_.size() < context_.limits().pipelined_requests) {
    const bool more = phase_ == Phase::head ? take_head() : phase_ == Phase::body && take_body();
    if (!more) break;
  }
  if (phase_ == Phase::stopped || phase_ == Phase::closed) in_.clear();
}

bool HttpSession::take_head() {
  // Empty lines before a request are skipped (RFC 9112, section 2.2).
  while (in_.view().starts_with("\r\n")) {
    in_.consume(2);
    scanned_ = 0;
  }
  const std::string_view bytes = in_.view();
  if (bytes.empty() || bytes == "\r") return false;
  const Limits& limits = context_.limits();
  head_only_ = false;
  if (!may_begin_request(bytes.front())) {
    refuse({api::problem::bad_request, "This is not HTTP.", true});
    return false;
  }
  const std::size_t end = bytes.find("\r\n\r\n", scanned_);
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 4;
  if (size > limits.header_bytes) {
    const bool target = bytes.find("\r\n") > limits.target_bytes + 32;
    refuse({target ? api::problem::target_too_long : api::problem::headers_too_large, {}, true});
    return false;
  }
  if (end == std::string_view::npos) {
    scanned_ = bytes.size() < 3 ? 0 : bytes.size() - 3;
    return false;
  }
  scanned_ = 0;
  begin_request(size);
  return phase_ == Phase::head || phase_ == Phase::body;
}

void HttpSession::begin_request(std::size_t head_bytes) {
  const std::string_view raw = in_.view().substr(0, head_bytes);
  parser_.emplace(head_, body_, context_.limits().chunk_extension_bytes);
  head_.folded = has_folded_line(raw);
  RequestParser::Error error;
  parser_->put(net::const_buffer(raw.data(), raw.size()), error);
  if (error && error != beast_http::error::need_more) return refuse_bad_header(error);
  request_id_ = request_id_of(head_);
  head_only_ = head_.method == "HEAD";
  auto admitted = admit(head_, context_.rules());
  if (!admitted) {
    const GateRefusal& refusal = admitted.error();
    // To keep the connection after a refusal, its body must be small and sure to come.
    const std::uint64_t length = parser_->content_length_remaining().value_or(0);
    const bool keep =
        !refusal.close && !parser_->chunked() && length <= read_away_bytes_max && parser_->keep_alive();
    if (!keep) return refuse({refusal.type, refusal.detail, true});
    refusal_ = response_of(refusal);
    admitted_ = Admitted{};
    admitted_.request.method = head_only_ ? Method::head : Method::other;
    admitted_.content_length = length;
  } else {
    refusal_.reset();
    admitted_ = std::move(*admitted);
    if (admitted_.websocket && upgrade_to_worker(head_bytes)) return;
  }
  in_.consume(head_bytes);
  parser_->expect_body(refusal_ ? read_away_bytes_max : admitted_.body_bytes_max, refusal_.has_value());
  if (!admitted_.has_body()) return dispatch();
  phase_ = Phase::body;
  read_deadline_ = io_.coarse_now() + milliseconds(context_.limits().body_ms);
  if (admitted_.expects_continue && in_.empty() && pending_.empty()) out_ += continue_line;
}

bool HttpSession::take_body() {
  RequestParser::Error error;
  const std::string_view bytes = in_.view();
  in_.consume(parser_->put(net::const_buffer(bytes.data(), bytes.size()), error));
  if (error && error != beast_http::error::need_more) {
    refuse_bad_body(error);
    return false;
  }
  if (!parser_->is_done()) {
    // Only a chunk's header or the trailers are ever left in the buffer.
    if (in_.size() > context_.limits().header_bytes) refuse_bad_body(beast_http::error::bad_chunk);
    return false;
  }
  dispatch();
  return phase_ == Phase::head;
}

// Requests

std::shared_ptr<Slot> HttpSession::push_slot(bool keep_alive) {
  SlotInfo info;
  info.method = admitted_.request.method;
  info.frame = {admitted_.http10, keep_alive && !io_.draining(), info.method == Method::head};
  info.started = std::chrono::steady_clock::now();
  if (!refusal_ && context_.options.route_of) {
    info.route = context_.options.route_of(info.method, admitted_.request.path);
  } else {
    info.route = refusal_ ? refused_route : std::string_view("all");
  }
  auto slot = std::make_shared<Slot>(
      std::weak_ptr<SlotOwner>(std::static_pointer_cast<HttpSession>(shared_from_this())), io_.mailbox(),
      info, context_.limits().stream_queue_bytes);
  slot->close_after = !info.frame.keep_alive;
  slot->request_id = std::exchange(request_id_, {});
  pending_.push_back(slot);
  phase_ = slot->close_after ? Phase::stopped : Phase::head;
  return slot;
}

void HttpSession::dispatch() {
  const std::shared_ptr<Slot> slot = push_slot(admitted_.keep_alive);
  if (!in_.empty()) read_deadline_ = io_.coarse_now() + milliseconds(context_.limits().header_ms);
  if (refusal_) {
    slot->answer(std::move(*refusal_));
    refusal_.reset();
    return;
  }
  if (admitted_.request.path == "*")
    return slot->answer({.status = 204, .content_type = {}, .body = {}, .headers = {}});
  admitted_.request.body = std::exchange(body_, {});
  admitted_.request.address = address_;
  try {
    context_.options.handler(std::move(admitted_.request), make_exchange(slot));
  } catch (const std::exception& error) {
    // The exchange was dropped on the way here, which answered.
    if (context_.options.log_warn)
      context_.options.log_warn("request " + request_id(*slot) + ": its handler failed: " + error.what());
  }
}

void HttpSession::refuse(const GateRefusal& refusal) {
  admitted_ = Admitted{};
  admitted_.request.method = head_only_ ? Method::head : Method::other;
  refusal_ = response_of(refusal);
  const std::shared_ptr<Slot> slot = push_slot(false);
  slot->answer(std::move(*refusal_));
  refusal_.reset();
}

void HttpSession::refuse_bad_header(const RequestParser::Error& error) {
  if (error == beast_http::error::bad_version) return refuse({api::problem::http_version, {}, true});
  refuse({api::problem::bad_request, "The request header is malformed.", true});
}

void HttpSession::refuse_bad_body(const RequestParser::Error& error) {
  if (error == beast_http::error::body_limit) return refuse({api::problem::body_too_large, {}, true});
  refuse({api::problem::bad_request, "The chunks of the body are malformed.", true});
}

bool HttpSession::upgrade_to_worker(std::size_t head_bytes) {
  if (admitted_.request.path != worker_path || context_.options.engine == nullptr) return false;
  const auto say = [this](const api::ProblemType& type, std::string_view detail) {
    refuse({type, detail, true});
    return true;
  };
  if (admitted_.websocket_version != "13") {
    return say(api::problem::upgrade_required, "Version 13 of WebSocket is spoken here.");
  }
  if (!is_websocket_key(admitted_.websocket_key))
    return say(api::problem::bad_request, "Sec-WebSocket-Key is malformed.");
  if (!has_token(admitted_.websocket_protocols, worker_protocol)) {
    return say(api::problem::bad_request, "Offer the subprotocol pawl.worker.v1.");
  }
  if (!pending_.empty() || !out_.empty() || in_.size() > head_bytes) {
    return say(api::problem::bad_request,
               "An upgrade stands alone: nothing is pipelined before or after it.");
  }
  const std::string key(admitted_.websocket_key);
  phase_ = Phase::closed;
  const std::shared_ptr<Connection> self = shared_from_this();
  io_.remove(*this);
  start_worker_session(io_, context_, std::move(socket_), std::move(place_),
                       address_ ? *address_ : std::string(), key);
  return true;
}

void HttpSession::start_timer(std::int64_t ms, std::shared_ptr<Slot> slot, std::function<void()> call) {
  if (phase_ == Phase::closed) return;
  auto timer = std::make_shared<Timer>(socket_.get_executor(), milliseconds(ms));
  // Held by the wait itself; session and slot are not, so that nothing is kept for its timer.
  timer->async_wait(
      [&io = io_, timer, weak = std::weak_ptr<Slot>(slot), call = std::move(call)](ErrorCode error) {
        const std::shared_ptr<Slot> waiting = weak.lock();
        if (error || !waiting) return;
        const Slot::Phase phase = waiting->phase();
        if (phase != Slot::Phase::waiting && phase != Slot::Phase::streaming) return;
        const IoThread::Turn turn(io);
        call();
      });
}

// Answers

void HttpSession::flush() {
  if (phase_ == Phase::closed) return;
  // Also while the socket takes nothing: that is how a stream falls behind.
  if (!pending_.empty() && pending_.front()->overflowed()) return drop_stream();
  while (!blocked_) {
    gather();
    if (phase_ == Phase::closed) return;
    if (out_.empty() || !write_out()) break;
  }
  if (phase_ == Phase::closed) return;
  if (!blocked_ && pending_.empty()) {
    if (phase_ == Phase::stopped) return finish();
    if (io_.draining() && phase_ == Phase::head && in_.empty()) return close();
  }
  if (!blocked_ && !in_.empty() && (phase_ == Phase::head || phase_ == Phase::body) && !reading_) {
    // Requests that waited in the buffer for room.
    const std::size_t waiting = pending_.size();
    take_requests();
    if (pending_.size() != waiting || phase_ == Phase::stopped) io_.mark_dirty(*this);
  }
  start_read();
}

void HttpSession::gather() {
  while (!pending_.empty() && out_.size() < gather_bytes && phase_ != Phase::closed) {
    const std::shared_ptr<Slot> slot = pending_.front();
    switch (slot->phase()) {
      case Slot::Phase::waiting:
        return;
      case Slot::Phase::answered:
        gather_answer(*slot);
        break;
      case Slot::Phase::streaming:
        if (!gather_stream(*slot)) return;
        break;
      case Slot::Phase::over:
        // Abandoned, or too far behind: the order of answers is broken here.
        return slot->overflowed() ? drop_stream() : abort();
    }
  }
}

void HttpSession::gather_answer(Slot& slot) {
  Response response = slot.take_response();
  ResponseFrame frame = slot.info.frame;
  // Answers that say yes have an id only when the client asked with one: the hot path makes none.
  if (response.status < 200 || response.status >= 300) put_request_id(response, request_id(slot));
  frame.request_id = slot.request_id;
  if (io_.draining() && pending_.size() == 1 && in_.empty()) frame.keep_alive = false;
  io_.writer().append(out_, response, frame);
  io_.meters().answered(slot.info.route, slot.info.method, response.status, seconds_since(slot.info.started));
  if (response.status >= 500) log_failure(slot, response);
  const bool last = slot.close_after || !frame.keep_alive;
  pending_.pop_front();
  if (!last) {
    if (phase_ == Phase::head && in_.empty()) {
      read_deadline_ = io_.coarse_now() + milliseconds(context_.limits().idle_ms);
    }
    return;
  }
  phase_ = Phase::stopped;
  in_.clear();
  const auto rest = std::exchange(pending_, {});
  for (const auto& later : rest) later->abandon();
}

const std::string& HttpSession::request_id(Slot& slot) {
  if (slot.request_id.empty()) slot.request_id = io_.request_ids().next();
  return slot.request_id;
}

void HttpSession::log_failure(const Slot& slot, const Response& response) {
  // What the gate refuses is the client's doing, whatever the status.
  if (!context_.options.log_warn || slot.info.route == refused_route) return;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(io_.coarse_now().time_since_epoch()).count();
  const std::string what = failure_text(slot.info.method, slot.info.route, response);
  if (const auto line = io_.failures().line(seconds, slot.request_id, what)) context_.options.log_warn(*line);
}

bool HttpSession::gather_stream(Slot& slot) {
  const bool bare = slot.info.frame.http10;
  if (!slot.stream_head_sent) {
    slot.stream_head_sent = true;
    stream_told_ = io_.coarse_now();
    context_.meters.streams.fetch_add(1, std::memory_order_relaxed);
    ResponseFrame frame = slot.info.frame;
    frame.request_id = slot.request_id;
    io_.writer().append_stream_head(out_, frame);
    io_.meters().answered(slot.info.route, slot.info.method, 200, seconds_since(slot.info.started));
    if (slot.info.frame.head_only) slot.end_stream();
  }
  Slot::Piece piece = slot.take_stream();
  if (!piece.bytes.empty()) stream_told_ = io_.coarse_now();
  if (slot.info.frame.head_only) piece.bytes.clear();
  if (bare) {
    out_ += piece.bytes;
  } else {
    append_chunk(out_, piece.bytes);
  }
  if (!piece.ended) return false;
  context_.meters.streams.fetch_sub(1, std::memory_order_relaxed);
  if (!bare && !slot.info.frame.head_only) out_ += last_chunk;
  if (slot.close_after || bare) phase_ = Phase::stopped;
  pending_.pop_front();
  return true;
}

void HttpSession::drop_stream() {
  context_.meters.streams_dropped.fetch_add(1, std::memory_order_relaxed);
  abort();
}

bool HttpSession::write_out() {
  while (out_sent_ < out_.size()) {
    ErrorCode error;
    const std::size_t sent =
        socket_.send(net::buffer(out_.data() + out_sent_, out_.size() - out_sent_), 0, error);
    out_sent_ += sent;
    context_.meters.bytes_out.fetch_add(sent, std::memory_order_relaxed);
    if (error == net::error::would_block || error == net::error::try_again) {
      wait_writable();
      return false;
    }
    if (error) {
      abort();
      return false;
    }
  }
  out_sent_ = 0;
  if (out_.capacity() > out_bytes_kept) {
    out_ = std::string();
  } else {
    out_.clear();
  }
  return true;
}

void HttpSession::wait_writable() {
  blocked_ = true;
  write_deadline_ = io_.coarse_now() + milliseconds(context_.limits().write_ms);
  auto self = std::static_pointer_cast<HttpSession>(shared_from_this());
  socket_.async_wait(Socket::wait_write, [self](ErrorCode error) {
    const IoThread::Turn turn(self->io_);
    self->blocked_ = false;
    if (error || self->phase_ == Phase::closed) return;
    if (self->write_out()) self->io_.mark_dirty(*self);
  });
}

// Time and the end

TimePoint HttpSession::deadline() const {
  if (blocked_) return write_deadline_;
  if (phase_ == Phase::lingering) return linger_deadline_;
  if (phase_ == Phase::body) return read_deadline_;
  const bool waits_for_request = phase_ == Phase::head && (pending_.empty() || !in_.empty());
  return waits_for_request && reading_ ? read_deadline_ : TimePoint::max();
}

void HttpSession::sweep(TimePoint now) {
  if (phase_ == Phase::closed) return;
  if (!pending_.empty() && !blocked_ && pending_.front()->stream_head_sent &&
      now - stream_told_ >= milliseconds(context_.limits().stream_keep_alive_ms)) {
    pending_.front()->write(": keep-alive\n\n");
  }
  if (now < deadline()) return;
  context_.meters.timed_out.fetch_add(1, std::memory_order_relaxed);
  if (blocked_ || phase_ == Phase::lingering) return abort();
  if (phase_ == Phase::body) return expire("The body did not arrive in time.");
  if (in_.empty()) return close();
  expire("The header did not arrive in time.");
}

void HttpSession::expire(std::string_view detail) {
  refuse({api::problem::request_timeout, detail, true});
  io_.mark_dirty(*this);
}

void HttpSession::drain() {
  if (phase_ == Phase::closed) return;
  const std::deque<std::shared_ptr<Slot>> all = pending_;
  for (const auto& slot : all) {
    if (slot->phase() == Slot::Phase::streaming) slot->end_stream();
  }
  io_.mark_dirty(*this);
}

void HttpSession::finish() {
  if (input_ended_) return close();
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  phase_ = Phase::lingering;
  linger_deadline_ = io_.coarse_now() + linger_time;
  start_read();
}

void HttpSession::abort() {
  if (phase_ == Phase::closed) return;
  // A reset: what a client does not read must not stay in the kernel's buffers.
  ErrorCode ignored;
  socket_.set_option(net::socket_base::linger(true, 0), ignored);
  close();
}

void HttpSession::close() {
  const std::shared_ptr<Connection> self = shared_from_this();
  phase_ = Phase::closed;
  ErrorCode ignored;
  socket_.close(ignored);
  place_.reset();
  io_.remove(*this);
  const auto rest = std::exchange(pending_, {});
  for (const auto& slot : rest) {
    if (slot->stream_head_sent) context_.meters.streams.fetch_sub(1, std::memory_order_relaxed);
    slot->abandon();
  }
}

}  // namespace pawl::http
