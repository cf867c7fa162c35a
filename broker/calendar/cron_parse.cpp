#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "broker/calendar/cron.h"
#include "broker/calendar/month_days.h"

namespace pawl::calendar {
namespace {

// A list of all sixty minutes takes 169.
constexpr std::size_t text_bytes_max = 256;

/// What one field takes.
struct FieldForm {
  enum class Kind : std::uint8_t { second, minute, hour, day, month, weekday };
  Kind kind;
  std::string_view name;
  unsigned low;
  unsigned high;           // as it may be written
  unsigned top;            // the last value of `*`; above it the values begin again at `low`
  std::string_view names;  // three letters each, the first stands for `low`
};
using Kind = FieldForm::Kind;

constexpr std::array<FieldForm, 6> forms{{
    {Kind::second, "second", 0, 59, 59, ""},
    {Kind::minute, "minute", 0, 59, 59, ""},
    {Kind::hour, "hour", 0, 23, 23, ""},
    {Kind::day, "day-of-month", 1, 31, 31, ""},
    {Kind::month, "month", 1, 12, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {Kind::weekday, "day-of-week", 0, 7, 6, "SUNMONTUEWEDTHUFRISAT"},
}};

struct Macro {
  std::string_view name;
  std::string_view means;
};
constexpr std::array<Macro, 7> macros{{
    {"@YEARLY", "0 0 1 1 *"},
    {"@ANNUALLY", "0 0 1 1 *"},
    {"@MONTHLY", "0 0 1 * *"},
    {"@WEEKLY", "0 0 * * 0"},
    {"@DAILY", "0 0 * * *"},
    {"@MIDNIGHT", "0 0 * * *"},
    {"@HOURLY", "0 * * * *"},
}};

constexpr std::array<std::string_view, 12> month_names{"January",   "February", "March",    "April",
                                                       "May",       "June",     "July",     "August",
                                                       "September", "October",  "November", "December"};

// Not those of <cctype>, which depend on the locale.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool is_letter(char c) { return upper(c) >= 'A' && upper(c) <= 'Z'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return upper(c); });
  return out;
}

/// "0-59", "1-12 or JAN-DEC": what a field takes, for messages.
std::string values_of(const FieldForm& form) {
  if (form.names.empty()) return fmt::format("{}-{}", form.low, form.high);
  return fmt::format("{}-{} or {}-{}", form.low, form.high, form.names.substr(0, 3),
                     form.names.substr(form.names.size() - 3));
}

/// Reads one text. After a function has returned false, `error` says why.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool parse();

  CronFields fields;
  CronError error;

 private:
  struct Piece {
    std::size_t begin;
    std::size_t end;
  };

  bool fail(std::size_t offset, std::string what) {
    error = {offset, std::move(what)};
    return false;
  }
  /// The character at `offset`, or what to call it when it cannot be shown.
  std::string shown(std::size_t offset) const {
    const char c = text_[offset];
    return c > ' ' && c <= '~' ? fmt::format("'{}'", c) : "this character";
  }
  char peek(Piece piece) const { return piece.begin < piece.end ? upper(text_[piece.begin]) : '\0'; }
  bool take(Piece& piece, char c) const {
    if (peek(piece) != c) return false;
    ++piece.begin;
    return true;
  }

  std::vector<Piece> split() const;
  bool parse_field(const FieldForm& form, Piece field);
  bool parse_item(const FieldForm& form, Piece item);
  bool parse_days_before_last(Piece item);
  bool parse_last_weekday(Piece item);
  bool parse_weekday_suffix(Piece item, unsigned weekday);
  bool parse_step(const FieldForm& form, Piece& item, unsigned& step);
  bool parse_value(const FieldForm& form, Piece& item, unsigned& value);
  bool parse_name(const FieldForm& form, Piece& item, unsigned& value);
  bool parse_digits(Piece& item, unsigned& value);
  bool at_end(const FieldForm& form, Piece item);
  void add(const FieldForm& form, unsigned low, unsigned high, unsigned step);
  std::uint64_t& set_of(Kind kind);
  bool check_that_a_day_comes(Piece day_field, Piece month_field);

