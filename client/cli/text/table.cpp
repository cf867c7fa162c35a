#include "client/cli/text/table.h"

#include <algorithm>

namespace pawl::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t flexible_min = 8;

std::string indented(std::string_view lines, std::string_view margin) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    out.append(margin).append(lines.substr(0, end)).append("\n");
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

}  // namespace

void Table::add(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths(std::size_t screen_columns) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  if (screen_columns == 0) return widths;
  std::size_t total = gap * (widths.size() - 1);
  for (const std::size_t width : widths) total += width;
  for (std::size_t i = widths.size(); i-- > 0 && total > screen_columns;) {
    if (!columns_[i].flexible || widths[i] <= flexible_min) continue;
    const std::size_t cut = std::min(total - screen_columns, widths[i] - flexible_min);
    widths[i] -= cut;
    total -= cut;
  }
  return widths;
}

std::string Table::text(const Screen& screen) const {
  const std::vector<std::size_t> width = widths(screen.columns);
  std::string out;
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string text;
    std::size_t owed = 0;  // blanks that are written only if something follows
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string shown = fitted(cells[i].text, width[i]);
      const std::size_t pad = width[i] - std::min(width[i], display_width(shown));
      const bool right = columns_[i].align == Column::Align::right;
      if (i > 0) owed += gap;
      if (right) owed += pad;
      if (!shown.empty()) {
        text.append(owed, ' ').append(toned(shown, cells[i].tone, screen));
        owed = 0;
      }
      if (!right) owed += pad;
    }
    out.append(text).append("\n");
  };
  std::vector<Cell> head;
  for (const Column& column : columns_) head.emplace_back(column.title, Tone::bold);
  line(head);
  for (const auto& row : rows_) line(row);
  return out;
}

void Fields::add(std::string label, std::string value, Tone tone) {
  if (!value.empty()) fields_.push_back({std::move(label), printable(value), tone, false});
}

void Fields::add_block(std::string label, std::string lines) {
  if (!lines.empty()) fields_.push_back({std::move(label), printable(lines, true), Tone::plain, true});
}

std::string Fields::text(const Screen& screen) const {
  std::size_t width = 0;
  for (const Field& field : fields_) {
    if (!field.block) width = std::max(width, display_width(field.label));
  }
  std::string out;
  for (const Field& field : fields_) {
    out.append(toned(field.label, Tone::dim, screen));
    if (field.block) {
      out.append("\n").append(indented(field.value, "  "));
    } else {
      out.append(width - display_width(field.label) + gap, ' ')
          .append(toned(field.value, field.tone, screen))
          .append("\n");
    }
  }
  return out;
}

}  // namespace pawl::cli
