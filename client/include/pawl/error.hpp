// How libpawl says that something did not work.
#pragma once

#include <chrono>
#include <expected>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace pawl {

/// What a caller can do about an error; finer grain is in Error::type.
enum class ErrorKind {
  usage,         // this program asked for something that cannot be: a bad URL, text that is not JSON
  connection,    // the broker could not be reached, or the connection broke
  timeout,       // no answer in time; what was asked may have happened
  invalid,       // the broker found wrong fields (400, 415, 422): see Error::errors
  unauthorized,  // a missing or wrong token (401, 403)
  not_found,     // no such job, queue or path (404, 405)
  conflict,      // not in this state (409, 412): a lost lease, a job that has ended
  too_large,     // over a limit of the broker (413, 414, 431)
  unavailable,   // busy or starting (429, 503): again after Error::retry_after
  storage_full,  // the broker's disk is full (507)
  broker,        // the broker failed (any other 5xx), or answered what this library does not understand
};

/// One field that the broker did not accept.
struct FieldError {
  std::string pointer;  // JSON Pointer into what was sent, such as "/priority"
  std::string detail;   // what is wrong with it
};

/// A failure as a value. Everything that the broker's problem+json says is kept.
struct Error {
  ErrorKind kind = ErrorKind::broker;
  int status = 0;                           // HTTP status; 0 when there was no answer
  std::string type;                         // "urn:pawl:error:lease-lost"…; empty when there was no answer
  std::string title;                        // short, the same for every error of this type
  std::string detail;                       // one sentence about this error
  std::vector<FieldError> errors;           // one for every wrong field
  std::chrono::milliseconds retry_after{};  // what the broker asked for; 0 when it did not
  std::string job_id;                       // whom it is about, as who holds the key; or empty
  std::string request_id;                   // names this request in the broker's log; empty: not told

  /// One line for people: the detail, and each wrong field with its pointer.
  std::string text() const;
};

/// The value, or why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// What the throwing forms throw. `what()` is error().text().
class Exception : public std::runtime_error {
 public:
  explicit Exception(Error error);
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// The value of a Result. Throws Exception when there is none.
template <class T>
T value_or_throw(Result<T>&& result) {
  if (!result) throw Exception(std::move(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace pawl
