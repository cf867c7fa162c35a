// Reading a document from disk.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace document {

/// A file that is not a document, today or ever. `type` groups them: not-found, not-a-file, unreadable,
/// bad-gzip, too-large, not-text.
class unusable : public std::runtime_error {
 public:
  unusable(std::string type, const std::string& message)
      : std::runtime_error(message), type_(std::move(type)) {}
  const std::string& type() const noexcept { return type_; }

 private:
  std::string type_;
};

/// The bytes of a file, unpacked where it is gzip (told by its content, not its name). Throws `unusable`,
/// also when there are more than `bytes_max` of them.
std::string read_text_file(const std::string& path, std::size_t bytes_max);

}  // namespace document
