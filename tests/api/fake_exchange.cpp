#include "tests/api/fake_exchange.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace pawl::http::api {

namespace {
constexpr std::chrono::seconds patience{20};
}

class FakeExchange::FakeStream final : public Stream {
 public:
  explicit FakeStream(std::shared_ptr<FakeExchange> exchange) : exchange_(std::move(exchange)) {}
  bool write(std::string bytes) override {
    const std::lock_guard lock(exchange_->mutex_);
    if (exchange_->over_) return false;
    exchange_->stream_bytes_ += bytes;
    exchange_->changed_.notify_all();
    return true;
  }
  void close() override {
    const std::lock_guard lock(exchange_->mutex_);
    exchange_->over_ = true;
  }

 private:
  std::shared_ptr<FakeExchange> exchange_;
};

void FakeExchange::respond(Response response) {
  respond_with([response = std::move(response)] { return response; });
}

void FakeExchange::respond_with(std::function<Response()> render) {
  const std::lock_guard lock(mutex_);
  if (render_ || over_) return;
  render_ = std::move(render);
  changed_.notify_all();
}

std::shared_ptr<Stream> FakeExchange::stream() { return std::make_shared<FakeStream>(shared_from_this()); }

void FakeExchange::on_abandoned(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  abandoned_ = std::move(call);
}

void FakeExchange::after(std::int64_t ms, std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  (ms == 0 ? due_ : later_).push_back(std::move(call));
  changed_.notify_all();
}

bool FakeExchange::run_due(std::unique_lock<std::mutex>& lock) {
  if (due_.empty()) return false;
  const std::function<void()> call = std::move(due_.front());
  due_.pop_front();
  lock.unlock();
  call();
  lock.lock();
  return true;
}

Response FakeExchange::wait() {
  std::unique_lock lock(mutex_);
  while (!render_) {
    if (run_due(lock)) continue;
    if (changed_.wait_for(lock, patience) == std::cv_status::timeout)
      throw std::runtime_error("no answer came");
  }
  const std::function<Response()> render = render_;
  over_ = true;
  abandoned_ = nullptr;
  lock.unlock();
  return render();
}

bool FakeExchange::answered() {
  const std::lock_guard lock(mutex_);
  return static_cast<bool>(render_);
}

void FakeExchange::pass_time() {
  const std::lock_guard lock(mutex_);
  for (auto& call : later_) due_.push_back(std::move(call));
  later_.clear();
  changed_.notify_all();
}

std::string FakeExchange::read_until(const std::string& text, int times) {
  const auto count = [&] {
    int found = 0;
    for (std::size_t at = stream_bytes_.find(text); at != std::string::npos;
         at = stream_bytes_.find(text, at + 1)) {
      ++found;
    }
    return found;
  };
  std::unique_lock lock(mutex_);
  while (count() < times) {
    if (run_due(lock)) continue;
    if (changed_.wait_for(lock, patience) == std::cv_status::timeout) {
      ADD_FAILURE() << "waited for " << text << " in:\n" << stream_bytes_;
      break;
    }
  }
  return stream_bytes_;
}

void FakeExchange::abandon() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    call = std::move(abandoned_);
  }
  if (call) call();
}

std::size_t FakeExchange::calls_waiting() {
  const std::lock_guard lock(mutex_);
  return due_.size() + later_.size();
}

struct Broker::Parts {
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<engine::Engine> engine;
};

namespace {

template <typename T>
T take(storage::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

Broker::Broker()
    : Broker([] {
        auto parts = std::make_shared<Parts>();
        storage::Options options;
        options.families = engine::families();
        options.format_version = engine::format_version;
        parts->store = take(storage::Store::open("memory:", std::move(options)));
        engine::EngineOptions engine_options;
        engine_options.seed = 7;
        parts->engine = take(engine::Engine::start(*parts->store, std::move(engine_options)));
        return parts;
      }()) {}

Broker::Broker(std::shared_ptr<Parts> parts) : context{*parts->engine}, parts_(std::move(parts)) {}

std::shared_ptr<FakeExchange> Broker::send(Method method, const std::string& target, std::string body,
                                           const std::function<void(Request&)>& change) {
  Request request;
  request.method = method;
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.body = std::move(body);
  if (!request.body.empty()) request.content_type = "application/json";
  if (change) change(request);
  auto exchange = std::make_shared<FakeExchange>();
  dispatch(context, std::move(request), exchange);
  return exchange;
}

Response Broker::ask(Method method, const std::string& target, std::string body,
                     const std::function<void(Request&)>& change) {
  return send(method, target, std::move(body), change)->wait();
}

std::string Broker::submit(const std::string& body) {
  const Response response = ask(Method::post, "/jobs", body);
  EXPECT_EQ(response.status, 202u) << response.body;
  return member(response.body, "jobId");
}

Broker::Leased Broker::lease(const std::string& queue) {
  const Response response =
      ask(Method::post, "/queues/" + queue + "/lease", R"({"workerId":"w1","waitMs":20000})");
  EXPECT_EQ(response.status, 200u) << response.body;
  return {member(response.body, "jobId"), member(response.body, "leaseId")};
}

std::string member(const std::string& json, const std::string& key) {
  const std::string begin = '"' + key + "\":";
  std::size_t at = json.find(begin);
  if (at == std::string::npos) return {};
  at += begin.size();
  if (json[at] == '"') return json.substr(at + 1, json.find('"', at + 1) - at - 1);
  return json.substr(at, json.find_first_of(",}]", at) - at);
}

}  // namespace pawl::http::api
