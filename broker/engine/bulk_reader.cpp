#include "broker/engine/bulk_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/engine/list_merge.h"

namespace pawl::engine {

using core::JobId;

namespace {

std::expected<std::vector<core::QueueNumber>, ListError> queues_of(Port& port,
                                                                   const storage::Snapshot& snapshot,
                                                                   const std::string& only) {
  std::vector<core::QueueNumber> queues;
  if (!only.empty()) {
    const auto reply = port.ask(core::GetQueue{only});
    if (!reply) return std::unexpected(reply.error());
    // Deleted meanwhile, its jobs with it: there are none left.
    if (const auto* queue = std::get_if<core::QueueView>(&*reply)) queues.push_back(queue->number);
    return queues;
  }
  bool damaged = false;
  const auto scanned = snapshot.scan({family::queues, {}, std::string(5, '\xff')},
                                     [&](std::string_view key, std::string_view value) {
                                       const Decoded<core::QueueRow> row = decode_queue(key, value);
                                       damaged = damaged || !row;
                                       if (row) queues.push_back(row->number);
                                       return !damaged;
                                     });
  if (!scanned || damaged) return std::unexpected(ListError::store);
  return queues;
}

// An active job's row says what it was before, so those come from memory.
bool add_active(Port& port, ListMerge& merge, const std::vector<core::QueueNumber>& queues) {
  const auto ids = std::make_shared<std::vector<JobId>>();
  const bool ran = port.run([ids, &queues](core::Machine& machine, BatchOutbox&, core::Now) {
    for (const auto& [id, lease] : machine.active_leases()) {
      if (std::ranges::find(queues, id.queue()) != queues.end()) ids->push_back(id);
    }
  });
  if (ran) merge.add_resident(std::move(*ids));
  return ran;
}

// Whether some of them cannot be told by their rows.
bool needs_active(const JobFilter& filter) {
  if (filter.status.empty()) return filter.worker.has_value();
  return std::ranges::find(filter.status, core::Status::active) != filter.status.end();
}

}  // namespace

JobFilter filter_of(const OperationSpec& spec) {
  JobFilter filter = spec.filter;
  if (spec.action == OperationSpec::Action::drain) {
    using core::Status;
    filter.status = {Status::pending, Status::stalled, Status::delayed, Status::blocked};
  }
  if (!spec.queue.empty()) filter.queue = spec.queue;
  filter.newest_first = false;
  return filter;
}

std::expected<BulkSlice, ListError> read_bulk(Port& port, const OperationView& view,
                                              const std::optional<JobId>& after, const BulkBudget& most,
                                              const PayloadValue& value_at) {
  const JobFilter filter = filter_of(view.spec);
  const std::unique_ptr<storage::Snapshot> snapshot = port.snapshot();
  const auto queues = queues_of(port, *snapshot, view.spec.queue);
  if (!queues) return std::unexpected(queues.error());
  ListMerge::Options options{*snapshot, filter, port.wall(), after};
  options.value_at = &value_at;
  options.time_max = most.time;
  ListMerge merge(options);
  if (needs_active(filter) && !add_active(port, merge, *queues)) {
    return std::unexpected(ListError::busy);
  }
  for (const core::QueueNumber queue : *queues) {
    if (!merge.add_queue(queue)) return std::unexpected(ListError::store);
  }
  BulkSlice slice;
  while (slice.ids.size() < most.jobs) {
    auto candidate = merge.next();
    if (!candidate) return std::unexpected(ListError::store);
    if (!candidate->has_value()) {
      slice.last = merge.is_complete();
      break;
    }
    // What was submitted later than the operation is not its own.
    if ((*candidate)->job && (*candidate)->job->created_at > view.started_at) continue;
    slice.ids.push_back((*candidate)->id);
  }
  slice.seen = merge.seen();
  return slice;
}

}  // namespace pawl::engine
