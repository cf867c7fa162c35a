#include "client/src/client_state.h"

#include <random>
#include <thread>

#include "client/src/backoff.h"

namespace pawl {

using client::JsonSlice;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds retry_wait_first{50};
constexpr milliseconds retry_wait_max{2'000};

std::uint64_t random_word() {
  static thread_local std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

bool repeatable(std::string_view method, const Client::Headers& headers) {
  if (method == "GET" || method == "HEAD") return true;
  for (const auto& [name, value] : headers) {
    if (name == "Idempotency-Key") return true;
  }
  return false;
}

template <class Batch>
std::string batch_body(const Batch& bodies) {
  std::size_t bytes = 16;
  for (const auto* body : bodies) bytes += body->size() + 1;
  std::string out;
  out.reserve(bytes);
  out += R"({"jobs":[)";
  bool first = true;
  for (const auto* body : bodies) {
    if (!first) out += ',';
    first = false;
    out += *body;
  }
  out += "]}";
  return out;
}

std::vector<Enqueued> read_batch(JsonSlice answer) {
  std::vector<Enqueued> out;
  answer["jobs"].elements([&](JsonSlice job) { out.push_back(client::read_enqueued(job)); });
  return out;
}

}  // namespace

std::string client::fresh_key() {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "libpawl-";
  for (const std::uint64_t word : {random_word(), random_word()}) {
    for (unsigned shift = 0; shift < 64; shift += 4) out += hex[(word >> shift) & 15];
  }
  return out;
}

Client::State::State(ClientOptions given, client::Url url)
    : options(std::move(given)),
      pool(std::move(url), options.token, options.pool_size, options.connect_timeout),
      line(pool),
      coalescer([this](std::vector<std::string> bodies) { return begin_submit(std::move(bodies)); }, {}) {}

Result<Response> Client::State::call(const Ask& ask) {
  const bool repeat = ask.repeatable || repeatable(ask.method, ask.headers);
  const auto until = steady_clock::now() + options.retry_for;
  client::RetryWaits waits(retry_wait_first, retry_wait_max, random_word());
  for (;;) {
    auto result = pool.call({.method = ask.method,
                             .target = ask.target,
                             .body = ask.body,
                             .headers = &ask.headers,
                             .answer_timeout = options.request_timeout + ask.extra_time});
    milliseconds wait = waits.next();
    if (result) {
      if (result->status != 503 && result->status != 429) return std::move(*result);
      wait = std::max(wait, result->retry_after);
    }
    const bool nothing_done = result ? !ask.in_parts : result.error().unsent;
    if (!(repeat || nothing_done) || steady_clock::now() + wait > until) {
      if (result) return std::move(*result);
      return std::unexpected(std::move(result.error().error));
    }
    std::this_thread::sleep_for(wait);
  }
}

Result<Response> Client::State::ask(const Ask& ask) {
  auto response = call(ask);
  if (response && !response->ok()) return std::unexpected(to_error(*response));
  return response;
}

Result<Status> Client::State::ask_status(const Ask& question) {
  return ask(question, [](JsonSlice answer) { return client::read_status(answer["status"]); });
}

Result<void> Client::State::tell(const Ask& question) {
  auto response = ask(question);
  if (!response) return std::unexpected(std::move(response.error()));
  return {};
}

// A key that nobody else knows is needed for as long as a call may be repeated, and some time for its last
// request to arrive; not for a day.
Client::Headers Client::State::own_key(std::string key) const {
  const milliseconds keep = std::clamp(10 * (options.retry_for + options.request_timeout),
                                       milliseconds{60'000}, milliseconds{86'400'000});
  return {{"Idempotency-Key", std::move(key)}, {"Idempotency-Keep-Ms", std::to_string(keep.count())}};
}

Result<Enqueued> Client::State::submit_alone(const std::string& body, const std::string& key) {
  return ask({.method = "POST", .target = "/jobs", .body = body, .headers = {{"Idempotency-Key", key}}},
             client::read_enqueued);
}

Result<std::vector<Enqueued>> Client::State::submit_batch(const std::string& body, std::string key) {
  return ask({.method = "POST", .target = "/jobs/batch", .body = body, .headers = own_key(std::move(key))},
             read_batch);
}

// One call of the coalescer.
struct Client::State::Submit {
  std::vector<std::string> bodies;
  std::string key = client::fresh_key();
  std::string batch = bodies.size() == 1 ? std::string() : batch_body(pointers(bodies));

  static std::vector<const std::string*> pointers(const std::vector<std::string>& bodies) {
    std::vector<const std::string*> out;
    for (const std::string& body : bodies) out.push_back(&body);
    return out;
  }
};

client::Coalescer::Finish Client::State::begin_submit(std::vector<std::string> bodies) {
  Submit submit{.bodies = std::move(bodies)};
  const bool alone = submit.batch.empty();
  const Headers headers = own_key(submit.key);
  line.send({.method = "POST",
             .target = alone ? "/jobs" : "/jobs/batch",
             .body = alone ? submit.bodies.front() : submit.batch,
             .headers = &headers,
             .answer_timeout = options.request_timeout});
  return [this, submit = std::move(submit)] { return finish_submit(submit); };
}

client::Coalescer::Answers Client::State::finish_submit(const Submit& submit) {
  const std::vector<std::string>& bodies = submit.bodies;
  const auto response = line.receive();
  if (response && response->ok()) {
    if (bodies.size() == 1) return {client::read_enqueued(JsonSlice(response->text))};
    std::vector<Enqueued> read = read_batch(JsonSlice(response->text));
    if (read.size() == bodies.size())
      return {std::make_move_iterator(read.begin()), std::make_move_iterator(read.end())};
  }
  // Once more under the same key, and as often as is wise: what the broker took is not taken twice. A
  // refusal for what stands in it is looked into.
  if (bodies.size() == 1) return {submit_alone(bodies.front(), submit.key)};
  bool first = true;
  return client::submit_isolating(
      bodies, [&](const std::vector<const std::string*>& batch) -> Result<std::vector<Enqueued>> {
        std::string key = std::exchange(first, false) ? submit.key : client::fresh_key();
        if (batch.size() > 1) return submit_batch(batch_body(batch), std::move(key));
        auto alone = submit_alone(*batch.front(), key);
        if (!alone) return std::unexpected(std::move(alone.error()));
        return std::vector<Enqueued>{std::move(*alone)};
      });
}

}  // namespace pawl
