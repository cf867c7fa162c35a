#include "broker/http/api/routes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pawl::http::api {
namespace {

std::string found(Method method, std::string_view path) {
  const Route* route = find_route(method, path);
  return route == nullptr ? "none" : std::string(route->operation_id);
}

TEST(RoutesTest, PathsLeadToTheirHandlers) {
  EXPECT_EQ(found(Method::post, "/jobs"), "submitJob");
  EXPECT_EQ(found(Method::get, "/jobs"), "listJobs");
  EXPECT_EQ(found(Method::head, "/jobs"), "listJobs");
  EXPECT_EQ(found(Method::post, "/jobs/batch"), "submitBatch");
  EXPECT_EQ(found(Method::get, "/jobs/x"), "getJob");
  EXPECT_EQ(found(Method::del, "/jobs/x"), "deleteJob");
  EXPECT_EQ(found(Method::post, "/jobs/x/complete"), "completeJob");
  EXPECT_EQ(found(Method::get, "/jobs/x/logs"), "getJobLogs");
  EXPECT_EQ(found(Method::post, "/jobs/x/logs"), "appendJobLogs");
  EXPECT_EQ(found(Method::post, "/queues/a.b:c/lease"), "leaseJobs");
  EXPECT_EQ(found(Method::post, "/queues/q/dlq/replay"), "replayDeadLetters");
  EXPECT_EQ(found(Method::get, "/queues/q/dlq"), "listDeadLetters");
}

TEST(RoutesTest, WhatIsNotInTheTableLeadsNowhere) {
  for (const std::string_view path :
       {"", "/", "jobs", "//jobs", "/jobs/", "/jobs//why", "/jobs/x/", "/jobs/x/y", "/jobs/x/why/z",
        "/queues/q/dlq/", "/queues//dlq", "/Jobs", "/ui/", "/leases", "/openapi"}) {
    EXPECT_EQ(found(Method::get, path), "none") << path;
  }
  EXPECT_EQ(found(Method::put, "/jobs"), "none");
  EXPECT_EQ(found(Method::get, "/jobs/batch"), "none");
  EXPECT_EQ(route_label(Method::get, "/nowhere"), "other");
  EXPECT_EQ(route_label(Method::get, "/jobs/x"), "/jobs/{jobId}");
}

TEST(RoutesTest, EachOperationHasOneRoute) {
  std::set<std::string_view> ids;
  std::set<std::pair<Method, std::string_view>> places;
  for (const Route& route : routes()) {
    EXPECT_TRUE(ids.insert(route.operation_id).second) << route.operation_id;
    EXPECT_TRUE(places.insert({route.method, route.pattern}).second) << route.pattern;
    EXPECT_TRUE(route.handler != nullptr);
  }
}

TEST(RoutesTest, BodiesHaveTheRoomTheirRouteNeeds) {
  const Limits limits;
  EXPECT_GT(body_bytes_max(Method::post, "/jobs", limits), limits.payload_bytes_max);
  EXPECT_EQ(body_bytes_max(Method::post, "/jobs/batch", limits), limits.batch_bytes_max);
  EXPECT_EQ(body_bytes_max(Method::post, "/jobs/x/cancel", limits), small_body_bytes_max);
  // It may submit a job; and what is too long of an error is cut, not refused.
  EXPECT_GT(body_bytes_max(Method::post, "/jobs/x/suspend", limits), limits.payload_bytes_max);
  EXPECT_GT(body_bytes_max(Method::post, "/jobs/x/fail", limits), limits.payload_bytes_max);
  EXPECT_EQ(body_bytes_max(Method::post, "/nowhere", limits), small_body_bytes_max);
}

}  // namespace
}  // namespace pawl::http::api
