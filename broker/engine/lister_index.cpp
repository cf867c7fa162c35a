// The lister's part in the search index: when it is wanted, built, told from and forgotten.
#include <algorithm>
#include <utility>

#include "broker/engine/job_lister.h"

namespace pawl::engine {

using core::QueueNumber;
using std::chrono::steady_clock;

namespace {
constexpr std::chrono::minutes index_again{10};  // a full index is made anew no more often
constexpr std::chrono::milliseconds build_time{40};
constexpr std::size_t build_rows = 20'000;
}  // namespace

// False: there is none.
bool SnapshotLister::want_index() {
  searched_at_ = steady_clock::now();
  if (index_.armed() && index_.full() && searched_at_ > armed_at_ + index_again) forget_index();
  if (index_.armed()) return true;
  index_.arm();
  armed_at_ = searched_at_;
  build_notes_ = {};
  // Whatever the engine had begun before it saw that the index is armed is durable after this.
  const auto queues = std::make_shared<std::vector<std::uint32_t>>();
  const bool ran = port_.run([queues](core::Machine& machine, BatchOutbox&, core::Now) {
    machine.each_queue(
        [&](const core::QueueRow& row) { queues->push_back(static_cast<std::uint32_t>(row.number)); });
  });
  if (!ran) {
    index_.disarm();
    return false;
  }
  to_build_ = {queues->begin(), queues->end()};
  return true;
}

void SnapshotLister::forget_index() {
  index_.disarm();
  to_build_.clear();
  build_.reset();
}

// False: there is nothing to build, or it cannot be read.
bool SnapshotLister::begin_build(QueueNumber queue) {
  auto build = std::make_unique<Build>();
  build->queue = queue;
  build->progress = index_.progress(queue);
  build->snapshot = port_.snapshot();
  const auto row = build->snapshot->get(family::queues, queue_key(queue));
  if (build->progress.complete || !row || !*row) return false;
  Decoded<core::QueueRow> decoded = decode_queue(queue_key(queue), **row);
  if (!decoded) return false;
  build->paths = std::move(decoded->settings.searchable);
  build->all.newest_first = false;
  ListMerge::Options options{*build->snapshot, build->all, port_.wall(), build->progress.built_to};
  options.rows_max = build_rows;
  options.time_max = build_time;
  options.counts = false;
  if (!build->merge.emplace(options).add_queue(queue)) return false;
  build_ = std::move(build);
  return true;
}

// One slice of one queue.
void SnapshotLister::build_some() {
  const std::uint32_t number = *to_build_.begin();
  const QueueNumber queue{number};
  // Reset meanwhile: what was declared as searchable is not what it was.
  if (build_ && (build_->queue != queue || index_.progress(queue).resets != build_->progress.resets))
    build_.reset();
  if (!build_ && !begin_build(queue)) {
    to_build_.erase(number);
    return;
  }
  ListMerge& merge = *build_->merge;
  merge.go_on();
  bool good = true;
  while (true) {
    const auto candidate = merge.next();
    good = candidate.has_value();
    if (!good || !*candidate) break;
    if ((*candidate)->job) build_notes_.add(*(*candidate)->job, &build_->paths, value_at_);
  }
  if (good) {
    build_->progress.built_to = merge.seen();
    build_->progress.complete = merge.is_complete();
    index_.build(queue, build_notes_, build_->progress);
  }
  build_notes_.clear();
  // What cannot be read stays without an index; a search that reads it says so.
  if (good && !merge.is_complete()) return;
  to_build_.erase(number);
  build_.reset();
}

std::expected<Suggestions, ListError> SnapshotLister::read_words(SuggestField field,
                                                                 const std::string& prefix,
                                                                 std::size_t limit) {
  Suggestions found;
  if (field == SuggestField::queue) {
    const auto reply = port_.ask(core::ListQueues{});
    if (!reply) return std::unexpected(reply.error());
    const auto* list = std::get_if<core::QueueList>(&*reply);
    if (list == nullptr) return std::unexpected(ListError::busy);
    for (const core::QueueView& queue : list->queues) {
      if (queue.name.starts_with(prefix) && found.values.size() < limit) found.values.push_back(queue.name);
    }
    return found;
  }
  if (!want_index()) return std::unexpected(ListError::busy);
  if (!to_build_.empty()) build_some();
  found.complete = to_build_.empty();
  switch (field) {
    case SuggestField::queue:
    case SuggestField::name:
      found.values = index_.words(SearchField::name, prefix, limit);
      break;
    case SuggestField::group:
      found.values = index_.words(SearchField::group, prefix, limit);
      break;
    case SuggestField::tag:
      found.values = index_.words(SearchField::tag, prefix, limit);
      break;
    case SuggestField::error_type:
      found.values = index_.words(SearchField::error_type, prefix, limit);
      break;
    case SuggestField::worker: {
      found.values = index_.words(SearchField::worker, prefix, limit);
      // Those that have not finished anything yet.
      const auto reply = port_.ask(core::ListWorkers{});
      if (!reply) return std::unexpected(reply.error());
      if (const auto* list = std::get_if<core::WorkerList>(&*reply)) {
        for (const core::WorkerView& worker : list->workers) {
          if (worker.worker_id.starts_with(prefix)) found.values.push_back(worker.worker_id);
        }
      }
      std::ranges::sort(found.values);
      const auto repeated = std::ranges::unique(found.values);
      found.values.erase(repeated.begin(), repeated.end());
      if (found.values.size() > limit) found.values.resize(limit);
      break;
    }
  }
  return found;
}

}  // namespace pawl::engine
