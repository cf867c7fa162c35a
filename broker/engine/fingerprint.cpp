#include "broker/engine/fingerprint.h"

#include <algorithm>

namespace pawl::engine {
namespace {

constexpr std::size_t message_max = 1024;
constexpr std::size_t uuid_size = 36;
// Hexadecimal digits are an id when a letter is among them, and the shorter ones, as git makes them, when
// they are unlike E000123 and 100000b.
constexpr std::size_t hash_min = 8;
constexpr std::size_t short_hash = 7;
// Letters and digits are an id when they change from one to the other so often.
constexpr std::size_t id_min = 10;
constexpr std::size_t id_changes_min = 3;
constexpr std::size_t capitals_id = 16;  // as AWS gives to requests
// Small letters, capitals and digits (is_mixed): in one word, with - and _, with + and /.
constexpr std::size_t mixed_id_min = 14;
constexpr std::size_t joined_id_min = 20;
constexpr std::size_t nanoid_size = 21;  // or one more
constexpr std::size_t base64_id_min = 40;
// In random ones there is a turn among so many characters on the average, and nearly always among so many.
constexpr std::size_t turn_within = 3;
constexpr std::size_t known_id_within = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_small(c) || is_capital(c); }
bool is_alnum(char c) { return is_letter(c) || is_digit(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_joiner(char c) { return c == '-' || c == '_'; }
bool is_sign(char c) { return c == '-' || c == '+'; }
bool is_delimiter(char c) { return std::string_view(" \t()[]{}<>\"'`;=|,").contains(c); }

/// How many characters the text begins with for which `is` holds.
template <class Is>
std::size_t length_of(std::string_view text, Is is) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is) - text.begin());
}

