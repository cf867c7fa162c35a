#include "client/cli/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <pawl/client.hpp>
#include <sstream>

#include "client/cli/problem.h"

namespace pawl::cli {
namespace {

constexpr std::size_t token_bytes_max = 4096;

Result<std::string> read_token(const std::string& file) {
  std::ifstream stream{file};
  std::string token;
  if (!stream || !std::getline(stream, token)) {
    return misuse(fmt::format("cannot read the token file {}: {}", file,
                              errno != 0 ? std::strerror(errno) : "it is empty"));
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty() || token.size() > token_bytes_max) {
    return misuse(fmt::format("the token file {} must hold the token in its first line", file));
  }
  return token;
}

}  // namespace

Query& Query::add(std::string_view name, std::string_view value) {
  return value.empty() ? *this : add_always(name, value);
}

Query& Query::add_always(std::string_view name, std::string_view value) {
  text_.append(text_.empty() ? "?" : "&").append(name).append("=").append(url_escape(value));
  return *this;
}

std::string path(std::string_view collection, std::string_view id, std::string_view action) {
  std::string target = "/";
  target.append(collection).append("/").append(url_escape(id));
  if (!action.empty()) target.append("/").append(action);
  return target;
}

Result<Session> Session::open(Common common) {
  if (common.actor.empty()) {
    const char* const user = std::getenv("USER");
    common.actor = user != nullptr ? user : "";
  }
  if (!common.token_file.empty()) {
    auto token = read_token(common.token_file);
    if (!token) return std::unexpected(token.error());
    common.token = std::move(*token);
  }
  return Session{std::move(common)};
}

Result<Client*> Session::client() {
  if (client_) return client_.get();
  try {
    ClientOptions options;
    options.url = common_.url;
    options.token = common_.token;
    // A person waits in front of this: say at once what is wrong instead of trying on.
    options.retry_for = milliseconds{0};
    options.request_timeout = milliseconds{60'000};
    options.pool_size = 1;
    client_ = std::make_unique<Client>(options);
  } catch (const Exception& error) {
    return std::unexpected(failure_of(error.error(), url()));
  }
  return client_.get();
}

Session::Session(Common common) : common_(std::move(common)), screen_(Screen::of(1)) {}
Session::Session(Session&&) noexcept = default;
Session::~Session() = default;

Result<Answer> Session::call(std::string_view method, std::string_view target, std::string body,
                             const Headers& headers) {
  const auto client = this->client();
  if (!client) return std::unexpected(client.error());
  Headers all = headers;
  if (method != "GET" && !common_.actor.empty()) all.emplace_back("X-Pawl-Actor", common_.actor);
  auto response = (*client)->try_request(method, target, std::move(body), all);
  if (!response) return std::unexpected(failure_of(response.error(), url()));
  if (!response->ok()) return std::unexpected(failure_of(to_error(*response), url()));
  Answer answer;
  answer.status = response->status;
  answer.text = std::move(response->text);
  if (!answer.text.empty()) {
    auto json = Json::parse(answer.text);
    if (!json) {
      return refused(fmt::format("{} answered with something that is not JSON: {}", url(), json.error()),
                     {"Is it really a Pawl broker? Set its address with --url or PAWL_URL."});
    }
    answer.json = std::move(*json);
  }
  return answer;
}

void Session::print_json(const Answer& answer) {
  print(answer.text.empty() ? "{}\n" : answer.text.ends_with('\n') ? answer.text : answer.text + "\n");
}

}  // namespace pawl::cli
