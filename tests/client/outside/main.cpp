// A program that knows libpawl only from where it is installed. There is no broker: what it does must fail
// clearly.
#include <iostream>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>

using namespace std::chrono_literals;

int main() {
  pawl::Client client({.url = "http://127.0.0.1:1", .retry_for = 0ms});
  const auto job =
      client.try_enqueue({.queue = "mail", .payload = nlohmann::json{{"to", "you@example.org"}}});
  if (job || job.error().kind != pawl::ErrorKind::connection) return 1;

  pawl::Worker worker({.url = "http://127.0.0.1:1", .queues = {{"mail"}}, .concurrency = 2});
  worker.on("send", [](pawl::Job& given) { return nlohmann::json{{"sent", given.attempt()}}; });
  worker.on_any([](pawl::Job given) { given.release(); });
  worker.start();
  worker.stop();
  if (!worker.wait()) return 2;
  std::cout << job.error().text() << '\n';
}
