// The negative control of the power cut: preloaded into the broker, it makes every sync a lie.
#include <cstddef>

extern "C" {
int fsync(int) { return 0; }
int fdatasync(int) { return 0; }
int sync_file_range(int, long, long, unsigned) { return 0; }
int msync(void*, std::size_t, int) { return 0; }
}
