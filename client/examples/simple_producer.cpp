// Submits one job and waits for what becomes of it: simple_producer [NAME] [URL]
#include <cstdio>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>

using namespace std::chrono_literals;

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "world";
  const std::string url = argc > 2 ? argv[2] : "http://127.0.0.1:7711";

  pawl::Client client({.url = url});
  const auto job = client.enqueue({.queue = "greetings", .payload = nlohmann::json{{"name", name}}});
  std::printf("submitted %s\n", job.job_id.c_str());

  const auto end = client.wait(job.job_id, 30s);
  std::printf("%s: %s\n", std::string(to_string(end.status)).c_str(), end.result.text().c_str());
  return end.status == pawl::Status::completed ? 0 : 1;
} catch (const pawl::Exception& error) {
  std::fprintf(stderr, "simple_producer: %s\n", error.what());
  return 1;
}
