// Greets whoever a job names, until SIGTERM or Ctrl-C: simple_worker [URL]
#include <cstdio>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>

int main(int argc, char** argv) try {
  const std::string url = argc > 1 ? argv[1] : "http://127.0.0.1:7711";

  pawl::Worker worker({.url = url, .queues = {{"greetings"}}, .concurrency = 4});
  worker.on_any([](pawl::Job& job) {
    const auto name = job.payload().value("name", "");
    if (name.empty()) throw pawl::permanent_error("no-name");  // no retry can help
    job.progress(50, "thinking of something nice");
    return nlohmann::json{{"greeting", "Hello, " + name + "!"}};
  });
  worker.run_until_signal();
} catch (const pawl::Exception& error) {
  std::fprintf(stderr, "simple_worker: %s\n", error.what());
  return 1;
}
