// pawld: see daemon.h.
#include <cstdio>
#include <string>
#include <vector>

#include "broker/app/config.h"
#include "broker/app/daemon.h"
#include "broker/app/process.h"

int main(int argc, char** argv) {
  using namespace pawl::app;
  prepare_process();
  const auto configuration = configure({argv + 1, argv + argc}, process_environment());
  if (!configuration) {
    std::fprintf(stderr, "pawld: %s\n", configuration.error().c_str());
    return exit_wrong_use;
  }
  if (const auto* print = std::get_if<PrintAndExit>(&*configuration)) {
    std::fputs(print->text.c_str(), stdout);
    return 0;
  }
  return run_daemon(std::get<Settings>(*configuration));
}
