#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace demo {

struct Options {
  std::filesystem::path folder = "/usr/share/doc";
  std::filesystem::path
      programs;  // where pawld, document_worker and pawl are; this program's own folder by default
  std::filesystem::path
      data;  // the broker's data directory; a fresh one under the temporary folder by default
  bool keep = false;
};

/// Nothing, after a word on standard error, when the command line is wrong.
std::optional<Options> read_options(int argc, char** argv);

/// Regular files below the folder, in the order of their paths; when there are more than `most`, evenly
/// spread ones.
std::vector<std::string> pick_documents(const std::filesystem::path& folder, std::size_t most);

}  // namespace demo
