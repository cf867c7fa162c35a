// Gathers what a scrape shows from the layers.
#pragma once

#include <atomic>
#include <string>

#include "broker/engine/engine.h"
#include "broker/http/http_meters.h"
#include "broker/push/pusher.h"

namespace pawl::app {

/// Thread: any. The engine outlives it.
class MetricsPage {
 public:
  MetricsPage(engine::Engine& engine, core::Millis started_at) : engine_(engine), started_at_(started_at) {}

  /// Also tell what the server counts, from now on; null: not any more.
  void show(const http::HttpMeters* meters) { http_.store(meters); }

  /// The same of what is pushed.
  void show(const push::Pusher* pusher) { pusher_.store(pusher); }

  /// The page. Waits for the engine to answer, but not long: then it tells the rest.
  std::string text() const;

 private:
  engine::Engine& engine_;
  core::Millis started_at_;
  std::atomic<const http::HttpMeters*> http_{nullptr};
  std::atomic<const push::Pusher*> pusher_{nullptr};
};

}  // namespace pawl::app
