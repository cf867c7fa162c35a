// Tables for people.
#pragma once

#include <string>
#include <vector>

#include "client/cli/text/terminal.h"

namespace pawl::cli {

struct Column {
  std::string title;
  enum class Align { left, right } align = Align::left;
  bool flexible = false;  // gives up width first when the screen is too narrow
};

struct Cell {
  std::string text;  // need not be printable
  Tone tone = Tone::plain;
  Cell(std::string words, Tone how = Tone::plain) : text(std::move(words)), tone(how) {}
  Cell(const char* words) : text(words) {}
};

/// Collects rows, then lays them out: two blanks between columns, none at the end of a line. Every cell is
/// made printable. Value type.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// REQUIRES: as many cells as there are columns.
  void add(std::vector<Cell> cells);
  std::size_t rows() const { return rows_.size(); }
  /// The header and the rows, each ending in a newline.
  std::string text(const Screen& screen) const;

 private:
  std::vector<std::size_t> widths(std::size_t screen_columns) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Label and value, one pair a line, the values aligned; pairs without a value are left out.
class Fields {
 public:
  void add(std::string label, std::string value, Tone tone = Tone::plain);
  /// A value of several lines, indented below its label.
  void add_block(std::string label, std::string lines);
  std::string text(const Screen& screen) const;

 private:
  struct Field {
    std::string label;
    std::string value;
    Tone tone = Tone::plain;
    bool block = false;
  };
  std::vector<Field> fields_;
};

}  // namespace pawl::cli
