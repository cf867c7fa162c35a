#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>

#include "broker/app/config.h"

namespace pawl::app {
namespace {

const Setting* find_setting(const std::string& key) {
  const auto table = settings_table();
  const auto found = std::ranges::find(table, key, &Setting::key);
  return found == table.end() ? nullptr : &*found;
}

bool is_section(const std::string& key) {
  return std::ranges::any_of(settings_table(),
                             [&](const Setting& s) { return s.key.starts_with(key + "."); });
}

std::string place(const std::string& name, const toml::source_region& region) {
  return fmt::format("{}:{}:{}", name, region.begin.line, region.begin.column);
}

/// What stands in the file, as one would write it on the command line; nothing when it is of the wrong type.
std::optional<std::string> written(const Setting& setting, const toml::node& node) {
  switch (setting.kind) {
    case Kind::text:
    case Kind::choice:
      return node.value_exact<std::string>();
    case Kind::integer:
    case Kind::bytes:
      if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
      return setting.kind == Kind::bytes ? node.value_exact<std::string>() : std::nullopt;
    case Kind::list: {
      if (const auto word = node.value_exact<std::string>()) return word;
      const toml::array* array = node.as_array();
      if (!array) return std::nullopt;
      std::string text;
      for (const toml::node& item : *array) {
        const auto word = item.value_exact<std::string>();
        if (!word) return std::nullopt;
        text += *word + ",";
      }
      return text;
    }
  }
  return std::nullopt;
}

std::string_view type_of(const Setting& setting) {
  switch (setting.kind) {
    case Kind::text:
    case Kind::choice:
      return "a string";
    case Kind::integer:
      return "a whole number";
    case Kind::bytes:
      return "a whole number, or a string like \"64MiB\",";
    case Kind::list:
      return "a string or an array of strings";
  }
  return "";
}

class Reader {
 public:
  Reader(const std::string& name, Settings& settings) : name_(name), settings_(settings) {}

  std::expected<void, std::string> read(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string path = prefix + std::string(key.str());
      if (auto done = read_entry(path, key, node); !done) return done;
    }
    return {};
  }

 private:
  std::expected<void, std::string> read_entry(const std::string& path, const toml::key& key,
                                              const toml::node& node) {
    const Setting* setting = find_setting(path);
    if (!setting && is_section(path)) {
      if (const toml::table* section = node.as_table()) return read(*section, path + ".");
    }
    if (!setting) return fail(key.source(), path, "there is no such setting (see pawld --help)");
    if (setting->secret) return fail(key.source(), path, "not in a file: use " + variable_of(*setting));
    const auto value = written(*setting, node);
    if (!value) return fail(node.source(), path, fmt::format("{} is needed", type_of(*setting)));
    if (auto done = assign(settings_, *setting, *value); !done)
      return fail(node.source(), path, done.error());
    return {};
  }

  std::expected<void, std::string> fail(const toml::source_region& at, const std::string& path,
                                        const std::string& what) const {
    return std::unexpected(fmt::format("{}: {}: {}", place(name_, at), path, what));
  }

  const std::string& name_;
  Settings& settings_;
};

}  // namespace

std::expected<void, std::string> read_settings_file(const std::string& text, const std::string& name,
                                                    Settings& settings) {
  try {
    const toml::table table = toml::parse(text);
    return Reader(name, settings).read(table, "");
  } catch (const toml::parse_error& error) {
    std::string what{error.description()};
    std::ranges::replace(what, '\n', ' ');
    return std::unexpected(fmt::format("{}: {}", place(name, error.source()), what));
  }
}

}  // namespace pawl::app
