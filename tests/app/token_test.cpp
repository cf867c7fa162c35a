#include "broker/app/token.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace pawl::app {
namespace {

TEST(ListenAddressTest, AddressesAreReadOrRefused) {
  struct Line {
    const char* text;
    bool good;
    bool loopback;
    const char* shown;
  };
  const Line ledger[] = {
      {"127.0.0.1:7711", true, true, "127.0.0.1:7711"},
      {"127.8.9.1:0", true, true, "127.8.9.1:0"},
      {"localhost:80", true, true, "127.0.0.1:80"},
      {"[::1]:7711", true, true, "[::1]:7711"},
      {"[::ffff:127.0.0.1]:1", true, true, "[::ffff:127.0.0.1]:1"},
      {"[::ffff:10.0.0.1]:1", true, false, "[::ffff:10.0.0.1]:1"},
      {"0.0.0.0:7711", true, false, "0.0.0.0:7711"},
      {"[::]:7711", true, false, "[::]:7711"},
      {"192.168.1.5:65535", true, false, "192.168.1.5:65535"},
      {"127.0.0.1:65536", false, false, ""},
      {"127.0.0.1:-1", false, false, ""},
      {"127.0.0.1:", false, false, ""},
      {"127.0.0.1", false, false, ""},
      {":7711", false, false, ""},
      {"7711", false, false, ""},
      {"::1:7711", false, false, ""},
      {"[127.0.0.1]:7711", false, false, ""},
      {"example.org:7711", false, false, ""},
      {"127.1:7711", false, false, ""},
      {"127.0.0.1:77 11", false, false, ""},
      {"", false, false, ""},
  };
  for (const Line& line : ledger) {
    const auto address = parse_listen_address(line.text);
    ASSERT_EQ(address.has_value(), line.good) << line.text;
    if (!address) continue;
    EXPECT_EQ(address->loopback, line.loopback) << line.text;
    EXPECT_EQ(address->text(), line.shown);
  }
}

class TokenTest : public testing::Test {
 protected:
  TokenTest() {
    std::string pattern = testing::TempDir() + "pawl-token-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~TokenTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ / "token";
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }
  static std::expected<Token, std::string> load(const std::string& path, const std::string& token = {},
                                                const std::string& listen = "127.0.0.1:0") {
    Settings settings = default_settings();
    settings.token_file = path;
    settings.token = token;
    return load_token(settings, {parse_listen_address(listen).value()});
  }

  std::filesystem::path folder_;
};

TEST_F(TokenTest, WithoutATokenOnlyLoopbackIsServed) {
  EXPECT_EQ(load("")->value, "");
  for (const char* outside : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1"}) {
    const auto token = load("", "", outside);
    ASSERT_FALSE(token.has_value()) << outside;
    EXPECT_TRUE(token.error().starts_with("listen: ")) << token.error();
    EXPECT_NE(token.error().find("--token-file"), std::string::npos) << token.error();
    EXPECT_TRUE(load("", "0123456789abcdef0123456789abcdef", outside).has_value());
  }
}

TEST_F(TokenTest, AFileIsReadWithoutItsLineEnd) {
  const std::string secret(32, 'x');
  EXPECT_EQ(load(file(secret + "\n"))->value, secret);
  EXPECT_EQ(load(file(secret + "\n"))->warning, "");
  EXPECT_NE(load(file(secret + "\n", 0644))->warning, "");
  EXPECT_NE(load(file("short"))->warning, "");
}

TEST_F(TokenTest, WhatCannotBeATokenIsRefused) {
  const auto refused = [](const std::expected<Token, std::string>& token, const std::string& part) {
    ASSERT_FALSE(token.has_value()) << part;
    EXPECT_NE(token.error().find(part), std::string::npos) << token.error();
  };
  refused(load("/no/such/file"), "token-file: /no/such/file cannot be read");
  refused(load(folder_), "cannot be read");
  refused(load(file("")), "is empty");
  refused(load(file("\n")), "is empty");
  refused(load(file("two\nlines")), "visible ASCII");
  refused(load(file("with space")), "visible ASCII");
  refused(load(file(std::string("nul\0nul", 7))), "visible ASCII");
  refused(load(file(std::string(5000, 'x'))), "longer");
  refused(load(file("a"), "b"), "PAWL_TOKEN is set as well");
}

}  // namespace
}  // namespace pawl::app
