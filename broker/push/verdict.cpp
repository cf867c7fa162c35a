#include "broker/push/verdict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>

#include "broker/http/api/json_reader.h"
#include "client/wire/protocol.h"

namespace pawl::push {
namespace {

using Outcome = core::Settlement::Outcome;

constexpr std::size_t quoted_max = 500;  // of an answer's body, in an error message

bool is_json(std::string_view content_type) {
  const std::string_view media = content_type.substr(0, content_type.find(';'));
  return media.find("/json") != std::string_view::npos || media.find("+json") != std::string_view::npos;
}

/// The body, if it is JSON.
core::Bytes result_of(const Answer& answer) {
  if (!is_json(answer.content_type)) return nullptr;
  http::api::JsonReader reader(answer.body);
  const std::string_view value = reader.skip();
  reader.finish();
  if (reader.error() || value == "null") return nullptr;
  return std::make_shared<const std::string>(value);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, quoted_max)) out += c >= ' ' && c < '\x7f' ? c : ' ';
  return out;
}

// IMF-fixdate (RFC 9110 5.6.7), which is what anybody sends: Sun, 06 Nov 1994 08:49:37 GMT
std::optional<core::Millis> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(26) != "GMT") return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = -1;
    const char* const end = text.data() + at + length;
    const auto [after, error] = std::from_chars(text.data() + at, end, value);
    return error == std::errc{} && after == end ? value : -1;
  };
  const auto month = std::ranges::find(months, text.substr(8, 3));
  const int day = number(5, 2), year = number(12, 4), hour = number(17, 2), minute = number(20, 2),
            second = number(23, 2);
  if (month == months.end() || day < 1 || year < 1970 || hour < 0 || minute < 0 || second < 0)
    return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
      std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days{date}.time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(days).count() +
         ((hour * 60LL + minute) * 60 + second) * 1000;
}

constexpr core::Millis own_wait_least_ms = 60'000;
constexpr core::Millis own_wait_most_ms = 3'600'000;

core::Settlement failed(std::string type, std::string message, bool permanent = false) {
  core::Settlement settlement;
  settlement.outcome = Outcome::fail;
  settlement.error_type = std::move(type);
  settlement.error_message = std::move(message);
  settlement.permanent = permanent;
  return settlement;
}

}  // namespace

std::optional<core::Millis> retry_after_ms(std::string_view value, core::Millis now) {
  if (value.empty()) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc{} && end == value.data() + value.size() && seconds >= 0)
    return std::clamp<core::Millis>(std::min(seconds, wire::delay_ms_max / 1000) * 1000, 1,
                                    wire::delay_ms_max);
  const auto at = parse_http_date(value);
  if (!at) return std::nullopt;
  return std::clamp<core::Millis>(*at - now, 1, wire::delay_ms_max);
}

core::Settlement verdict(const Result& result, const core::Push& push, Receivers receivers,
                         core::Millis now) {
  if (const auto* failure = std::get_if<Failure>(&result)) return failed(failure->type, failure->message);
  const auto& answer = std::get<Answer>(result);
  if (answer.status >= 200 && answer.status < 300) {
    core::Settlement settlement;
    settlement.result = result_of(answer);
    return settlement;
  }
  const bool permanent = std::ranges::find(push.permanent_on, answer.status) != push.permanent_on.end();
  std::optional<core::Millis> wait;
  if (!permanent && (answer.status == 429 || answer.status == 503))
    wait = retry_after_ms(answer.retry_after, now);
  if (wait && receivers == Receivers::one) {
    core::Settlement settlement;
    settlement.outcome = Outcome::rate_limited;
    settlement.retry_after_ms = *wait;
    return settlement;
  }
  std::string message = "answered with status " + std::to_string(answer.status);
  if (!answer.body.empty()) message += ": " + printable(answer.body);
  auto settlement = failed("http-" + std::to_string(answer.status), std::move(message), permanent);
  if (wait) settlement.retry_delay_ms = std::clamp(*wait, own_wait_least_ms, own_wait_most_ms);
  return settlement;
}

}  // namespace pawl::push
