// What this machine allows at W5, whatever the broker: the shortest program that does the same. A submit goes
// over TCP to a second thread, which writes it behind the last in a file, syncs that and sends it over TCP to
// a third. Nothing is parsed, nothing is kept in order, nobody shares a sync.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t message_bytes = 400;  // a job of 200 bytes, as it travels
constexpr std::size_t file_bytes = 4u << 20;

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

double percentile(std::vector<double> sorted, double share) {
  std::ranges::sort(sorted);
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

/// A file whose blocks are all there, as the broker's log has them, that is written from its beginning on.
class SyncedFile {
 public:
  explicit SyncedFile(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600)) {
    const std::string zeroes(file_bytes, '\0');
    check(file_ >= 0 && ::pwrite(file_, zeroes.data(), zeroes.size(), 0) == static_cast<ssize_t>(file_bytes));
    check(::fsync(file_) == 0);
  }
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;
  ~SyncedFile() {
    ::close(file_);
    std::filesystem::remove(path_);
  }

  /// Returns how long it took, in ms.
  double append(const std::string& bytes) {
    const Clock::time_point begin = Clock::now();
    if (at_ + bytes.size() > file_bytes) at_ = 0;
    check(::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at_)) ==
          static_cast<ssize_t>(bytes.size()));
    check(::fdatasync(file_) == 0);
    at_ += bytes.size();
    return ms_between(begin, Clock::now());
  }

 private:
  static void check(bool well) {
    if (!well) throw std::system_error(errno, std::generic_category(), "the file under test");
  }

  std::filesystem::path path_;
  int file_;
  std::size_t at_ = 0;
};

struct Connection {
  explicit Connection(asio::io_context& context) : near(context), far(context) {
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    near.connect(acceptor.local_endpoint());
    acceptor.accept(far);
    near.set_option(tcp::no_delay(true));
    far.set_option(tcp::no_delay(true));
  }
  tcp::socket near;
  tcp::socket far;
};

struct Latencies {
  std::vector<double> pick_ups;
  std::vector<double> syncs;
};

Latencies run(const std::filesystem::path& path, std::size_t count, std::chrono::nanoseconds between) {
  asio::io_context context;
  Connection submits(context);
  Connection leases(context);
  SyncedFile file(path);
  Latencies out;
  std::vector<Clock::time_point> due(count);
  std::vector<Clock::time_point> began(count);
  std::thread broker([&] {
    std::string message(message_bytes, '\0');
    for (std::size_t i = 0; i < count; ++i) {
      asio::read(submits.far, asio::buffer(message));
      out.syncs.push_back(file.append(message));
      asio::write(leases.near, asio::buffer(message));
    }
  });
  std::thread worker([&] {
    std::string message(message_bytes, '\0');
    for (std::size_t i = 0; i < count; ++i) {
      asio::read(leases.far, asio::buffer(message));
      began[i] = Clock::now();
    }
  });
  const std::string message(message_bytes, 'x');
  const Clock::time_point begin = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    due[i] = begin + between * static_cast<std::int64_t>(i);
    std::this_thread::sleep_until(due[i]);
    asio::write(submits.near, asio::buffer(message));
  }
  broker.join();
  worker.join();
  for (std::size_t i = 0; i < count; ++i) out.pick_ups.push_back(ms_between(due[i], began[i]));
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  double rate = 100;
  std::size_t count = 1'000;
  std::string folder = ".";
  bool json = false;
  CLI::App app("What this machine allows at W5: submit, write, sync, hand over, and nothing else");
  app.add_option("--rate", rate, "Submits a second")->check(CLI::Range(0.1, 1e5))->capture_default_str();
  app.add_option("--jobs", count, "Submits in all")->check(CLI::Range(10, 1'000'000))->capture_default_str();
  app.add_option("--folder", folder, "Where the file that is synced stands, for as long as it runs")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_flag("--json", json, "One line of JSON");
  CLI11_PARSE(app, argc, argv);
  try {
    const std::chrono::nanoseconds between(static_cast<std::int64_t>(1e9 / rate));
    const std::string name = fmt::format("pawl-floor-{}", ::getpid());
    const Latencies got = run(std::filesystem::path(folder) / name, count, between);
    if (json) {
      fmt::print(
          R"({{"rate":{},"jobs":{},"p50Ms":{:.3f},"p99Ms":{:.3f},"syncP50Ms":{:.3f},"syncP99Ms":{:.3f}}})"
          "\n",
          rate, count, percentile(got.pick_ups, 0.5), percentile(got.pick_ups, 0.99),
          percentile(got.syncs, 0.5), percentile(got.syncs, 0.99));
    } else {
      fmt::print("{} submits, {}/s: submit to hand-over p50 {:.2f} ms, p99 {:.2f} ms\n", count, rate,
                 percentile(got.pick_ups, 0.5), percentile(got.pick_ups, 0.99));
      fmt::print("of which write and fdatasync p50 {:.2f} ms, p99 {:.2f} ms\n", percentile(got.syncs, 0.5),
                 percentile(got.syncs, 0.99));
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "pawl_floor: {}\n", error.what());
    return 1;
  }
}
