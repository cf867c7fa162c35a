#include <fcntl.h>
#include <unistd.h>

#include "client/cli/program.h"

int main(int argc, char** argv) {
  using namespace pawl::cli;
  // A missing standard descriptor would be given to the next socket, and then be written to as if it were a
  // screen.
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0 || fd > 2) {
      if (fd > 2) ::close(fd);
      break;
    }
  }
  return static_cast<int>(run_program({argv + 1, argv + argc}));
}
