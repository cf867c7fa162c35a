#include "broker/app/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace pawl::app {
namespace {

constexpr std::int64_t kib = 1024;
constexpr std::int64_t mib = 1024 * kib;
constexpr std::int64_t gib = 1024 * mib;

const std::array table{
    Setting{.key = "data",
            .kind = Kind::text,
            .fallback = "./pawl-data",
            .doc = "The folder that keeps the jobs; made if absent, used by one broker at a time.",
            .field = &Settings::data},
    Setting{.key = "listen",
            .kind = Kind::list,
            .fallback = "127.0.0.1:7711",
            .doc = "ADDRESS:PORT to serve on, one or several; port 0 takes a free one. Beyond loopback a "
                   "token is needed.",
            .field = &Settings::listen},
    Setting{.key = "token-file",
            .kind = Kind::text,
            .fallback = "",
            .doc = "A file that holds the token which every request must carry.",
            .field = &Settings::token_file},
    Setting{.key = "token",
            .kind = Kind::text,
            .fallback = "",
            .doc = "The token itself, instead of a file.",
            .field = &Settings::token,
            .secret = true},
    Setting{.key = "hosts",
            .kind = Kind::list,
            .fallback = "",
            .doc = "Names under which clients may address the broker, beside loopback names and the "
                   "listening address.",
            .field = &Settings::hosts},
    Setting{.key = "origins",
            .kind = Kind::list,
            .fallback = "",
            .doc = "Web origins, beside the broker's own, whose pages may call it.",
            .field = &Settings::origins},
    Setting{.key = "redact",
            .kind = Kind::list,
            .fallback = "",
            .doc =
                "Members of payloads, results and events whose values people do not get to see: names, which "
                "count at any depth (password), and paths (user.card.number). Workers get them.",
            .field = &Settings::redact},
    Setting{.key = "log.level",
            .kind = Kind::choice,
            .fallback = "info",
            .doc = "The least important lines that are logged.",
            .field = &Settings::log_level,
            .choices = "debug|info|warn|error"},
    Setting{.key = "log.format",
            .kind = Kind::choice,
            .fallback = "text",
            .doc = "How the lines on standard error look.",
            .field = &Settings::log_format,
            .choices = "text|json"},
    Setting{.key = "store.memory-bytes",
            .kind = Kind::bytes,
            .fallback = "96MiB",
            .doc = "Memory for the store's cache and write buffers together.",
            .field = &Settings::store_memory_bytes,
            .min = 16 * mib,
            .max = 1024 * gib},
    Setting{.key = "store.free-space-floor-bytes",
            .kind = Kind::bytes,
            .fallback = "64MiB",
            .doc = "With less free space than this on the disk, submits are refused; settling goes on.",
            .field = &Settings::store_free_space_floor_bytes,
            .min = 0,
            .max = 1024 * gib},
    Setting{.key = "engine.inbox-commands",
            .kind = Kind::integer,
            .fallback = "65536",
            .doc = "Commands that may wait for the engine before requests are answered 503.",
            .field = &Settings::engine_inbox_commands,
            .min = 16,
            .max = 10'000'000},
    Setting{.key = "engine.inbox-bytes",
            .kind = Kind::bytes,
            .fallback = "128MiB",
            .doc = "Payload bytes that may wait for the engine before requests are answered 503.",
            .field = &Settings::engine_inbox_bytes,
            .min = mib,
            .max = 64 * gib},
    Setting{.key = "engine.batch-commands",
            .kind = Kind::integer,
            .fallback = "2048",
            .doc = "Most commands that become durable with one write.",
            .field = &Settings::engine_batch_commands,
            .min = 1,
            .max = 100'000},
    Setting{.key = "engine.window-jobs",
            .kind = Kind::integer,
            .fallback = "4096",
            .doc = "Waiting jobs of a queue that are kept in memory; the others wait on disk.",
            .field = &Settings::engine_window_jobs,
            .min = 16,
            .max = 1'000'000},
    Setting{.key = "engine.window-bytes",
            .kind = Kind::bytes,
            .fallback = "8MiB",
            .doc = "Payload bytes of a queue's waiting jobs that are kept in memory.",
            .field = &Settings::engine_window_bytes,
            .min = 64 * kib,
            .max = 16 * gib},
    Setting{.key = "engine.active-bytes",
            .kind = Kind::bytes,
            .fallback = "512MiB",
            .doc = "Payload bytes of running jobs in all; above it nothing more is leased until some settle.",
            .field = &Settings::engine_active_bytes,
            .min = mib,
            .max = 1024 * gib},
    Setting{.key = "engine.events-kept",
            .kind = Kind::integer,
            .fallback = "65536",
            .doc = "Events kept for streams that come back with a Last-Event-ID.",
            .field = &Settings::engine_events_kept,
            .min = 1024,
            .max = 10'000'000},
    Setting{.key = "audit.keep-days",
            .kind = Kind::integer,
            .fallback = "90",
            .doc = "How long the audit log keeps who did what.",
            .field = &Settings::audit_keep_days,
            .min = 1,
            .max = 3650},
    Setting{.key = "engine.queues-max",
            .kind = Kind::integer,
            .fallback = "10000",
            .doc = "Most queues; a submit that would make another one is refused.",
            .field = &Settings::engine_queues_max,
            .min = 1,
            .max = 1'000'000},
    Setting{.key = "http.threads",
            .kind = Kind::integer,
            .fallback = "2",
            .doc = "Threads that read requests and write answers.",
            .field = &Settings::http_threads,
            .min = 1,
            .max = 64},
    Setting{.key = "http.payload-bytes",
            .kind = Kind::bytes,
            .fallback = "1MiB",
            .doc = "Most bytes of one payload or result; more is answered 413.",
            .field = &Settings::http_payload_bytes,
            .min = 1 * kib,
            .max = 16 * mib},
    Setting{.key = "http.batch-bytes",
            .kind = Kind::bytes,
            .fallback = "16MiB",
            .doc = "Most bytes of a request with many jobs or settlements; more is answered 413.",
            .field = &Settings::http_batch_bytes,
            .min = 64 * kib,
            .max = 64 * mib},
    Setting{.key = "http.connections",
            .kind = Kind::integer,
            .fallback = "0",
            .doc = "Most open connections; 0: what the limit of open files leaves.",
            .field = &Settings::http_connections,
            .min = 0,
            .max = 1'000'000},
    Setting{.key = "http.connections-per-address",
            .kind = Kind::integer,
            .fallback = "1000",
            .doc = "Most open connections of one client address.",
            .field = &Settings::http_connections_per_address,
            .min = 1,
            .max = 1'000'000},
    Setting{.key = "http.header-ms",
            .kind = Kind::integer,
            .fallback = "10000",
            .doc = "Time for a request's header to arrive.",
            .field = &Settings::http_header_ms,
            .min = 100,
            .max = 3'600'000},
    Setting{.key = "http.body-ms",
            .kind = Kind::integer,
            .fallback = "30000",
            .doc = "Time for a request's body to arrive.",
            .field = &Settings::http_body_ms,
            .min = 100,
            .max = 3'600'000},
    Setting{.key = "http.idle-ms",
            .kind = Kind::integer,
            .fallback = "60000",
            .doc = "Time that a connection may wait between requests.",
            .field = &Settings::http_idle_ms,
            .min = 100,
            .max = 3'600'000},
    Setting{.key = "http.write-ms",
            .kind = Kind::integer,
            .fallback = "30000",
            .doc = "Time that a client may take no byte of its answer.",
            .field = &Settings::http_write_ms,
            .min = 100,
            .max = 3'600'000},
    Setting{.key = "push.allow",
            .kind = Kind::list,
            .fallback = "",
            .doc =
                "Which hosts push queues may reach: names (hooks.example.com, *.example.com, * for all) and "
                "networks (10.1.0.0/16); addresses that are not public need a network. Empty: none.",
            .field = &Settings::push_allow},
    Setting{.key = "push.ca-file",
            .kind = Kind::text,
            .fallback = "",
            .doc = "PEM file with certificate authorities that pushes over https trust beside the system's.",
            .field = &Settings::push_ca_file},
    Setting{.key = "push.callback-secret",
            .kind = Kind::text,
            .fallback = "",
            .doc = "Signs callbacks: whsec_ and 24 to 64 bytes in base64. Empty: they are not signed.",
            .field = &Settings::push_callback_secret,
            .secret = true},
    Setting{.key = "worker.silence-ms",
            .kind = Kind::integer,
            .fallback = "40000",
            .doc = "A WebSocket from which nothing came for so long is closed; it is pinged at half of it.",
            .field = &Settings::worker_silence_ms,
            .min = 1000,
            .max = 3'600'000},
    Setting{.key = "worker.disconnect-grace-ms",
            .kind = Kind::integer,
            .fallback = "5000",
            .doc = "How long the leases of a worker whose WebSocket closed go on before they are stalled.",
            .field = &Settings::worker_disconnect_grace_ms,
            .min = 0,
            .max = 3'600'000},
    Setting{.key = "stop.grace-ms",
            .kind = Kind::integer,
            .fallback = "5000",
            .doc = "After SIGTERM, how long running jobs may still settle before the broker ends; leases "
                   "outlive it.",
            .field = &Settings::stop_grace_ms,
            .min = 0,
            .max = 3'600'000},
};

std::string dashed(std::string_view key) {
  std::string text{key};
  for (char& c : text) {
    if (c == '.') c = '-';
  }
  return text;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

std::optional<std::int64_t> parse_integer(std::string_view text, bool with_unit) {
  std::int64_t unit = 1;
  if (with_unit) {
    for (const auto& [suffix, size] : {std::pair{"KiB", kib}, {"MiB", mib}, {"GiB", gib}}) {
      if (text.ends_with(suffix)) {
        unit = size;
        text.remove_suffix(3);
        while (text.ends_with(' ')) text.remove_suffix(1);
        break;
      }
    }
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  std::int64_t product = 0;
  if (__builtin_mul_overflow(value, unit, &product)) return std::nullopt;
  return product;
}

std::string with_unit(std::int64_t bytes) {
  if (bytes >= gib && bytes % gib == 0) return fmt::format("{}GiB", bytes / gib);
  if (bytes >= mib && bytes % mib == 0) return fmt::format("{}MiB", bytes / mib);
  if (bytes >= kib && bytes % kib == 0) return fmt::format("{}KiB", bytes / kib);
  return fmt::format("{}", bytes);
}

}  // namespace

std::span<const Setting> settings_table() { return table; }

std::string flag_of(const Setting& setting) { return "--" + dashed(setting.key); }

std::string variable_of(const Setting& setting) {
  std::string name = "PAWL_" + dashed(setting.key);
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string range_of(const Setting& setting) {
  switch (setting.kind) {
    case Kind::integer:
      return fmt::format("{}…{}", setting.min, setting.max);
    case Kind::bytes:
      return fmt::format("{}…{}", with_unit(setting.min), with_unit(setting.max));
    case Kind::choice:
      return fmt::format("{}", fmt::join(split(setting.choices, '|'), ", "));
    case Kind::text:
    case Kind::list:
      break;
  }
  return {};
}

Settings default_settings() {
  Settings settings;
  for (const Setting& setting : table) {
    // A default that its own row refuses is a bug that every start would show.
    assign(settings, setting, setting.fallback).value();
  }
  return settings;
}

std::expected<void, std::string> assign(Settings& settings, const Setting& setting,
                                        std::string_view written) {
  switch (setting.kind) {
    case Kind::text:
      if (written.find('\0') != written.npos) return std::unexpected("a NUL is not allowed");
      settings.*std::get<std::string Settings::*>(setting.field) = written;
      return {};
    case Kind::list:
      settings.*std::get<std::vector<std::string> Settings::*>(setting.field) = split(written, ',');
      return {};
    case Kind::choice:
      for (const std::string& choice : split(setting.choices, '|')) {
        if (choice != written) continue;
        settings.*std::get<std::string Settings::*>(setting.field) = choice;
        return {};
      }
      return std::unexpected(fmt::format("must be one of {}", range_of(setting)));
    case Kind::integer:
    case Kind::bytes: {
      const auto value = parse_integer(written, setting.kind == Kind::bytes);
      if (!value || *value < setting.min || *value > setting.max) {
        return std::unexpected(fmt::format(
            "must be a whole number{} in {}",
            setting.kind == Kind::bytes ? " of bytes (KiB, MiB and GiB are known)" : "", range_of(setting)));
      }
      settings.*std::get<std::int64_t Settings::*>(setting.field) = *value;
      return {};
    }
  }
  return {};
}

}  // namespace pawl::app