  std::string_view text_;
};

bool Parser::parse() {
  if (text_.size() > text_bytes_max) {
    return fail(text_bytes_max, fmt::format("an expression has at most {} bytes", text_bytes_max));
  }
  const std::vector<Piece> pieces = split();
  if (pieces.empty()) {
    return fail(0, "the expression is empty: write minute hour day-of-month month day-of-week");
  }
  if (text_[pieces[0].begin] == '@' && pieces.size() == 1) {
    const std::string name = upper(text_.substr(pieces[0].begin, pieces[0].end - pieces[0].begin));
    const auto macro = std::ranges::find(macros, name, &Macro::name);
    if (macro == macros.end()) {
      return fail(
          pieces[0].begin,
          "no such macro: there are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly");
    }
    text_ = macro->means;
    return parse();
  }
  if (pieces.size() != 5 && pieces.size() != 6) {
    return fail(
        pieces.size() > 6 ? pieces[6].begin : text_.size(),
        fmt::format("an expression has 5 fields (minute hour day-of-month month day-of-week) or 6 (second "
                    "first), not {}",
                    pieces.size()));
  }
  const std::size_t skipped = forms.size() - pieces.size();
  if (skipped > 0) fields.seconds = 1;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!parse_field(forms[i + skipped], pieces[i])) return false;
  }
  return check_that_a_day_comes(pieces[3 - skipped], pieces[4 - skipped]);
}

std::vector<Parser::Piece> Parser::split() const {
  std::vector<Piece> pieces;
  std::size_t at = 0;
  while (true) {
    while (at < text_.size() && is_blank(text_[at])) ++at;
    if (at == text_.size()) return pieces;
    const std::size_t begin = at;
    while (at < text_.size() && !is_blank(text_[at])) ++at;
    pieces.push_back({begin, at});
  }
}

bool Parser::parse_field(const FieldForm& form, Piece field) {
  const std::string_view text = text_.substr(field.begin, field.end - field.begin);
  if (text == "?") {
    if (form.kind != Kind::day && form.kind != Kind::weekday) {
      return fail(field.begin,
                  fmt::format("? is for day-of-month and day-of-week: write * for every {}", form.name));
    }
    add(form, form.low, form.top, 1);
    return true;
  }
  for (std::size_t begin = field.begin;;) {
    const std::size_t comma = std::min(text_.find(',', begin), field.end);
    if (!parse_item(form, {begin, comma})) return false;
    if (comma == field.end) return true;
    begin = comma + 1;
  }
}

bool Parser::parse_item(const FieldForm& form, Piece item) {
  if (form.kind == Kind::day && peek(item) == 'L') return parse_days_before_last(item);
  if (form.kind == Kind::weekday && peek(item) == 'L') return parse_last_weekday(item);
  unsigned low = form.low;
  unsigned high = form.top;
  unsigned step = 1;
  if (!take(item, '*')) {
    if (!parse_value(form, item, low)) return false;
    if (form.kind == Kind::weekday) {
      if (peek(item) == 'L' || peek(item) == '#') return parse_weekday_suffix(item, low % 7);
    }
    const bool from_seven = form.kind == Kind::weekday && low == 7;
    if (from_seven) low = 0;
    if (take(item, '-')) {
      if (!parse_value(form, item, high)) return false;
      if (from_seven && high == 7) high = 0;
    } else if (peek(item) != '/') {
      high = low;
    }
  }
  if (peek(item) == '/' && !parse_step(form, item, step)) return false;
  if (!at_end(form, item)) return false;
  add(form, low, high, step);
  return true;
}

bool Parser::parse_days_before_last(Piece item) {
  const FieldForm& form = forms[static_cast<std::size_t>(Kind::day)];
  unsigned before = 0;
  ++item.begin;
  if (take(item, '-')) {
    const std::size_t offset = item.begin;
    if (!parse_digits(item, before)) return fail(offset, "L- needs a number of days, 1-30, before the last");
    if (before < 1 || before > 30) return fail(offset, fmt::format("L-{} is out of L-1 to L-30", before));
  }
  fields.days_before_last |= 1ull << before;
  return at_end(form, item);
}

bool Parser::parse_last_weekday(Piece item) {
  const FieldForm& form = forms[static_cast<std::size_t>(Kind::weekday)];
  unsigned weekday = 0;
  const std::size_t offset = item.begin++;
  if (item.begin == item.end)
    return fail(offset, "L needs a day of the week: 5L, L5 or FRIL for the last Friday");
  if (!parse_value(form, item, weekday)) return false;
  fields.nth_weekdays[weekday % 7] |= 1;
  return at_end(form, item);
}

bool Parser::parse_weekday_suffix(Piece item, unsigned weekday) {
  const FieldForm& form = forms[static_cast<std::size_t>(Kind::weekday)];
  unsigned nth = 0;
  if (!take(item, 'L')) {
    const std::size_t offset = ++item.begin;
    if (!parse_digits(item, nth)) return fail(offset, "# needs a number, 1-5: FRI#2 is the second Friday");
    if (nth < 1 || nth > 5) return fail(offset, fmt::format("#{} is out of #1 to #5", nth));
  }
  fields.nth_weekdays[weekday] = static_cast<std::uint8_t>(fields.nth_weekdays[weekday] | (1u << nth));
  return at_end(form, item);
}

