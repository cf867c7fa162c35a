// An exchange without HTTP, and a broker without sockets: handlers run against the real engine on the memory
// store.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "broker/engine/engine.h"
#include "broker/http/api/routes.h"
#include "storage/store.h"

namespace pawl::http::api {

/// What the session is to a handler. The test's thread plays the session: it runs calls that are due and
/// renders.
class FakeExchange final : public Exchange, public std::enable_shared_from_this<FakeExchange> {
 public:
  void respond(Response response) override;
  void respond_with(std::function<Response()> render) override;
  std::shared_ptr<Stream> stream() override;
  void on_abandoned(std::function<void()> call) override;
  void after(std::int64_t ms, std::function<void()> call) override;

  /// Runs what is due at once until there is an answer; fails the test after 20 s.
  Response wait();
  bool answered();
  /// Makes timers with a delay go off.
  void pass_time();
  /// Reads the stream until it holds `text` `times` times; returns all that came so far.
  std::string read_until(const std::string& text, int times = 1);
  /// The client goes away.
  void abandon();
  std::size_t calls_waiting();

 private:
  class FakeStream;
  bool run_due(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> due_;
  std::deque<std::function<void()>> later_;
  std::function<void()> abandoned_;
  std::function<Response()> render_;
  std::string stream_bytes_;
  bool over_ = false;
};

/// A broker on the memory store.
class Broker {
 public:
  Broker();
  ApiContext context;

  /// Sends a request and returns its exchange without waiting.
  std::shared_ptr<FakeExchange> send(Method method, const std::string& target, std::string body = {},
                                     const std::function<void(Request&)>& change = {});
  /// Sends a request and waits for the answer.
  Response ask(Method method, const std::string& target, std::string body = {},
               const std::function<void(Request&)>& change = {});
  /// Submits a job; returns its id.
  std::string submit(const std::string& body);
  struct Leased {
    std::string job_id;
    std::string lease_id;
  };
  /// Leases one job that must be there.
  Leased lease(const std::string& queue);

 private:
  struct Parts;
  explicit Broker(std::shared_ptr<Parts> parts);
  std::shared_ptr<Parts> parts_;
};

/// The text of a member of a flat JSON object; empty when there is none.
std::string member(const std::string& json, const std::string& key);

}  // namespace pawl::http::api
