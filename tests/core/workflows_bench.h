// A bench with one graph on it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/core/bench.h"

namespace pawl::core::test {

using Policy = OnParentFailure;

inline NewMember member(std::string ref, std::vector<std::uint32_t> depends_on = {},
                        Policy policy = Policy::fail) {
  NewMember made;
  made.job = Bench::job("q");
  made.job.name = ref;
  made.ref = std::move(ref);
  made.depends_on = std::move(depends_on);
  made.on_parent_failure = policy;
  return made;
}

class WorkflowsTest : public ::testing::Test {
 protected:
  explicit WorkflowsTest(MachineOptions options = {}) : bench(options) {}

  Bench bench;
  std::vector<JobId> ids;
  WorkflowId workflow;

  void submit(std::vector<NewMember> members) {
    const auto made = bench.call<WorkflowSubmitted>(SubmitWorkflow{"w", std::move(members)});
    workflow = made.workflow;
    for (const auto& item : made.jobs) ids.push_back(item.id);
  }
  std::vector<std::string> states() {
    std::vector<std::string> found;
    for (const JobId& id : ids) found.emplace_back(name_of(bench.status(id)));
    return found;
  }
  GrantedJob lease(const std::string& name) {
    return bench.call<Granted>(Lease{"q", "w1", 1, 0, {name}}).jobs.at(0);
  }
  static Settlement settlement_of(const GrantedJob& job) {
    Settlement settlement;
    settlement.id = job.id;
    settlement.lease = job.lease;
    return settlement;
  }
  static Settlement failure_of(const GrantedJob& job) {
    Settlement settlement = settlement_of(job);
    settlement.outcome = Settlement::Outcome::fail;
    settlement.permanent = true;
    return settlement;
  }
  void complete(const std::string& name, const std::string& result = "1") {
    Settlement settlement = settlement_of(lease(name));
    settlement.result = std::make_shared<const std::string>(result);
    bench.settle(std::move(settlement));
  }
  void fail(const std::string& name) { bench.fail(lease(name), true); }
  std::string status() { return std::string(bench.rows.workflows.at(workflow).status()); }
  static std::map<std::string, std::string> texts(const std::vector<ParentResult>& parents) {
    std::map<std::string, std::string> found;
    for (const ParentResult& parent : parents)
      found[parent.ref] =
          std::string(name_of(parent.status)) + " " + (parent.result ? *parent.result : "null");
    return found;
  }
  void expect_nothing_left() {
    EXPECT_TRUE(bench.rows.dependents.empty());
    EXPECT_TRUE(bench.rows.parents.empty());
    EXPECT_TRUE(bench.rows.joins.empty());
    EXPECT_TRUE(bench.rows.owed.empty());
    EXPECT_EQ(bench.count("q", Status::blocked), 0u);
    EXPECT_EQ(bench.rows.queues.begin()->second.live_members, 0u);
  }
};

using Strings = std::vector<std::string>;
using Texts = std::map<std::string, std::string>;

}  // namespace pawl::core::test