bool Parser::parse_step(const FieldForm& form, Piece& item, unsigned& step) {
  const std::size_t offset = ++item.begin;
  if (!parse_digits(item, step)) return fail(offset, fmt::format("/ needs a step, 1-{}", form.high));
  if (step < 1 || step > form.high) {
    return fail(offset, fmt::format("step {} is out of 1-{} for {}", step, form.high, form.name));
  }
  return true;
}

bool Parser::parse_value(const FieldForm& form, Piece& item, unsigned& value) {
  const std::size_t offset = item.begin;
  if (is_letter(peek(item))) return parse_name(form, item, value);
  if (!parse_digits(item, value)) {
    return fail(offset, fmt::format("a {} is missing here: {}", form.name, values_of(form)));
  }
  if (value < form.low || value > form.high) {
    return fail(offset, fmt::format("{} {} is out of {}-{}", form.name, value, form.low, form.high));
  }
  return true;
}

bool Parser::parse_name(const FieldForm& form, Piece& item, unsigned& value) {
  std::size_t end = item.begin;
  while (end < item.end && is_letter(text_[end])) ++end;
  std::string name = upper(text_.substr(item.begin, end - item.begin));
  if (form.kind == Kind::weekday && name.size() == 4 && name.ends_with('L')) name.pop_back();
  const std::size_t found = name.size() == 3 ? form.names.find(name) : std::string_view::npos;
  if (found == std::string_view::npos || found % 3 != 0) {
    return fail(item.begin,
                fmt::format("{} is no {}: write {}", name.substr(0, 20), form.name, values_of(form)));
  }
  value = form.low + static_cast<unsigned>(found / 3);
  item.begin += 3;
  return true;
}

/// False when there is no digit. A number of more than four digits counts as 9999: too large for every field.
bool Parser::parse_digits(Piece& item, unsigned& value) {
  if (!is_digit(peek(item))) return false;
  value = 0;
  for (; is_digit(peek(item)); ++item.begin) {
    value = std::min(value * 10 + static_cast<unsigned>(text_[item.begin] - '0'), 9999u);
  }
  return true;
}

bool Parser::at_end(const FieldForm& form, Piece item) {
  if (item.begin == item.end) return true;
  return fail(item.begin, fmt::format("{} does not belong here in {}", shown(item.begin), form.name));
}

std::uint64_t& Parser::set_of(Kind kind) {
  switch (kind) {
    case Kind::second:
      return fields.seconds;
    case Kind::minute:
      return fields.minutes;
    case Kind::hour:
      return fields.hours;
    case Kind::day:
      return fields.days;
    case Kind::month:
      return fields.months;
    case Kind::weekday:
      break;
  }
  return fields.weekdays;
}

/// A range that begins above its end goes over the top and on from `low`.
void Parser::add(const FieldForm& form, unsigned low, unsigned high, unsigned step) {
  const unsigned span = form.top - form.low + 1;
  if (low > high) high += span;
  for (unsigned value = low; value <= high; value += step) {
    set_of(form.kind) |= 1ull << (value > form.top ? value - span : value);
  }
}

/// Days of the week come in every month, given enough years; a date may be in none.
bool Parser::check_that_a_day_comes(Piece day_field, Piece month_field) {
  if (!days_restricted(fields) || weekdays_restricted(fields)) return true;
  for (unsigned month = 1; month <= 12; ++month) {
    const std::chrono::year_month in_leap_year{std::chrono::year{2000}, std::chrono::month{month}};
    if (((fields.months >> month) & 1) && days_in(fields, in_leap_year) != 0) return true;
  }
  if (std::has_single_bit(fields.months) && std::has_single_bit(fields.days) &&
      fields.days_before_last == 0) {
    return fail(day_field.begin,
                fmt::format("{} {} never comes", std::countr_zero(fields.days),
                            month_names[static_cast<std::size_t>(std::countr_zero(fields.months) - 1)]));
  }
  const auto text_of = [&](Piece piece) { return text_.substr(piece.begin, piece.end - piece.begin); };
  return fail(day_field.begin,
              fmt::format("day-of-month {} never comes in month {}", text_of(day_field).substr(0, 40),
                          text_of(month_field).substr(0, 40)));
}

}  // namespace

std::expected<CronExpression, CronError> CronExpression::parse(std::string_view text) {
  Parser parser(text);
  if (!parser.parse()) return std::unexpected(std::move(parser.error));
  return CronExpression(parser.fields);
}

}  // namespace pawl::calendar
