#include "client/examples/document/chunker.h"

#include <algorithm>
#include <array>

#include "client/examples/document/utf8.h"

namespace document {
namespace {

// The best place to end a chunk that may reach from `start` to `limit`.
std::size_t best_end(std::string_view text, std::size_t start, std::size_t limit) {
  const std::size_t from = start + (limit - start) / 2;
  static constexpr std::array<std::string_view, 4> breaks{"\n\n", "\n", ". ", " "};
  for (const std::string_view mark : breaks) {
    const std::size_t at = text.substr(from, limit - from).rfind(mark);
    if (at != std::string_view::npos) return from + at + mark.size();
  }
  return character_start(text, limit);
}

// Where the chunk after one that ended at `end` begins: at the first word within the overlap.
std::size_t next_start(std::string_view text, std::size_t end, std::size_t overlap) {
  const std::size_t from = character_start(text, end - overlap);
  const std::size_t space = text.substr(from, end - from).find_first_of(" \n\t");
  if (space == std::string_view::npos || from + space + 1 >= end) return from;
  return from + space + 1;
}

}  // namespace

std::vector<Chunk> split(std::string_view text, ChunkSize size) {
  std::vector<Chunk> out;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t limit = std::min(text.size(), start + size.bytes);
    const std::size_t end = limit == text.size() ? limit : best_end(text, start, limit);
    out.push_back({start, end});
    if (end == text.size()) break;
    // A chunk is at least half of `bytes` long, which is more than the overlap: this always goes forward.
    start = next_start(text, end, size.overlap);
  }
  return out;
}

}  // namespace document
