// Splitting a text into pieces that a retrieval index takes one by one.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace document {

/// Bytes [start, end) of the text.
struct Chunk {
  std::size_t start = 0;
  std::size_t end = 0;
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

struct ChunkSize {
  std::size_t bytes = 1'200;  // most in one chunk
  std::size_t overlap =
      200;  // most that a chunk repeats of the one before it, so that no thought is cut in two
};

/// Covers the whole text, in order, each chunk but the first overlapping the one before. A chunk ends where a
/// paragraph does if one ends in its last half, else after a line, a sentence, a word, and in the middle of a
/// word only when it is all one word; never inside a character. REQUIRES: `text` is UTF-8; size.bytes >= 8;
/// size.overlap < size.bytes / 2.
std::vector<Chunk> split(std::string_view text, ChunkSize size = {});

}  // namespace document
