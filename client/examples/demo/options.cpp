#include "client/examples/demo/options.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace demo {
namespace fs = std::filesystem;

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  bool folder_given = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--keep") {
      options.keep = true;
    } else if (word == "--programs" && has_value) {
      options.programs = argv[++i];
    } else if (word == "--data" && has_value) {
      options.data = argv[++i];
    } else if (!word.starts_with('-') && !folder_given) {
      options.folder = word;
      folder_given = true;
    } else {
      std::fprintf(stderr,
                   "usage: pawl-demo [FOLDER] [--keep] [--programs DIR] [--data DIR]\n"
                   "  FOLDER      the documents to work through (/usr/share/doc)\n"
                   "  --keep      leave the broker running at the end\n"
                   "  --programs  where pawld and document_worker are (beside this program)\n"
                   "  --data      the broker's data directory, which must not exist yet (a temporary one)\n");
      return std::nullopt;
    }
  }
  std::error_code error;
  options.folder = fs::absolute(options.folder, error);
  if (!fs::is_directory(options.folder, error)) {
    std::fprintf(stderr, "pawl-demo: %s is no folder\n", options.folder.c_str());
    return std::nullopt;
  }
  if (options.programs.empty()) options.programs = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (!options.data.empty() && fs::exists(options.data, error)) {
    std::fprintf(stderr, "pawl-demo: %s exists already; the demo wants a fresh data directory\n",
                 options.data.c_str());
    return std::nullopt;
  }
  return options;
}

std::vector<std::string> pick_documents(const fs::path& folder, std::size_t most) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    std::error_code unreadable;
    if (fs::is_regular_file(at->symlink_status(unreadable))) files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  if (files.size() <= most) return files;
  std::vector<std::string> out;
  out.reserve(most);
  for (std::size_t i = 0; i < most; ++i) out.push_back(files[i * files.size() / most]);
  return out;
}

}  // namespace demo
