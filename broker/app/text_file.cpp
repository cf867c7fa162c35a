#include "broker/app/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pawl::app {

std::expected<std::string, std::string> read_text_file(const std::string& path) {
  constexpr std::size_t bytes_max = 1u << 20;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(std::string(std::strerror(errno)));
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while (text.size() <= bytes_max && (got = ::read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  const int error = errno;
  ::close(fd);
  if (got < 0) return std::unexpected(std::string(std::strerror(error)));
  if (text.size() > bytes_max) return std::unexpected("it is larger than 1 MiB");
  return text;
}

}  // namespace pawl::app
