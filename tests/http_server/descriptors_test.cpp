#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "tests/http_server/raw_client.h"
#include "tests/http_server/test_server.h"

namespace pawl::http::tests {
namespace {

/// Lets the process open one more descriptor and no other, while it lives.
class OneDescriptorLeft {
 public:
  OneDescriptorLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next) + 1, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~OneDescriptorLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(DescriptorsTest, AcceptPausesWithoutSpinningAndRecovers) {
  std::atomic<int> warnings{0};
  ServerOptions options;
  options.log_warn = [&](const std::string&) { ++warnings; };
  TestServer server(std::move(options));
  RawClient before(server.port());
  before.send(get("/echo"));
  EXPECT_EQ(before.response()->status, 200u);

  auto tight = std::make_unique<OneDescriptorLeft>();
  const auto start = std::chrono::steady_clock::now();
  RawClient waiting(server.port());  // takes the last one; the server has none for its side
  waiting.send(get("/echo"));
  const HttpMeters& meters = server.server().meters();
  while (meters.accept_pauses.load() < 3) std::this_thread::yield();
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
  before.send(get("/echo"));
  EXPECT_EQ(before.response()->status, 200u);
  EXPECT_EQ(warnings.load(), 1);

  tight.reset();
  EXPECT_EQ(waiting.response()->status, 200u);
}

}  // namespace
}  // namespace pawl::http::tests
