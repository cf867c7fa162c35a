#include "broker/http/api/job_query.h"

#include <algorithm>

#include "broker/http/api/payload_value.h"
#include "client/wire/protocol.h"

namespace pawl::http::api {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The ids that begin with these characters of a UUID's text.
void read_id_prefix(Query& query, engine::JobFilter& filter) {
  const auto text = query.text("id");
  if (!text || text->empty()) return;
  core::JobId first;
  core::JobId last;
  last.bytes.fill(0xff);
  std::size_t nibble = 0;
  bool good = text->size() <= 36;
  for (std::size_t i = 0; good && i < text->size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      good = (*text)[i] == '-';
      continue;
    }
    const int digit = hex_digit((*text)[i]);
    good = digit >= 0;
    if (!good) break;
    const unsigned shift = nibble % 2 == 0 ? 4 : 0;
    const auto keep = static_cast<std::uint8_t>(~(0xfu << shift));
    const auto value = static_cast<std::uint8_t>(static_cast<unsigned>(digit) << shift);
    for (core::JobId* id : {&first, &last}) {
      std::uint8_t& byte = id->bytes[nibble / 2];
      byte = static_cast<std::uint8_t>((byte & keep) | value);
    }
    ++nibble;
  }
  if (!good) return query.wrong("id", "must be the beginning of a job's id, such as 0199b3c2-7a");
  filter.id_first = first;
  filter.id_last = last;
}

void read_payload(Query& query, engine::JobFilter& filter) {
  for (auto& [path, value] : query.beginning("payload.")) {
    if (!is_payload_path(path)) query.wrong("payload." + path, "is not a path such as payload.user.id");
    filter.payload.emplace_back(std::move(path), std::move(value));
  }
  if (filter.payload.empty()) return;
  if (filter.payload.size() > payload_paths_max) query.wrong("payload", "at most 4 paths can be asked for");
  if (!filter.queue) query.wrong("queue", "is required beside payload: paths are declared for a queue");
}

}  // namespace

ListPage::ListPage(Query& query)
    : limit(static_cast<std::size_t>(
          query.integer("limit", 1, wire::page_limit_max, wire::page_limit_default))),
      cursor(query.text("cursor").value_or("")) {}

void read_job_query(Query& query, engine::JobFilter& filter) {
  filter.name = query.name("name");
  filter.error_type = query.text("errorType");
  const std::string order = query.text("order").value_or("newest");
  filter.newest_first = order == "newest" || order == "desc";
  filter.by_time = order == "due" || order == "longest";
  if (!filter.newest_first && !filter.by_time && order != "oldest" && order != "asc")
    query.wrong("order", "must be newest, oldest, due or longest");
  if (order == "due" && filter.status != std::vector{core::Status::delayed})
    query.wrong("order", "can be due for delayed jobs only: ask for status=delayed, too");
  if (order == "longest" && filter.status != std::vector{core::Status::active})
    query.wrong("order", "can be longest for active jobs only: ask for status=active, too");
  filter.group = query.text("group");
  filter.tag = query.text("tag");
  filter.worker = query.text("worker");
  read_id_prefix(query, filter);
  filter.created_from = query.time("createdAfter");
  filter.created_before = query.time("createdBefore");
  filter.attempts_min = static_cast<std::uint32_t>(query.integer("attemptsMin", 0, attempts_asked_max, 0));
  filter.attempts_max =
      static_cast<std::uint32_t>(query.integer("attemptsMax", 0, attempts_asked_max, attempts_asked_max));
  filter.text = query.text("q");
  if (filter.text && (filter.text->empty() || filter.text->size() > wire::text_bytes_max))
    query.wrong("q", "must have 1 to 256 bytes");
  read_payload(query, filter);
}

engine::JobFilter read_job_filter(Query& query) {
  engine::JobFilter filter;
  filter.queue = query.name("queue");
  filter.status = query.statuses("status");
  read_job_query(query, filter);
  return filter;
}

}  // namespace pawl::http::api
