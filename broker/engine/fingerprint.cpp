#include "broker/engine/fingerprint.h"

#include <algorithm>
#include <array>

namespace pawl::engine {
namespace {

constexpr std::size_t message_max = 1024;
constexpr std::size_t hash_min = 8;        // hexadecimal digits that are an id, when a letter is among them
constexpr std::size_t id_min = 10;         // letters and digits that are an id…
constexpr std::size_t id_changes_min = 3;  // …when they change from one to the other so often

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_delimiter(char c) { return std::string_view(" \t()[]{}<>\"'`;=|,").contains(c); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// Four numbers, perhaps with a port or the size of a network.
bool is_ipv4(std::string_view text) {
  text = text.substr(0, text.find_first_of(":/"));
  std::size_t numbers = 0;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    if (dot == 0 || dot > 3 || !std::ranges::all_of(text.substr(0, dot), is_digit)) return false;
    ++numbers;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return numbers == 4;
}

bool is_ipv6(std::string_view text) {
  text = text.substr(0, text.find_first_of("/%"));
  if (std::ranges::count(text, ':') < 2) return false;
  return std::ranges::all_of(text, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

bool is_address(std::string_view text) {
  if (text.contains("://") || is_ipv4(text)) return true;
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && text.find('.', at) != std::string_view::npos;
}

// 2026-11-24T10:15:30.5Z, 12:30, 1.5, 7-8
bool is_number(std::string_view text) {
  return is_digit(text.front()) && std::ranges::all_of(text, [](char c) {
           return is_digit(c) || std::string_view(".:-+TZ/").contains(c);
         });
}

// Letters and digits, nothing else.
bool is_id(std::string_view word) {
  if (word.size() > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) return true;
  std::size_t changes = 0;
  for (std::size_t i = 1; i < word.size(); ++i) changes += is_digit(word[i]) != is_digit(word[i - 1]) ? 1 : 0;
  if (changes == 0) return false;
  if (word.size() >= hash_min && std::ranges::all_of(word, is_hex)) return true;
  return word.size() >= id_min && changes >= id_changes_min;
}

void append_word(std::string& out, std::string_view word) {
  if (is_id(word)) {
    out += "<id>";
    return;
  }
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (!is_digit(word[i])) out += word[i];
    // A dot within a number belongs to it: its parts were cut apart there.
    else if (i == 0 || !is_digit(word[i - 1]))
      out += "<n>";
  }
}

void append_parts(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::ranges::find_if(text, [](char c) { return !is_digit(c) && !is_letter(c); });
    const auto length = static_cast<std::size_t>(end - text.begin());
    append_word(out, text.substr(0, length));
    text.remove_prefix(length);
    if (text.empty()) break;
    const bool within_number =
        text.front() == '.' && text.size() > 1 && is_digit(text[1]) && out.ends_with("<n>");
    if (within_number) {
      text.remove_prefix(1);
      const auto fraction = std::ranges::find_if_not(text, is_digit);
      text.remove_prefix(static_cast<std::size_t>(fraction - text.begin()));
      continue;
    }
    out += text.front();
    text.remove_prefix(1);
  }
}

void append_token(std::string& out, std::string_view token) {
  std::string_view core = token;
  while (!core.empty() && std::string_view(".:!?").contains(core.back())) core.remove_suffix(1);
  if (core.empty()) {
    out += token;
    return;
  }
  if (is_address(core))
    out += "<address>";
  else if (is_uuid(core))
    out += "<id>";
  else if (is_number(core))
    out += "<n>";
  else if (is_ipv6(core))
    out += "<address>";
  else
    append_parts(out, core);
  out += token.substr(core.size());
}

}  // namespace

std::string common_form(std::string_view message) {
  const std::size_t begin = std::min(message.find_first_not_of(" \t\r\n"), message.size());
  message.remove_prefix(begin);
  message = message.substr(0, std::min(message.find_first_of("\r\n"), message_max));
  std::string out;
  out.reserve(message.size() + 16);
  while (!message.empty()) {
    std::size_t end = 0;
    while (end < message.size() && !is_delimiter(message[end])) ++end;
    // A query or a list belongs to its URL.
    if (message.substr(0, end).contains("://"))
      end = std::min(message.find_first_of(" \t()[]{}<>\"'`", end), message.size());
    append_token(out, message.substr(0, end));
    message.remove_prefix(end);
    if (message.empty()) break;
    // A comma between digits groups them.
    const bool grouped = message.front() == ',' && out.ends_with("<n>") && message.size() > 3 &&
                         std::ranges::all_of(message.substr(1, 3), is_digit);
    if (grouped) {
      message.remove_prefix(4);
      continue;
    }
    out += message.front();
    message.remove_prefix(1);
  }
  return out;
}

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
Fingerprint fingerprint_of(std::string_view type, std::string_view message) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ull;
  };
  mix(type);
  mix(std::string_view("\n", 1));
  mix(common_form(message));
  return static_cast<Fingerprint>(std::max<std::uint64_t>(hash, 1));
}

Fingerprint fingerprint_of(const core::Job& job) {
  if (job.errors.empty()) return fingerprint_of("", "");
  return fingerprint_of(job.errors.back().type, job.errors.back().message);
}

std::string fingerprint_text(Fingerprint fingerprint) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  auto left = static_cast<std::uint64_t>(fingerprint);
  for (std::size_t i = text.size(); i-- > 0; left >>= 4) text[i] = digits[left & 15];
  return text;
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c) && !(c >= 'a' && c <= 'f')) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
  }
  return static_cast<Fingerprint>(value);
}

}  // namespace pawl::engine
