#include "broker/app/config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>

#include "broker/app/text_file.h"

namespace pawl::app {
namespace {

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string description_of(const Setting& setting) {
  std::string text{setting.doc};
  if (const std::string range = range_of(setting); !range.empty()) text += fmt::format(" {}.", range);
  if (!setting.fallback.empty()) text += fmt::format(" Default {}.", setting.fallback);
  return text + fmt::format(" [{}]", variable_of(setting));
}

std::string footer() {
  std::string text =
      "Every option can also be given by the variable in brackets, or in the TOML file that --config names\n"
      "(--log-level is `level` under `[log]`). A flag wins over the environment, that over the file.\n"
      "Only in the environment:";
  for (const Setting& setting : settings_table()) {
    if (setting.secret) text += fmt::format(" {} ({})", variable_of(setting), setting.doc);
  }
  return text;
}

struct CommandLine {
  std::map<std::string_view, std::string> given;  // by key
  std::optional<std::string> config;
};

std::expected<std::variant<CommandLine, PrintAndExit>, std::string> parse_flags(
    std::vector<std::string> arguments) {
  CommandLine line;
  std::string config;
  std::map<std::string_view, std::string> values;
  CLI::App app{"pawld, the Pawl job broker. Without any option it serves on 127.0.0.1:7711 from ./pawl-data.",
               "pawld"};
  app.set_version_flag("--version", "pawld " PAWL_VERSION);
  app.footer(footer());
  app.get_formatter()->column_width(36);
  const CLI::Option* config_option =
      app.add_option("--config", config, "A TOML file of settings. [PAWL_CONFIG]")->type_name("FILE");
  std::map<std::string_view, const CLI::Option*> options;
  for (const Setting& setting : settings_table()) {
    if (setting.secret) continue;
    options[setting.key] = app.add_option(flag_of(setting), values[setting.key], description_of(setting))
                               ->type_name("")
                               ->take_last();
  }
  try {
    std::ranges::reverse(arguments);  // CLI11 takes them from the back
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return PrintAndExit{app.help()};
  } catch (const CLI::CallForVersion&) {
    return PrintAndExit{"pawld " PAWL_VERSION "\n"};
  } catch (const CLI::ParseError& error) {
    return std::unexpected(fmt::format("{} (see pawld --help)", one_line(error.what())));
  }
  for (const auto& [key, option] : options) {
    if (option->count() > 0) line.given[key] = values[key];
  }
  if (config_option->count() > 0) line.config = config;
  return line;
}

std::expected<void, std::string> put(Settings& settings, const Setting& setting, const std::string& value,
                                     const std::string& source) {
  if (auto done = assign(settings, setting, value); !done) {
    const std::string shown = setting.secret ? "" : fmt::format(" \"{}\"", one_line(value));
    return std::unexpected(fmt::format("{}:{} {} (from {})", setting.key, shown, done.error(), source));
  }
  return {};
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::expected<Configuration, std::string> configure(const std::vector<std::string>& arguments,
                                                    const Environment& environment) {
  auto parsed = parse_flags(arguments);
  if (!parsed) return std::unexpected(parsed.error());
  if (auto* print = std::get_if<PrintAndExit>(&*parsed)) return *print;
  const auto& flags = std::get<CommandLine>(*parsed);

  Settings settings = default_settings();
  const std::optional<std::string> path = flags.config ? flags.config : environment("PAWL_CONFIG");
  if (path && !path->empty()) {
    const auto text = read_text_file(*path);
    if (!text) return std::unexpected(fmt::format("config: {} cannot be read: {}", *path, text.error()));
    if (auto done = read_settings_file(*text, *path, settings); !done) return std::unexpected(done.error());
  }
  for (const Setting& setting : settings_table()) {
    if (const auto value = environment(variable_of(setting))) {
      if (auto done = put(settings, setting, *value, variable_of(setting)); !done)
        return std::unexpected(done.error());
    }
    if (const auto flag = flags.given.find(setting.key); flag != flags.given.end()) {
      if (auto done = put(settings, setting, flag->second, flag_of(setting)); !done)
        return std::unexpected(done.error());
    }
  }
  return settings;
}

}  // namespace pawl::app
