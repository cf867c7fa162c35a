#include "broker/engine/letter_reader.h"

#include <string_view>

#include "broker/engine/codec.h"
#include "broker/engine/list_merge.h"

namespace pawl::engine {

namespace {
constexpr char position_dead = 'd';  // then the key of the last row that was looked at
}  // namespace

bool belongs_to(const std::string& position, core::QueueNumber queue) {
  return position.size() <= 1 || position.substr(1).starts_with(queue_key(queue).str());
}

LetterSlice read_letters(const storage::Snapshot& snapshot, const OperationView& view,
                         core::QueueNumber queue, const std::string& position, std::size_t most,
                         std::size_t rows_max, core::Millis now_wall, const PayloadValue& value_at) {
  LetterSlice slice;
  slice.position = position.empty() ? std::string(1, position_dead) : position;
  slice.last = true;
  storage::Range range{family_of(core::Place::dead), queue_key(queue).str(), queue_end(queue).str()};
  if (slice.position.size() > 1) range.begin = slice.position.substr(1) + '\0';
  std::size_t rows = 0;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (slice.ids.size() >= most || rows++ >= rows_max) {
      slice.last = false;
      return false;
    }
    slice.position.resize(1);
    slice.position += key;
    const Decoded<core::Job> job = decode_job(core::Place::dead, key, value);
    slice.failed = !job;
    if (!job) return false;
    // What died later is not its own: a job that dies again must not run in circles.
    if (job->finished_at > view.started_at || expired(job->expires_at, now_wall)) return true;
    if (matches(view.spec.filter, *job, value_at)) slice.ids.push_back(job->id);
    return true;
  };
  const auto scanned = snapshot.scan(range, visit);
  slice.failed = slice.failed || !scanned;
  return slice;
}

}  // namespace pawl::engine
