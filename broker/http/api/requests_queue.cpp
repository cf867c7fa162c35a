#include <algorithm>
#include <memory>

#include "broker/http/api/job_fields.h"
#include "broker/http/api/payload_value.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

constexpr std::int64_t ageing_max = 366LL * 86'400'000;

/// null clears the setting; anything else is read and set.
template <typename T, typename Read>
void read_setting(Input& in, std::optional<std::optional<T>>& setting, Read&& read) {
  setting.emplace();
  if (!take_null(in)) read(setting->emplace());
}

template <typename T>
void read_integer_setting(Input& in, const Where& at, std::int64_t min, std::int64_t max,
                          std::optional<std::optional<T>>& setting) {
  read_setting(in, setting, [&](T& value) {
    std::int64_t number = 0;
    read_integer(in, at, min, max, number);
    value = static_cast<T>(number);
  });
}

using core::PutQueue;
using F = Field<PutQueue>;

constexpr std::array default_fields{
    F{"priority",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, wire::priority_min, wire::priority_max, put.priority);
      }},
    F{"maxAttempts",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, 1, wire::attempts_max, put.max_attempts);
      }},
    F{"maxStalls", [](Input& in, const Where& at,
                      PutQueue& put) { read_integer_setting(in, at, 0, wire::stalls_max, put.max_stalls); }},
    F{"backoff",
      [](Input& in, const Where& at, PutQueue& put) {
        read_setting(in, put.backoff, [&](core::Backoff& backoff) { read_backoff(in, at, backoff); });
      }},
    F{"leaseMs",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, wire::lease_ms_min, wire::lease_ms_max, put.lease_ms);
      }},
    F{"timeoutMs",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, 1, wire::timeout_ms_max, put.timeout_ms);
      }},
    F{"retention", [](Input& in, const Where& at, PutQueue& put) {
        read_setting(in, put.retention,
                     [&](core::Retention& retention) { read_retention(in, at, retention); });
      }}};

}  // namespace

void read_rate_limit(Input& in, const Where& at, core::RateLimit& out) {
  constexpr std::int64_t per_ms_max = 366LL * 86'400'000;
  using R = Field<core::RateLimit>;
  static constexpr std::array fields{R{"max",
                                       [](Input& i, const Where& w, core::RateLimit& limit) {
                                         std::int64_t max = limit.max;
                                         read_integer(i, w, 1, starts_max, max);
                                         limit.max = static_cast<std::uint32_t>(max);
                                       },
                                       true},
                                     R{"perMs",
                                       [](Input& i, const Where& w, core::RateLimit& limit) {
                                         read_integer(i, w, 1, per_ms_max, limit.per_ms);
                                       },
                                       true},
                                     R{"burst", [](Input& i, const Where& w, core::RateLimit& limit) {
                                         std::int64_t burst = 0;
                                         if (!take_null(i)) read_integer(i, w, 1, starts_max, burst);
                                         limit.burst = static_cast<std::uint32_t>(burst);
                                       }}};
  read_object(in, at, fields, out);
  if (out.burst > out.max) in.wrong(at.member("burst"), "must not be more than max");
}

namespace {

void read_on_failure(Input& in, const Where& at, PutQueue& put) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (text != "block" && text != "skip") return in.wrong(at, "must be block or skip");
  put.skip_failed = text == "skip";
}

constexpr std::size_t searchable_max = 8;

void read_searchable(Input& in, const Where& at, PutQueue& put) {
  std::vector<std::string>& paths = put.searchable.emplace();
  if (take_null(in)) return;
  read_array(in, at, 0, searchable_max, [&](const Where& item) {
    std::string path;
    read_free_text(in, item, 256, path);
    if (!is_payload_path(path)) {
      in.wrong(item,
               "must be a path such as user.id: up to 8 member names joined by dots, 128 bytes at most");
    } else if (std::ranges::find(paths, path) != paths.end()) {
      in.wrong(item, "is given twice");
    } else {
      paths.push_back(std::move(path));
    }
  });
}

bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// Those that say how the request is cut, or that the broker sets.
bool is_own_header(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  constexpr std::array own{
      "host",       "content-length",    "transfer-encoding", "connection",       "te",
      "upgrade",    "trailer",           "keep-alive",        "proxy-connection", "expect",
      "webhook-id", "webhook-timestamp", "webhook-signature", "traceparent"};
  return std::ranges::find(own, lower) != own.end() || lower.starts_with("pawl-");
}

void read_push_headers(Input& in, const Where& at, core::Push& push) {
  if (take_null(in) || !expect(in, at, JsonKind::object)) return;
  in.json.enter();
  while (in.json.next_member()) {
    const std::string name(in.json.key());
    const Where here = at.member(name);
    std::string value;
    read_whole_text(in, here, 4096, value);
    if (!is_header_name(name)) in.wrong(here, "is no name of a header");
    if (is_own_header(name)) in.wrong(here, "is a header that the broker sets itself");
    const bool plain =
        std::ranges::all_of(value, [](char c) { return (c >= ' ' && c < '\x7f') || c == '\t'; });
    if (!plain) in.wrong(here, "must be printable ASCII, without line ends");
    push.headers.emplace_back(name, std::move(value));
  }
  if (push.headers.size() > core::push_headers_max) in.wrong(at, "must have at most 32 members");
}

void read_permanent_on(Input& in, const Where& at, core::Push& push) {
  if (take_null(in)) return;
  read_array(in, at, 0, 200, [&](const Where& item) {
    std::int64_t status = 0;
    read_integer(in, item, 300, 599, status);
    push.permanent_on.push_back(static_cast<std::uint16_t>(status));
  });
}

void read_push(Input& in, const Where& at, core::Push& push) {
  using P = Field<core::Push>;
  static constexpr std::array fields{
      P{"url", [](Input& i, const Where& w, core::Push& p) { read_whole_text(i, w, 2048, p.url); }, true},
      P{"headers", read_push_headers},
      P{"timeoutMs",
        [](Input& i, const Where& w, core::Push& p) { read_integer(i, w, 100, 3'600'000, p.timeout_ms); }},
      P{"maxConcurrency",
        [](Input& i, const Where& w, core::Push& p) {
          std::int64_t most = p.max_concurrency;
          read_integer(i, w, 1, 1000, most);
          p.max_concurrency = static_cast<std::uint32_t>(most);
        }},
      P{"secret",
        [](Input& i, const Where& w, core::Push& p) {
          if (!take_null(i)) read_whole_text(i, w, 256, p.secret);
        }},
      P{"permanentOn", read_permanent_on},
      P{"body",
        [](Input& i, const Where& w, core::Push& p) { read_word(i, w, core::push_body_names, p.body); }}};
  read_object(in, at, fields, push);
}

