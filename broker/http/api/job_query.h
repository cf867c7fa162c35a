// The query of a list of jobs → what the lister is asked for.
#pragma once

#include <string>

#include "broker/engine/lists.h"
#include "broker/http/api/query.h"

namespace pawl::http::api {

inline constexpr std::size_t payload_paths_max = 4;  // of one filter
inline constexpr std::int64_t attempts_asked_max = UINT32_MAX;

/// limit and cursor, which every list takes.
struct ListPage {
  std::size_t limit;
  std::string cursor;
  explicit ListPage(Query& query);
};

/// Whatever a job can be looked for by, but for queue and status.
void read_job_query(Query& query, engine::JobFilter& filter);
/// `status`, `queue` and all the others.
engine::JobFilter read_job_filter(Query& query);

}  // namespace pawl::http::api
