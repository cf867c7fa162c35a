#include "client/examples/document/text_file.h"

#include <zlib.h>

#include <filesystem>
#include <memory>

namespace document {

std::string read_text_file(const std::string& path, std::size_t bytes_max) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw unusable("not-found", "there is no file " + path);
  if (!std::filesystem::is_regular_file(status)) throw unusable("not-a-file", path + " is no regular file");

  // zlib hands plain files through as they are.
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw unusable("unreadable", "cannot open " + path);
  constexpr std::size_t step = 256u << 10;
  std::string out;
  for (;;) {
    const std::size_t before = out.size();
    out.resize(before + step);
    const int got = gzread(file.get(), out.data() + before, static_cast<unsigned>(step));
    out.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
    int code = Z_OK;
    const char* why = gzerror(file.get(), &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) throw unusable("bad-gzip", path + ": " + why);
    if (out.size() > bytes_max) {
      throw unusable("too-large", path + " has more than " + std::to_string(bytes_max) + " bytes of text");
    }
    if (got == 0) return out;
  }
}

}  // namespace document
