#include "broker/http/request_id.h"

#include <algorithm>
#include <random>
#include <utility>

#include "broker/http/http_meters.h"
#include "broker/http/text.h"

namespace pawl::http {
namespace {

constexpr std::size_t drawn_chars = 8;  // of 5 bits each
// No i, l, o, u: nothing to misread, and no words.
constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
static_assert(digits.size() == 32);

bool is_id_char(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '~' ||
         c == '-';
}

}  // namespace

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= request_id_bytes_max && std::ranges::all_of(text, is_id_char);
}

std::string_view request_id_of(const Head& head) {
  std::string_view found;
  bool seen = false;
  for (const HeadField& field : head.fields) {
    if (!same_letters(field.name, "x-request-id")) continue;
    if (seen) return {};
    seen = true;
    if (is_request_id(field.value)) found = field.value;
  }
  return found;
}

void put_request_id(Response& response, std::string_view id) {
  if (response.content_type != "application/problem+json" || !response.body.ends_with('}')) return;
  response.body.pop_back();
  response.body += ",\"requestId\":\"";
  response.body += id;
  response.body += "\"}";
}

RequestIds::RequestIds() {
  std::random_device random;
  for (std::size_t i = 0; i < drawn_chars; ++i) text_ += digits[random() % digits.size()];
  text_ += '-';
}

std::string RequestIds::next() {
  std::string id = text_;
  const std::size_t first = id.size();
  for (std::uint64_t number = ++made_; number > 0; number /= digits.size())
    id += digits[number % digits.size()];
  std::reverse(id.begin() + static_cast<std::ptrdiff_t>(first), id.end());
  return id;
}

std::string failure_text(Method method, std::string_view route, const Response& response) {
  std::string text(name_of(method));
  text += ' ';
  text += route;
  text += " was answered " + std::to_string(response.status);
  constexpr std::string_view before_type = "{\"type\":\"";  // as append_problem begins
  if (response.body.starts_with(before_type)) {
    const std::string_view rest = std::string_view(response.body).substr(before_type.size());
    text += ' ';
    text += rest.substr(0, rest.find('"'));
  }
  return text;
}

std::optional<std::string> FailureLog::line(std::int64_t seconds, std::string_view id,
                                            std::string_view what) {
  if (seconds != second_) {
    second_ = seconds;
    lines_ = 0;
  }
  if (lines_ == lines_max) {
    ++left_out_;
    return std::nullopt;
  }
  ++lines_;
  std::string line = "request ";
  line += id;
  line += ": ";
  line += what;
  if (left_out_ > 0)
    line += " (and " + std::to_string(std::exchange(left_out_, 0)) + " failed requests before it)";
  return line;
}

}  // namespace pawl::http
