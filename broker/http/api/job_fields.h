// Readers of the objects that appear in more than one request. Used by the request readers and the worker
// frames.
#pragma once

#include "broker/core/command.h"
#include "broker/http/api/fields.h"

namespace pawl::http::api {

/// Runs one reader over a whole document and turns what it noted into an answer.
template <typename T, typename Read>
std::expected<T, Problem> read_document(std::string_view text, const Limits& limits, Read&& read) {
  Input in(text, limits);
  T out{};
  read(in, Where{}, out);
  if (auto problem = in.verdict()) return std::unexpected(std::move(*problem));
  return out;
}

void read_new_job(Input& in, const Where& at, core::NewJob& out);
inline constexpr std::int64_t starts_max = 1'000'000;  // of a rate limit, and active at once
/// {url, on?}
void read_callback_target(Input& in, const Where& at, core::Callback& out);
/// {max, perMs, burst?}
/// A fingerprint of failures that were told apart.
void read_fingerprint(Input& in, const Where& at, engine::Fingerprint& out);
void read_rate_limit(Input& in, const Where& at, core::RateLimit& out);
/// An item of `settlements`: jobId, leaseId, outcome and what belongs to the outcome.
void read_settlement_item(Input& in, const Where& at, core::Settlement& out);
/// An item of a heartbeat frame's `beats`: as the single call, and the jobId.
void read_beat_item(Input& in, const Where& at, core::Beat& out);
void read_log_lines(Input& in, const Where& at, std::vector<std::string>& out);
/// A list of job names, at most wire::names_max.
void read_job_names(Input& in, const Where& at, std::vector<std::string>& out);

}  // namespace pawl::http::api
