#include "broker/engine/replay_watch.h"

#include <algorithm>
#include <limits>

#include "broker/engine/job_reader.h"

namespace pawl::engine {
namespace {

bool is_canary_out(const OperationView& view) { return view.spec.canary > 0 && !view.canary_passed; }

}  // namespace

bool is_watched(const OperationView& view) {
  return view.spec.action == OperationSpec::Action::replay &&
         (view.spec.stop_on_failure_rate.has_value() || is_canary_out(view));
}

std::size_t room_of(const OperationView& view) {
  if (!is_watched(view)) return std::numeric_limits<std::size_t>::max();
  if (is_canary_out(view)) return view.spec.canary - std::min<std::uint64_t>(view.spec.canary, view.done);
  return watched_max - std::min(watched_max, view.under_way.size());
}

bool look_after(OperationView& view, const storage::Snapshot& snapshot, core::Millis wall) {
  const std::uint64_t before = view.ended;
  std::erase_if(view.under_way, [&](const core::JobId& id) {
    bool damaged = false;
    const auto job = read_job(snapshot, id, wall, damaged);
    if (damaged || (job && !core::is_end(job->status))) return false;
    // Gone: it has ended and was not kept, or somebody deleted it. That is no failure.
    ++view.ended;
    if (job && job->status == core::Status::failed) ++view.failed;
    return true;
  });
  const bool canary_over = is_canary_out(view) && view.done >= view.spec.canary && view.under_way.empty() &&
                           !fails_too_often(view);
  if (canary_over) view.canary_passed = true;
  return view.ended != before || canary_over;
}

bool fails_too_often(const OperationView& view) {
  if (!is_watched(view) || view.ended == 0) return false;
  const bool enough = is_canary_out(view) ? view.done >= view.spec.canary && view.under_way.empty()
                                          : view.ended >= judged_min;
  const double bound = view.spec.stop_on_failure_rate.value_or(0);
  return enough && static_cast<double>(view.failed) > bound * static_cast<double>(view.ended);
}

}  // namespace pawl::engine
