#include <pawl/client.hpp>
#include <pawl/error.hpp>

#include "client/src/json_slices.h"
#include "client/src/problem.h"

namespace pawl {

std::string Error::text() const {
  std::string out = !detail.empty()  ? detail
                    : !title.empty() ? title
                                     : "the broker answered " + std::to_string(status);
  for (const FieldError& error : errors) {
    out += "; ";
    if (!error.pointer.empty()) out += error.pointer + ": ";
    out += error.detail;
  }
  return out;
}

Exception::Exception(Error error) : std::runtime_error(error.text()), error_(std::move(error)) {}

Error to_error(const Response& response) {
  Error error = client::read_problem(client::JsonSlice(response.text), response.status);
  if (response.retry_after > error.retry_after) error.retry_after = response.retry_after;
  return error;
}

namespace client {
namespace {

ErrorKind kind_of(int status) {
  switch (status) {
    case 400:
    case 406:
    case 415:
    case 422:
      return ErrorKind::invalid;
    case 401:
    case 403:
      return ErrorKind::unauthorized;
    case 404:
    case 405:
      return ErrorKind::not_found;
    case 409:
    case 412:
      return ErrorKind::conflict;
    case 413:
    case 414:
    case 431:
      return ErrorKind::too_large;
    case 429:
    case 503:
      return ErrorKind::unavailable;
    case 507:
      return ErrorKind::storage_full;
    default:
      return ErrorKind::broker;
  }
}

}  // namespace

Error read_problem(JsonSlice problem, int status) {
  Error error;
  problem.members([&](std::string_view key, JsonSlice value) {
    if (key == "type") error.type = value.string();
    if (key == "title") error.title = value.string();
    if (key == "detail") error.detail = value.string();
    if (key == "jobId") error.job_id = value.string();
    if (key == "requestId") error.request_id = value.string();
    if (key == "status") error.status = static_cast<int>(value.integer().value_or(0));
    if (key != "errors") return;
    value.elements(
        [&](JsonSlice each) { error.errors.push_back({each["pointer"].string(), each["detail"].string()}); });
  });
  if (status != 0) error.status = status;
  error.kind = kind_of(error.status);
  return error;
}

Error local_error(ErrorKind kind, std::string detail) {
  Error error;
  error.kind = kind;
  error.detail = std::move(detail);
  return error;
}

}  // namespace client
}  // namespace pawl
