// Operations on an engine, and the dead letters that they are about.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "bench.h"

namespace pawl::engine {

class OperationTest : public testing::Test {
 protected:
  OperationView start(OperationSpec spec, bool wait) {
    return ask(
        [&](Operations::Answer answer) { bench.engine().operations().start(std::move(spec), wait, answer); });
  }
  OperationView get(const std::string& id) {
    return ask([&](Operations::Answer answer) { bench.engine().operations().get(id, answer); });
  }
  OperationView pause(const std::string& id, bool paused) {
    return ask([&](Operations::Answer answer) {
      bench.engine().operations().pause(id, paused, std::nullopt, answer);
    });
  }
  template <typename Call>
  OperationView ask(Call&& call) {
    std::expected<OperationView, ListError> view;
    bench.await([&](auto done) {
      call([&view, done](auto answer) {
        view = std::move(answer);
        done();
      });
    });
    EXPECT_TRUE(view);
    return view.value_or(OperationView{});
  }
  OperationView await_end(const std::string& id) {
    while (true) {
      const OperationView view = get(id);
      if (view.state != OperationView::State::running) return view;
    }
  }
  std::uint64_t count(core::Status status) {
    return bench.ask<core::QueueView>(core::GetQueue{"q"}).counts[static_cast<std::size_t>(status)];
  }
  void make_dead(int jobs, const std::string& error_type = "bad") {
    for (int i = 0; i < jobs; ++i) bench.submit(Bench::job("q"));
    for (const core::GrantedJob& granted : bench.lease_all("q", static_cast<std::size_t>(jobs))) {
      bench.settle(granted, core::Settlement::Outcome::fail, true, error_type);
    }
  }

  Bench bench;
};

}  // namespace pawl::engine
