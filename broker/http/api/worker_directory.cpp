#include "broker/http/api/worker_directory.h"

#include <utility>

namespace pawl::http::api {

std::unique_ptr<WorkerDirectory::Entry> WorkerDirectory::enter(std::string address) {
  const std::lock_guard lock(mutex_);
  connections_[++last_].facts.address = std::move(address);
  return std::make_unique<Entry>(shared_from_this(), last_);
}

WorkerDirectory::Entry::~Entry() {
  const std::lock_guard lock(directory_->mutex_);
  directory_->connections_.erase(number_);
}

void WorkerDirectory::Entry::introduce(const std::string& worker_id, std::string host, std::string version) {
  const std::lock_guard lock(directory_->mutex_);
  Connection& connection = directory_->connections_[number_];
  connection.worker_id = worker_id;
  connection.facts.host = std::move(host);
  connection.facts.version = std::move(version);
}

void WorkerDirectory::Entry::answered_after(std::chrono::microseconds round_trip) {
  const std::lock_guard lock(directory_->mutex_);
  directory_->connections_[number_].facts.round_trip = round_trip;
}

std::map<std::string, WorkerFacts> WorkerDirectory::facts() const {
  std::map<std::string, WorkerFacts> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, connection] : connections_) {
    if (!connection.worker_id.empty()) out[connection.worker_id] = connection.facts;
  }
  return out;
}

}  // namespace pawl::http::api