constexpr std::array put_queue_fields{
    F{"searchable", read_searchable},
    F{"callback",
      [](Input& in, const Where& at, PutQueue& put) {
        put.callback.emplace();
        if (take_null(in)) return;
        auto callback = std::make_shared<core::Callback>();
        read_callback_target(in, at, *callback);
        *put.callback = std::move(callback);
      }},
    F{"push",
      [](Input& in, const Where& at, PutQueue& put) {
        put.push.emplace();
        if (take_null(in)) return;
        auto push = std::make_shared<core::Push>();
        read_push(in, at, *push);
        *put.push = std::move(push);
      }},
    F{"maxConcurrency",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, 1, starts_max, put.max_concurrency);
      }},
    F{"rateLimit",
      [](Input& in, const Where& at, PutQueue& put) {
        read_setting(in, put.rate_limit, [&](core::RateLimit& limit) { read_rate_limit(in, at, limit); });
      }},
    F{"groupConcurrency",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, 1, starts_max, put.group_concurrency);
      }},
    F{"groupRateLimit",
      [](Input& in, const Where& at, PutQueue& put) {
        read_setting(in, put.group_rate_limit,
                     [&](core::RateLimit& limit) { read_rate_limit(in, at, limit); });
      }},
    F{"priorityAgeingMs",
      [](Input& in, const Where& at, PutQueue& put) {
        read_integer_setting(in, at, 1, ageing_max, put.priority_ageing_ms);
      }},
    F{"onOrderedFailure", read_on_failure},
    F{"paused",
      [](Input& in, const Where& at, PutQueue& put) { read_boolean(in, at, put.paused.emplace(false)); }},
    F{"pauseReason",
      [](Input& in, const Where& at, PutQueue& put) {
        std::string& reason = put.pause_reason.emplace();
        if (!take_null(in)) read_label(in, at, reason);
      }},
    F{"defaults",
      [](Input& in, const Where& at, PutQueue& put) { read_object(in, at, default_fields, put); }}};

struct ChoiceDraft {
  DeadLetterChoice choice;
  bool all = false;
};
using C = Field<ChoiceDraft>;
enum ChoiceMember : std::size_t { job_ids, all };
constexpr std::array choice_fields{
    C{"jobIds",
      [](Input& in, const Where& at, ChoiceDraft& draft) {
        read_array(in, at, 1, wire::replay_ids_max,
                   [&](const Where& item) { read_job_id(in, item, draft.choice.ids.emplace_back()); });
      }},
    C{"all", [](Input& in, const Where& at, ChoiceDraft& draft) { read_boolean(in, at, draft.all); }},
    C{"name",
      [](Input& in, const Where& at, ChoiceDraft& draft) { read_name(in, at, draft.choice.name.emplace()); }},
    C{"errorType", [](Input& in, const Where& at,
                      ChoiceDraft& draft) { read_label(in, at, draft.choice.error_type.emplace()); }},
    C{"perSecond",
      [](Input& in, const Where& at, ChoiceDraft& draft) {
        read_number(in, at, 0.001, 1'000'000, draft.choice.per_second);
      }},
    C{"fingerprint", [](Input& in, const Where& at, ChoiceDraft& draft) {
        read_fingerprint(in, at, draft.choice.fingerprint.emplace());
      }}};

constexpr std::int64_t canary_max = 1000;
constexpr std::array replay_fields = [] {
  constexpr std::array more{
      C{"canary", [](Input& in, const Where& at,
                     ChoiceDraft& draft) { read_integer(in, at, 1, canary_max, draft.choice.canary); }},
      C{"stopOnFailureRate",
        [](Input& in, const Where& at, ChoiceDraft& draft) {
          read_number(in, at, 0, 1, draft.choice.stop_on_failure_rate.emplace());
        }},
      C{"into", [](Input& in, const Where& at, ChoiceDraft& draft) {
          if (!take_null(in)) read_name(in, at, draft.choice.into);
        }}};
  std::array<C, choice_fields.size() + more.size()> fields{};
  std::ranges::copy(more, std::ranges::copy(choice_fields, fields.begin()).out);
  return fields;
}();

template <std::size_t count>
void read_choice(Input& in, const Where& at, const std::array<C, count>& fields, ChoiceDraft& draft) {
  std::bitset<count> seen;
  read_object(in, at, fields, draft, &seen);
  if (in.json.error()) return;
  if (seen[job_ids]) {
    for (std::size_t i = all; i < count; ++i) {
      if (seen[i] && fields[i].name != "into") in.wrong(at.member(fields[i].name), "excludes jobIds");
    }
  } else if (!seen[all]) {
    in.wrong(at.member("jobIds"), "is required, unless \"all\" is true");
  } else if (!draft.all) {
    in.wrong(at.member("all"), "must be true, or be left out beside jobIds");
  }
}

}  // namespace

