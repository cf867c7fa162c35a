// Bytes that came and are not yet used up: one block, read at its front, filled at its back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace pawl::http {

class InBuffer {
 public:
  std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }

  struct Space {
    char* data;
    std::size_t size;
  };
  /// At least `least` free bytes at the back. Moves what is there: views of it end.
  Space prepare(std::size_t least) {
    if (empty()) begin_ = end_ = 0;
    // A body grew the block; the next request does not need that.
    if (empty() && capacity_ > small && least <= small) capacity_ = 0;
    if (capacity_ - end_ < least) {
      const std::size_t held = size();
      if (begin_ > 0 && capacity_ - held >= least && capacity_ > 0) {
        std::memmove(bytes_.get(), bytes_.get() + begin_, held);
      } else {
        capacity_ = std::max(held + least, small);
        std::unique_ptr<char[]> grown(new char[capacity_]);
        if (held > 0) std::memcpy(grown.get(), bytes_.get() + begin_, held);
        bytes_ = std::move(grown);
      }
      begin_ = 0;
      end_ = held;
    }
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t n) { end_ += n; }
  void consume(std::size_t n) { begin_ += n; }
  void clear() { begin_ = end_ = 0; }

 private:
  static constexpr std::size_t small = 8192;

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace pawl::http
