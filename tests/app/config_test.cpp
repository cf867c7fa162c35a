#include "broker/app/config.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

namespace pawl::app {
namespace {

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = testing::TempDir() + "pawl-config-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& text) {
    const std::string path = folder_ / "pawl.toml";
    std::ofstream(path) << text;
    return path;
  }
  auto read(const std::vector<std::string>& arguments,
            const std::map<std::string, std::string>& variables = {}) {
    return configure(arguments, [variables](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
  }
  Settings settings(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& variables = {}) {
    const auto configuration = read(arguments, variables);
    EXPECT_TRUE(configuration.has_value()) << configuration.error();
    return std::get<Settings>(*configuration);
  }
  std::string error(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& variables = {}) {
    const auto configuration = read(arguments, variables);
    EXPECT_FALSE(configuration.has_value());
    if (configuration) return {};
    EXPECT_EQ(std::ranges::count(configuration.error(), '\n'), 0) << configuration.error();
    return configuration.error();
  }
  void expect_file_error(const std::string& text, const std::string& at, const std::string& part) {
    const std::string path = file(text);
    const std::string found = error({"--config", path});
    EXPECT_TRUE(found.starts_with(path + at)) << found;
    EXPECT_NE(found.find(part), std::string::npos) << found;
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string path = file("data = \"/from/file\"\n[log]\nlevel = \"error\"\n");
  EXPECT_EQ(settings({}).data, "./pawl-data");
  EXPECT_EQ(settings({"--config", path}).data, "/from/file");
  EXPECT_EQ(settings({"--config", path}, {{"PAWL_DATA", "/from/environment"}}).data, "/from/environment");
  EXPECT_EQ(settings({"--config", path, "--data", "/from/flag"}, {{"PAWL_DATA", "/from/environment"}}).data,
            "/from/flag");
  EXPECT_EQ(settings({}, {{"PAWL_CONFIG", path}}).log_level, "error");
}

TEST_F(ConfigTest, EverySettingIsTakenFromFlagEnvironmentAndFile) {
  for (const Setting& setting : settings_table()) {
    if (setting.fallback.empty()) continue;
    const std::string value(setting.fallback);
    EXPECT_TRUE(read({}, {{variable_of(setting), value}}).has_value()) << setting.key;
    EXPECT_TRUE(read({flag_of(setting), value}).has_value()) << setting.key;
    const bool bare = setting.kind == Kind::integer;
    const std::string path =
        file(std::string(setting.key) + " = " + (bare ? value : "\"" + value + "\"") + "\n");
    EXPECT_TRUE(read({"--config", path}).has_value()) << setting.key;
  }
}

TEST_F(ConfigTest, ErrorsInTheFileNameLineAndColumn) {
  expect_file_error("data = \"/x\"\nlisten = 7711\n",
                    ":2:10:", "listen: a string or an array of strings is needed");
  expect_file_error("\nlissten = \"x\"\n", ":2:1:", "lissten: there is no such setting");
  expect_file_error("[log]\ncolour = true\n", ":2:1:", "log.colour: there is no such setting");
  expect_file_error("[logs]\nlevel = \"info\"\n", ":1:", "logs: there is no such setting");
  expect_file_error("data = \n", ":1:", "");
  expect_file_error("[log]\nlevel = \"loud\"\n",
                    ":2:9:", "log.level: must be one of debug, info, warn, error");
  expect_file_error("[engine]\nqueues-max = 0\n", ":2:14:", "engine.queues-max: must be");
  expect_file_error("[engine]\nqueues-max = 1.5\n", ":2:14:", "engine.queues-max: a whole number is needed");
  expect_file_error("hosts = [\"a\", 1]\n", ":1:9:", "hosts: a string or an array of strings is needed");
  expect_file_error("token = \"secret\"\n", ":1:1:", "token: not in a file: use PAWL_TOKEN");
  expect_file_error("data = \"a\"\ndata = \"b\"\n", ":2:", "");
  expect_file_error("log = \"info\"\n", ":1:1:", "log: there is no such setting");
}

TEST_F(ConfigTest, ErrorsElsewhereNameTheSettingAndItsSource) {
  EXPECT_NE(error({"--log-level", "loud"}).find("log.level: \"loud\" must be one of"), std::string::npos);
  EXPECT_NE(error({"--log-level", "loud"}).find("(from --log-level)"), std::string::npos);
  EXPECT_NE(error({}, {{"PAWL_HTTP_THREADS", "0"}}).find("(from PAWL_HTTP_THREADS)"), std::string::npos);
  EXPECT_NE(error({"--no-such-flag"}).find("--no-such-flag"), std::string::npos);
  EXPECT_NE(error({"serve"}).find("serve"), std::string::npos);
  EXPECT_NE(error({"--data"}).find("--data"), std::string::npos);
  EXPECT_NE(error({"--config", "/no/such/file"}).find("config: /no/such/file cannot be read"),
            std::string::npos);
  EXPECT_NE(error({"--config", "/"}).find("config: / cannot be read"), std::string::npos);
}

TEST_F(ConfigTest, HelpNamesEverySettingAndVersionIsPrinted) {
  const auto help = read({"--help"});
  ASSERT_TRUE(help.has_value());
  const std::string text = std::get<PrintAndExit>(*help).text;
  for (const Setting& setting : settings_table()) {
    EXPECT_NE(text.find(variable_of(setting)), std::string::npos) << setting.key;
    EXPECT_EQ(text.find(flag_of(setting) + " ") == std::string::npos, setting.secret) << setting.key;
  }
  EXPECT_EQ(std::get<PrintAndExit>(*read({"--version"})).text, "pawld " PAWL_VERSION "\n");
}

}  // namespace
}  // namespace pawl::app