Parsed<core::PutQueue> read_put_queue(std::string_view body, std::string queue, const Limits& limits) {
  auto put = read_document<PutQueue>(body, limits, [](Input& in, const Where& at, PutQueue& out) {
    read_object(in, at, put_queue_fields, out);
  });
  if (put) put->name = std::move(queue);
  return put;
}

Parsed<core::PutLimit> read_put_limit(std::string_view body, std::string name, const Limits& limits) {
  using L = Field<core::PutLimit>;
  static constexpr std::array fields{L{"concurrency",
                                       [](Input& in, const Where& at, core::PutLimit& put) {
                                         if (!take_null(in))
                                           read_optional_integer(in, at, 1, starts_max, put.concurrency);
                                       }},
                                     L{"rate", [](Input& in, const Where& at, core::PutLimit& put) {
                                         if (!take_null(in)) read_rate_limit(in, at, put.rate.emplace());
                                       }}};
  auto put = read_document<core::PutLimit>(body, limits, [](Input& in, const Where& at, core::PutLimit& out) {
    read_object(in, at, fields, out);
    if (!out.concurrency && !out.rate && in.clean() && !in.json.error())
      in.wrong(at, "must have concurrency, rate, or both");
  });
  if (put) put->name = std::move(name);
  return put;
}

Parsed<std::optional<std::string>> read_pause(std::string_view body, const Limits& limits) {
  using Reason = std::optional<std::string>;
  if (body.empty()) return Reason{};
  static constexpr std::array fields{Field<Reason>{"reason", [](Input& in, const Where& at, Reason& reason) {
                                                     if (!take_null(in)) read_label(in, at, reason.emplace());
                                                   }}};
  return read_document<Reason>(
      body, limits, [](Input& in, const Where& at, Reason& out) { read_object(in, at, fields, out); });
}

Parsed<core::PauseGroup> read_pause_group(std::string_view body, bool paused, const Limits& limits) {
  using P = Field<core::PauseGroup>;
  static constexpr P group{
      "group", [](Input& in, const Where& at, core::PauseGroup& pause) { read_label(in, at, pause.group); }};
  static constexpr P reason{"reason", [](Input& in, const Where& at, core::PauseGroup& pause) {
                              if (!take_null(in)) read_label(in, at, pause.reason);
                            }};
  static constexpr std::array to_pause{group, reason};
  static constexpr std::array to_resume{group};
  return read_document<core::PauseGroup>(body, limits,
                                         [paused](Input& in, const Where& at, core::PauseGroup& pause) {
                                           pause.paused = paused;
                                           if (paused)
                                             read_object(in, at, to_pause, pause);
                                           else
                                             read_object(in, at, to_resume, pause);
                                           if (pause.group.empty() && in.clean() && !in.json.error())
                                             in.wrong(at, "must have group: which one");
                                         });
}

Parsed<void> read_nothing(std::string_view body, const Limits& limits) {
  if (body.empty()) return {};
  struct Nothing {};
  static constexpr std::array<Field<Nothing>, 0> fields{};
  auto nothing = read_document<Nothing>(
      body, limits, [](Input& in, const Where& at, Nothing& out) { read_object(in, at, fields, out); });
  if (!nothing) return std::unexpected(std::move(nothing.error()));
  return {};
}

Parsed<DeadLetterChoice> read_dead_letter_choice(std::string_view body, bool purge, const Limits& limits) {
  if (body.empty() && purge) return DeadLetterChoice{};
  auto draft =
      read_document<ChoiceDraft>(body, limits, [purge](Input& in, const Where& at, ChoiceDraft& out) {
        if (purge)
          read_choice(in, at, choice_fields, out);
        else
          read_choice(in, at, replay_fields, out);
      });
  if (!draft) return std::unexpected(std::move(draft.error()));
  return std::move(draft->choice);
}

}  // namespace pawl::http::api
