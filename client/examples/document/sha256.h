#pragma once

#include <string>

namespace document {

struct FileDigest {
  std::size_t bytes = 0;  // of the file as it lies on disk
  std::string sha256;     // of the same bytes, in hexadecimal: what `sha256sum FILE` says
};

/// Throws std::runtime_error when the file cannot be read.
FileDigest digest_file(const std::string& path);

}  // namespace document
