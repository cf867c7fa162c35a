// One run of `pawl`: the broker that it talks to and the screen that it writes on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/cli/failure.h"
#include "client/cli/text/json.h"
#include "client/cli/text/terminal.h"

namespace pawl {
class Client;
}

namespace pawl::cli {

/// What every command takes.
struct Common {
  std::string url;         // --url, PAWL_URL
  std::string token;       // --token, PAWL_TOKEN
  std::string token_file;  // --token-file; wins
  std::string actor;       // --actor, PAWL_ACTOR; else the name that the system gives the user
  bool json = false;
  bool url_given = false;  // on the command line or in the environment
};

/// An answer of the broker that is no refusal.
struct Answer {
  int status = 200;
  std::string text;  // as it came
  Json json;
};

/// Builds the query of a target; empty values are left out.
class Query {
 public:
  Query& add(std::string_view name, std::string_view value);
  Query& add_always(std::string_view name, std::string_view value);  // an empty value too
  std::string text() const { return text_; }                         // with its "?", or empty

 private:
  std::string text_;
};

/// "/jobs/ID" and the like: every part after the first is escaped.
std::string path(std::string_view collection, std::string_view id, std::string_view action = {});

/// Thread: one.
class Session {
 public:
  /// Reads the token file. Connects only when something is asked.
  static Result<Session> open(Common common);
  Session(Session&&) noexcept;
  ~Session();

  Result<Answer> get(std::string_view target) { return call("GET", target, {}); }
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Result<Answer> call(std::string_view method, std::string_view target, std::string body,
                      const Headers& headers = {});

  bool wants_json() const { return common_.json; }
  const Screen& screen() const { return screen_; }
  const std::string& url() const { return common_.url; }
  bool url_given() const { return common_.url_given; }
  const std::string& token() const { return common_.token; }

  /// Prints an answer as it came, for --json.
  static void print_json(const Answer& answer);

 private:
  explicit Session(Common common);
  /// Made at the first call, since a client may have threads.
  Result<Client*> client();

  Common common_;
  Screen screen_;
  std::unique_ptr<Client> client_;
};

}  // namespace pawl::cli
