#include "client/src/ws_link.h"

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <csignal>

#include "client/src/problem.h"

namespace pawl::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using TcpStream = beast::basic_stream<tcp, asio::io_context::executor_type>;

namespace {

// A connection that says nothing for half of this is asked with a ping, and given up after the whole.
constexpr std::chrono::seconds idle_timeout{20};
constexpr std::chrono::seconds close_timeout{1};
constexpr std::size_t message_bytes_max = 1u << 30;
constexpr std::size_t buffer_bytes_kept = 1u << 20;

}  // namespace

namespace {

// One connection. A new one is made for each try, so that a late completion of an old one meets its own
// object.
struct Session {
  explicit Session(asio::io_context& io) : resolver(io), ws(io) {}

  tcp::resolver resolver;
  websocket::stream<TcpStream, false> ws;  // no compression
  beast::flat_buffer in;
  std::string out;
  websocket::response_type answer;
  bool open = false;
  bool writing = false;
  bool down = false;
};
using SessionPtr = std::shared_ptr<Session>;

}  // namespace

struct WsLink::State : std::enable_shared_from_this<WsLink::State> {
  State(LinkOptions given, LinkUser& its_user) : options(std::move(given)), user(its_user) {}

  LinkOptions options;
  LinkUser& user;
  asio::io_context io{1};
  asio::steady_timer tick_timer{io};
  asio::steady_timer wait_timer{io};
  asio::signal_set signals{io};
  SessionPtr session;
  std::atomic<bool> woken{false};
  bool ending = false;

  Error error(const std::string& doing, const beast::error_code& code) const {
    return local_error(ErrorKind::connection, doing + " the broker at " + options.url.host + ":" +
                                                  options.url.port + ": " + code.message());
  }

  Error closed(const Session& s) const {
    const auto& reason = s.ws.reason();
    Error out = local_error(ErrorKind::connection,
                            "the broker closed the connection with code " + std::to_string(reason.code));
    if (!reason.reason.empty()) out.detail += ": " + std::string(reason.reason.data(), reason.reason.size());
    out.status = reason.code;
    return out;
  }

  void connect() {
    session = std::make_shared<Session>(io);
    session->resolver.async_resolve(
        options.url.host, options.url.port,
        [this, s = session](const beast::error_code& code, const tcp::resolver::results_type& addresses) {
          if (code) return down(s, error("finding", code));
          auto& stream = beast::get_lowest_layer(s->ws);
          stream.expires_after(options.connect_timeout);
          stream.async_connect(addresses, [this, s](const beast::error_code& failed, const tcp::endpoint&) {
            if (failed) return down(s, error("connecting to", failed));
            handshake(s);
          });
        });
  }

  void handshake(const SessionPtr& s) {
    auto& stream = beast::get_lowest_layer(s->ws);
    beast::error_code ignored;
    stream.socket().set_option(tcp::no_delay(true), ignored);
    stream.expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = options.connect_timeout;
    timeout.idle_timeout = idle_timeout;
    timeout.keep_alive_pings = true;
    s->ws.set_option(timeout);
    s->ws.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      request.set(http::field::user_agent, "libpawl/" PAWL_VERSION);
      request.set(http::field::sec_websocket_protocol, options.subprotocol);
      if (!options.token.empty()) request.set(http::field::authorization, "Bearer " + options.token);
    }));
    s->ws.auto_fragment(false);
    s->ws.read_message_max(message_bytes_max);
    s->ws.text(true);
    s->ws.async_handshake(s->answer, options.url.host_header, options.url.base + options.path,
                          [this, s](const beast::error_code& code) { after_handshake(s, code); });
  }

  void after_handshake(const SessionPtr& s, const beast::error_code& code) {
    if (code == websocket::error::upgrade_declined) {
      const std::string body(s->answer.body());
      return down(s, read_problem(JsonSlice(body), static_cast<int>(s->answer.result_int())));
    }
    if (code) return down(s, error("opening a WebSocket to", code));
    s->open = true;
    user.on_open();
    read(s);
    pump();
  }

  void read(const SessionPtr& s) {
    s->ws.async_read(s->in, [this, s](const beast::error_code& code, std::size_t) {
      if (s->down) return;
      if (code == websocket::error::closed) return down(s, closed(*s));
      if (code) return down(s, error("reading from", code));
      const auto bytes = s->in.cdata();
      user.on_message(
          std::make_shared<const std::string>(static_cast<const char*>(bytes.data()), bytes.size()));
      s->in.consume(s->in.size());
      if (s->in.capacity() > buffer_bytes_kept) s->in = beast::flat_buffer();
      if (check_finished()) return;
      read(s);
      pump();
    });
  }

  // Writes the next message, if there is one and nothing is being written.
  void pump() {
    const SessionPtr s = session;
    if (!s || !s->open || s->writing || s->down || ending) return;
    s->out = user.next_message();
    if (s->out.empty()) return void(check_finished());
    s->writing = true;
    s->ws.async_write(asio::buffer(s->out), [this, s](const beast::error_code& code, std::size_t) {
      s->writing = false;
      if (s->down) return;
      if (code) return down(s, error("writing to", code));
      pump();
    });
  }

  void down(const SessionPtr& s, const Error& why) {
    if (s->down || ending) return;
    s->down = true;
    s->open = false;
    beast::error_code ignored;
    beast::get_lowest_layer(s->ws).socket().close(ignored);
    const auto wait = user.on_down(why);
    if (!wait || user.finished()) return end();
    wait_timer.expires_after(*wait);
    wait_timer.async_wait([this](const beast::error_code& code) {
      if (!code && !ending) connect();
    });
  }

  void tick() {
    const auto next = user.on_tick();
    if (check_finished()) return;
    pump();
    tick_timer.expires_after(next);
    tick_timer.async_wait([this](const beast::error_code& code) {
      if (!code && !ending) tick();
    });
  }

  void await_signal() {
    signals.async_wait([this](const beast::error_code& code, int) {
      if (code || ending) return;
      user.on_signal();
      await_signal();
      tick();
    });
  }

  bool check_finished() {
    if (ending || !user.finished()) return ending;
    end();
    return true;
  }

  // Closes politely where there is a connection, with a bound on how long that may take.
  void end() {
    ending = true;
    tick_timer.cancel();
    wait_timer.cancel();
    beast::error_code ignored;
    signals.cancel(ignored);
    if (!session || !session->open) {
      if (session) beast::get_lowest_layer(session->ws).socket().close(ignored);
      return io.stop();
    }
    wait_timer.expires_after(close_timeout);
    wait_timer.async_wait([this](const beast::error_code& code) {
      if (!code) io.stop();
    });
    session->ws.async_close(websocket::close_code::normal,
                            [this, s = session](const beast::error_code&) { io.stop(); });
  }
};

WsLink::WsLink(LinkOptions options, LinkUser& user)
    : state_(std::make_shared<State>(std::move(options), user)) {}
WsLink::~WsLink() = default;

void WsLink::run() {
  State& state = *state_;
  if (state.options.signals) {
    state.signals.add(SIGTERM);
    state.signals.add(SIGINT);
    state.await_signal();
  }
  state.connect();
  state.tick();
  state.io.run();
  beast::error_code ignored;
  state.signals.clear(ignored);
  state.session.reset();
}

void WsLink::wake() {
  if (state_->woken.exchange(true)) return;
  asio::post(state_->io, [state = state_.get()] {
    state->woken = false;
    state->pump();
  });
}

}  // namespace pawl::client
