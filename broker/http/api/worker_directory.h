// What is known of connected workers beyond what the engine keeps: facts of their connections, which decide
// nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace pawl::http::api {

struct WorkerFacts {
  std::string address;  // of the other end of the connection, without the port
  std::string host;     // as the worker says; empty: it did not
  std::string version;  // the same
  std::optional<std::chrono::microseconds> round_trip{};  // of the latest ping that was answered
};

/// Thread: any.
class WorkerDirectory : public std::enable_shared_from_this<WorkerDirectory> {
 public:
  /// One connection's entry; it is gone with it. Thread: one at a time.
  class Entry {
   public:
    Entry(std::shared_ptr<WorkerDirectory> directory, std::size_t number)
        : directory_(std::move(directory)), number_(number) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();
    void introduce(const std::string& worker_id, std::string host, std::string version);
    void answered_after(std::chrono::microseconds round_trip);

   private:
    std::shared_ptr<WorkerDirectory> directory_;
    std::size_t number_;
  };

  std::unique_ptr<Entry> enter(std::string address);
  /// By worker id, of those that said one. Of connections with the same id, the latest.
  std::map<std::string, WorkerFacts> facts() const;

 private:
  struct Connection {
    std::string worker_id;
    WorkerFacts facts;
  };
  mutable std::mutex mutex_;
  std::size_t last_ = 0;
  std::map<std::size_t, Connection> connections_;
};

}  // namespace pawl::http::api
