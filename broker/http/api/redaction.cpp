#include "broker/http/api/redaction.h"

#include <algorithm>
#include <array>

#include "broker/http/api/json_reader.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t key_bytes_max = 256;
/// Beyond what any request may hold and the broker may wrap around it. The walk goes as deep on the stack.
constexpr std::size_t depth_max = 4 * wire::json_depth_max;

// Triggers hand an event on as {event, data} or {event, events: […]}, callbacks a result within data: a path
// of the data or of the result must hold there too.
constexpr std::array<std::string_view, 4> wrappers{"", "data.", "events.", "data.result."};

/// One letter for both cases, in the scripts whose letters are two bytes of UTF-8 at most: Latin, Greek,
/// Cyrillic.
constexpr unsigned fold(unsigned c) {
  const auto in = [c](unsigned first, unsigned last) { return c >= first && c <= last; };
  if (in('A', 'Z') || (in(0xc0, 0xde) && c != 0xd7) || in(0x391, 0x3ab) || in(0x410, 0x42f)) return c + 0x20;
  if (in(0x100, 0x137) || in(0x14a, 0x177) || in(0x460, 0x481) || in(0x48a, 0x4bf)) return c | 1;
  if (in(0x139, 0x148) || in(0x179, 0x17e)) return c + (c & 1);
  if (in(0x400, 0x40f)) return c + 0x50;
  if (in(0x388, 0x38a)) return c + 0x25;
  switch (c) {
    case 0x178:
      return 0xff;
    case 0x386:
      return 0x3ac;
    case 0x38c:
      return 0x3cc;
    case 0x38e:
    case 0x38f:
      return c + 0x3f;
    case 0x3c2:  // the sigma at a word's end
      return 0x3c3;
    default:
      return c;
  }
}

/// text: UTF-8.
std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0xc2 && byte <= 0xdf && i + 1 < text.size()) {
      const unsigned code = fold((byte & 0x1fu) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3fu));
      out += static_cast<char>(0xc0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      out += byte < 0x80 ? static_cast<char>(fold(byte)) : text[i];
    }
  }
  return out;
}

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > key_bytes_max || find_invalid_utf8(key)) return false;
  if (key.front() == '.' || key.back() == '.' || key.contains("..")) return false;
  return std::ranges::none_of(key, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

/// Over one text, from its beginning to its end.
class Redaction::Walk {
 public:
  Walk(const Redaction& rules, std::string_view text, std::string& out)
      : rules_(rules), json_(text, depth_max), text_(text), out_(out) {}

  /// False when the text is no JSON; what was appended so far is then worth nothing.
  bool run() {
    value(rules_.roots());
    json_.finish();
    if (json_.error()) return false;
    out_ += text_.substr(copied_);
    return true;
  }
  bool masked() const { return masked_; }

 private:
  void value(const Rests& rests) {
    const JsonKind kind = json_.peek();
    const bool nothing_below = rules_.names_.empty() && rests.empty();
    if (nothing_below || (kind != JsonKind::object && kind != JsonKind::array)) {
      json_.skip();
      return;
    }
    json_.enter();
    if (kind == JsonKind::array) {
      while (json_.next_item()) value(rests);
      return;
    }
    while (json_.next_member()) {
      Rests below;
      if (rules_.takes(folded(json_.key()), rests, below)) {
        mask();
      } else {
        value(below);
      }
    }
  }

  void mask() {
    const std::string_view value = json_.skip();
    if (json_.error()) return;
    const auto at = static_cast<std::size_t>(value.data() - text_.data());
    out_ += text_.substr(copied_, at - copied_);
    out_ += redaction_mask;
    copied_ = at + value.size();
    masked_ = true;
  }

  const Redaction& rules_;
  JsonReader json_;
  std::string_view text_;
  std::string& out_;
  std::size_t copied_ = 0;  // of the text, or masked
  bool masked_ = false;
};

std::expected<Redaction, std::string> Redaction::of(const std::vector<std::string>& keys) {
  Redaction redaction;
  for (const std::string& key : keys) {
    if (!is_key(key)) {
      return std::unexpected(
          "\"" + key + "\" must be the name of a member, or names with dots between, of 256 bytes at most");
    }
    const std::string name = folded(key);
    if (!name.contains('.')) {
      redaction.names_.insert(name);
      continue;
    }
    for (const std::string_view wrapper : wrappers) redaction.paths_.push_back(std::string(wrapper) + name);
  }
  return redaction;
}

bool Redaction::takes(std::string_view name, const Rests& rests, Rests& below) const {
  if (names_.contains(name)) return true;
  for (const std::string_view rest : rests) {
    if (!rest.starts_with(name)) continue;
    if (rest.size() == name.size()) return true;
    if (rest[name.size()] == '.') below.push_back(rest.substr(name.size() + 1));
  }
  return false;
}

bool Redaction::append(std::string& out, std::string_view json) const {
  if (empty()) {
    out += json;
    return false;
  }
  const std::size_t start = out.size();
  Walk walk(*this, json, out);
  if (walk.run()) return walk.masked();
  out.resize(start);
  out += redaction_mask;
  return true;
}

std::string Redaction::applied(std::string_view json) const {
  std::string out;
  out.reserve(json.size());
  append(out, json);
  return out;
}

bool Redaction::covers(std::string_view path) const {
  Rests rests = roots();
  while (true) {
    const std::size_t dot = path.find('.');
    Rests below;
    if (takes(folded(path.substr(0, dot)), rests, below)) return true;
    if (dot == std::string_view::npos) return false;
    rests = std::move(below);
    path.remove_prefix(dot + 1);
  }
}

}  // namespace pawl::http::api
