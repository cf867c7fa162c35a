// Small files, whole.
#pragma once

#include <expected>
#include <string>

namespace pawl::app {

/// The file's bytes, or why they cannot be read, in the operating system's words. Refuses more than 1 MiB.
std::expected<std::string, std::string> read_text_file(const std::string& path);

}  // namespace pawl::app
