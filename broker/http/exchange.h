// What a route handler sees of HTTP: a request that passed the gate, and the exchange that it answers
// through. Neither Beast nor a socket appears here, so handlers and their tests need none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawl::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

/// A request whose framing, Host, authorization and size are already checked. Body: as sent, complete.
struct Request {
  Method method = Method::get;
  std::string path;   // percent-decoded once, no query; begins with "/"
  std::string query;  // raw, without "?"
  std::string body;
  std::string content_type;         // lower-cased media type without parameters; empty: not sent
  std::string idempotency_key;      // header Idempotency-Key
  std::string idempotency_keep_ms;  // header Idempotency-Keep-Ms
  std::string prefer;               // header Prefer
  std::string if_none_match;
  std::string last_event_id;
  std::string accept;
  std::string accept_encoding;
  std::string traceparent;
  std::string actor;                           // header X-Pawl-Actor: who acts, as the client says
  std::shared_ptr<const std::string> address;  // of the other end; null: not known
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";  // empty: no body, no Content-Type
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      headers;  // further ones: Location, Allow, Retry-After, ETag…
};

/// A body that goes on: Server-Sent Events. Thread: any.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Queues bytes. False: the client is gone or so far behind that its queue is full; the stream is then
  /// closed.
  virtual bool write(std::string bytes) = 0;
  virtual void close() = 0;
};

/// One request being answered: exactly one of respond, respond_with, stream is called, once, from any thread.
/// An exchange that is dropped unanswered answers 500. Kept by shared_ptr in whatever waits for the reply.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void respond(Response response) = 0;
  /// Renders on the session's own thread: replies arrive on the store's sync thread, which must stay free.
  virtual void respond_with(std::function<Response()> render) = 0;
  /// Sends the header (text/event-stream, no caching) and keeps the body open.
  virtual std::shared_ptr<Stream> stream() = 0;
  /// Called at most once, on any thread, if the client goes away before the end of the answer or of the
  /// stream.
  virtual void on_abandoned(std::function<void()> call) = 0;
  /// Calls on the session's thread after `ms`, unless the exchange is over by then.
  virtual void after(std::int64_t ms, std::function<void()> call) = 0;
};

}  // namespace pawl::http