/// REQUIRES: no letter or digit is directly before the text.
bool begins_with_uuid(std::string_view text) {
  if (text.size() < uuid_size || (text.size() > uuid_size && is_alnum(text[uuid_size]))) return false;
  for (std::size_t i = 0; i < uuid_size; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool contains_uuid(std::string_view text) {
  for (std::size_t i = 0; i + uuid_size <= text.size(); ++i)
    if ((i == 0 || !is_alnum(text[i - 1])) && begins_with_uuid(text.substr(i))) return true;
  return false;
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
  const auto colons = std::ranges::count(text, ':');
  if (colons < 2 || !std::ranges::all_of(text, [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
    return false;
  // 10:15:30 is a time.
  return !is_digit(text[0]) || colons >= 7 || text.contains("::") || std::ranges::any_of(text, is_letter);
}

// Six pairs of hexadecimal digits.
bool is_mac(std::string_view text) {
  if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i % 3 == 2 ? text[i] != text[2] : !is_hex(text[i])) return false;
  return true;
}

bool is_address(std::string_view text) {
  if (text.contains("://") || is_ipv4(text) || is_ipv6(text) || is_mac(text)) return true;
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view host = text.substr(at + 1);
  return host.contains('.') || host.substr(0, host.find_first_of(":/")) == "localhost";
}

// 2026-11-24T10:15:30.5Z, 12:30, 1.5, 7-8
bool is_number(std::string_view text) {
  return is_digit(text.front()) &&
         std::ranges::all_of(text,
                             [](char c) { return is_digit(c) || std::string_view(".:-+TZ/").contains(c); }) &&
         !contains_uuid(text);
}

/// The length of the number with an exponent, 1.5e-07 or 1e9, that the text begins with, or 0.
std::size_t exponential_length(std::string_view text) {
  std::size_t at = length_of(text, is_digit);
  if (at == 0) return 0;
  if (at + 1 < text.size() && text[at] == '.') at += 1 + length_of(text.substr(at + 1), is_digit);
  if (at + 1 >= text.size() || (text[at] != 'e' && text[at] != 'E')) return 0;
  const bool with_sign = is_sign(text[++at]);
  if (with_sign) ++at;
  const std::size_t digits = length_of(text.substr(at), is_digit);
  at += digits;
  // What follows a sign is a unit; 1e5b is no number.
  const bool ends = with_sign || at == text.size() || !is_alnum(text[at]);
  return digits > 0 && ends ? at : 0;
}

/// Small letters, capitals and digits in random order. A turn is where letters and digits meet, and where a
/// capital follows a small letter: Http2FrameReader has three among 16.
bool is_mixed(std::string_view text, std::size_t within) {
  std::size_t characters = 0, smalls = 0, digits = 0, turns = 0;
  char before = '-';
  for (const char c : text) {
    if (is_alnum(c)) {
      ++characters;
      smalls += is_small(c) ? 1 : 0;
      digits += is_digit(c) ? 1 : 0;
      const bool turn = is_digit(c) != is_digit(before) || (is_small(before) && is_capital(c));
      turns += turn && is_alnum(before) ? 1 : 0;
    }
    before = c;
  }
  const bool all_kinds = smalls > 0 && digits > 0 && smalls + digits < characters;
  return all_kinds && turns * within >= characters;
}

// Letters and digits, nothing else.
bool is_hash(std::string_view word, std::size_t changes) {
  if (word.size() < short_hash || !std::ranges::all_of(word, is_hex)) return false;
  return word.size() >= hash_min || changes > 1 || (is_digit(word[0]) && is_letter(word[short_hash - 2]));
}

// Not LPPROCESSENTRY32, and not 1099511628211ULL.
bool is_capitals_id(std::string_view word) {
  if (word.size() != capitals_id || std::ranges::any_of(word, is_small)) return false;
  return std::ranges::count_if(word, is_digit) >= 4 && std::ranges::count_if(word, is_capital) >= 4;
}

/// `prefixed`: as that of cus_NffrFeUfNV2Hib.
bool is_id(std::string_view word, bool prefixed) {
  if (word.size() > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) return true;
  std::size_t changes = 0;
  for (std::size_t i = 1; i < word.size(); ++i) changes += is_digit(word[i]) != is_digit(word[i - 1]) ? 1 : 0;
  if (changes == 0) return false;
  if (is_hash(word, changes) || is_capitals_id(word)) return true;
  if (word.size() >= id_min && changes >= id_changes_min) return true;
  return word.size() >= mixed_id_min && is_mixed(word, prefixed ? known_id_within : turn_within);
}

bool is_joined_id(std::string_view run) { return run.size() >= joined_id_min && is_mixed(run, turn_within); }

bool is_base64_id(std::string_view text) {
  return text.size() >= base64_id_min && is_mixed(text, turn_within) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '+' || c == '/'; });
}

// order, Order, ORDER
bool is_plain(std::string_view word) {
  if (word.size() < 2) return false;
  const std::string_view rest = word.substr(1);
  if (is_small(word[0]) || word.size() == 2) return std::ranges::all_of(word, is_small);
  return is_capital(word[0]) &&
         (std::ranges::all_of(rest, is_small) || std::ranges::all_of(rest, is_capital));
}

/// The length of the nanoid that the text begins with, or 0: Uakgb_J5m9g-0JDMbcJqLJ has a word in it.
std::size_t nanoid_length(std::string_view text) {
  const auto is_part = [](char c) { return is_alnum(c) || is_joiner(c); };
  const std::size_t size = length_of(text.substr(0, nanoid_size + 2), is_part);
  const std::string_view first = text.substr(0, length_of(text, is_alnum));
  if ((size != nanoid_size && size != nanoid_size + 1) || (is_plain(first) && is_small(first[0]))) return 0;
  return is_mixed(text.substr(0, size), is_plain(first) ? turn_within : known_id_within) ? size : 0;
}

/// The length of the words, with what joins them, that the text begins with and that may be one id: up to a
/// plain word or a UUID.
std::size_t run_length(std::string_view text) {
  std::size_t at = length_of(text, is_joiner);
  std::size_t words_end = at;
  while (true) {
    const std::size_t length = length_of(text.substr(at), is_alnum);
    if (length == 0) return at;
    if (is_plain(text.substr(at, length)) || begins_with_uuid(text.substr(at))) return words_end;
    words_end = at + length;
    at = words_end + length_of(text.substr(words_end), is_joiner);
  }
}

void append_word(std::string& out, std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (!is_digit(word[i])) out += word[i];
    // A dot within a number belongs to it: its parts were cut apart there.
    else if (i == 0 || !is_digit(word[i - 1]))
      out += "<n>";
  }
}

bool begins_with_sign(std::string_view text, std::string_view before) {
  return text.size() > 1 && is_sign(text[0]) && is_digit(text[1]) &&
         (before.empty() || std::string_view(" \t([{<\"'`;=|,:/").contains(before.back()));
}

/// Appends what stands for a part of the text that it begins with; returns the length of that part.
std::size_t append_part(std::string& out, std::string_view text) {
  const std::string_view word = text.substr(0, length_of(text, is_alnum));
  if (word.empty()) {
    const bool within_number = text[0] == '.' && text.size() > 1 && is_digit(text[1]) && out.ends_with("<n>");
    if (within_number && !begins_with_uuid(text.substr(1))) return 1 + length_of(text.substr(1), is_digit);
    if (!begins_with_sign(text, out)) out += text[0];
    return 1;
  }
  const bool prefixed = out.size() > 1 && out.back() == '_' && is_small(out[out.size() - 2]);
  if (is_id(word, prefixed)) {
    out += "<id>";
  } else if (const std::size_t length = exponential_length(text)) {
    out += "<n>";
    return length;
  } else {
    append_word(out, word);
  }
  return word.size();
}

/// The length of the id that the text begins with and that has more than one word, or 0. `unseen`: how much
/// of the text is left after the last words that were looked at together.
std::size_t joined_id_length(std::string_view text, std::size_t& unseen) {
  if (text.size() > unseen) return 0;
  if (const std::size_t nanoid = nanoid_length(text)) return nanoid;
  const std::size_t run = run_length(text);
  unseen = text.size() - run;
  return is_joined_id(text.substr(0, run)) ? run : 0;
}

void append_parts(std::string& out, std::string_view text) {
  const std::size_t whole = text.size();
  std::size_t unseen = whole;
  while (!text.empty()) {
    std::size_t id = begins_with_uuid(text) ? uuid_size : 0;
    // A joiner after a word is no part of an id.
    if (id == 0 && (text.size() == whole || !is_joiner(text[0]))) id = joined_id_length(text, unseen);
    if (id > 0) out += "<id>";
    text.remove_prefix(id > 0 ? id : append_part(out, text));
  }
}

void append_token(std::string& out, std::string_view token) {
  std::string_view core = token;
  while (!core.empty() && std::string_view(".:!?").contains(core.back())) core.remove_suffix(1);
  const std::string_view end = token.substr(core.size());
  if (begins_with_sign(core, out)) core.remove_prefix(1);
  // As Java writes it.
  if (core.starts_with('/') && is_ipv6(core.substr(1))) {
    out += '/';
    core.remove_prefix(1);
  }
  if (is_address(core))
    out += "<address>";
  else if (is_base64_id(core))
    out += "<id>";
  else if (!core.empty() && is_number(core))
    out += "<n>";
  else
    append_parts(out, core);
  out += end;
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
                         std::ranges::all_of(message.substr(1, 3), is_digit) &&
                         !begins_with_uuid(message.substr(1));
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
