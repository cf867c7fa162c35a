// Every setting of pawld, in one table: flags, environment, file, --help and docs/OPERATIONS.md all follow
// it.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pawl::app {

/// The values, after flag > environment > file > default. Value type.
struct Settings {
  std::string data;
  std::vector<std::string> listen;
  std::string token_file;
  std::string token;
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  std::vector<std::string> redact;

  std::string log_level;
  std::string log_format;

  std::int64_t store_memory_bytes = 0;
  std::int64_t store_free_space_floor_bytes = 0;

  std::int64_t engine_inbox_commands = 0;
  std::int64_t engine_inbox_bytes = 0;
  std::int64_t engine_batch_commands = 0;
  std::int64_t engine_window_jobs = 0;
  std::int64_t engine_window_bytes = 0;
  std::int64_t engine_active_bytes = 0;
  std::int64_t engine_events_kept = 0;
  std::int64_t engine_queues_max = 0;
  std::int64_t audit_keep_days = 0;

  std::int64_t http_threads = 0;
  std::int64_t http_payload_bytes = 0;
  std::int64_t http_batch_bytes = 0;
  std::int64_t http_connections = 0;
  std::int64_t http_connections_per_address = 0;
  std::int64_t http_header_ms = 0;
  std::int64_t http_body_ms = 0;
  std::int64_t http_idle_ms = 0;
  std::int64_t http_write_ms = 0;

  std::vector<std::string> push_allow;
  std::string push_ca_file;
  std::string push_callback_secret;

  std::int64_t worker_silence_ms = 0;
  std::int64_t worker_disconnect_grace_ms = 0;
  std::int64_t stop_grace_ms = 0;
};

/// What a value must look like.
enum class Kind : std::uint8_t {
  text,
  list,     // texts; separated by commas where only a text can be written
  choice,   // one of Setting::choices
  integer,  // Setting::min…max
  bytes,    // the same, also with KiB, MiB or GiB behind it
};

/// One row of the table.
struct Setting {
  /// The name in the file: `log.level` is `level` under `[log]`. The flag is --log-level, the variable
  /// PAWL_LOG_LEVEL.
  std::string_view key;
  Kind kind = Kind::text;
  std::string_view fallback;  // the default, as one would write it
  std::string_view doc;       // one sentence
  std::variant<std::string Settings::*, std::int64_t Settings::*, std::vector<std::string> Settings::*> field;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string_view choices = {};  // "a|b|c"
  bool secret = false;            // taken from the environment alone: flags and files are seen by others
};

/// The table. Keys are unique.
std::span<const Setting> settings_table();

std::string flag_of(const Setting& setting);      // "--log-level"
std::string variable_of(const Setting& setting);  // "PAWL_LOG_LEVEL"
/// "1…64", "a, b or c", …; empty when anything goes.
std::string range_of(const Setting& setting);

/// Every setting at its default.
Settings default_settings();

/// Puts a written value into its field, or says in one sentence what is wrong with it.
std::expected<void, std::string> assign(Settings& settings, const Setting& setting, std::string_view written);

}  // namespace pawl::app
