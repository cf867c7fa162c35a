// Where settings come from: flag > environment > file > default.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/app/settings.h"

namespace pawl::app {

/// Looks a variable up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// What the command line asked for instead of serving: print this and end well.
struct PrintAndExit {
  std::string text;
};
using Configuration = std::variant<Settings, PrintAndExit>;

/// Reads the command line (without the program's name), the environment and the file that --config or
/// PAWL_CONFIG names. The error is one line that names the setting and where the value came from; a file's
/// also line and column.
std::expected<Configuration, std::string> configure(const std::vector<std::string>& arguments,
                                                    const Environment& environment);

/// The values of a TOML file into `settings`. `name` stands for the file in errors.
std::expected<void, std::string> read_settings_file(const std::string& text, const std::string& name,
                                                    Settings& settings);

}  // namespace pawl::app
