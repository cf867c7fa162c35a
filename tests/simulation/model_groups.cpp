// Pauses of groups, and what is told of groups.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

std::size_t Model::ready_in_group(QueueNumber queue, const std::string& group) const {
  const auto ready = ready_.find(queue);
  if (ready == ready_.end()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(
      ready->second, [&](const ReadyKey& key) { return jobs_.at(key.id).spec->group == group; }));
}

void Model::predict(const PauseGroup& pause) {
  const auto known = queues_.find(pause.queue);
  if (known == queues_.end()) {
    answer_ = Refusal::unknown_queue;
    return;
  }
  answer_ = ExpectedGroup{pause.queue, pause.group};
  ModelQueue queue = known->second;
  const auto paused = queue.paused_groups.find(pause.group);
  if (pause.paused) {
    const Millis since = paused == queue.paused_groups.end() ? now_.wall : paused->second.said.since;
    queue.paused_groups[pause.group] = {{pause.reason, since}, run_};
  } else {
    if (paused != queue.paused_groups.end() && ready_in_group(queue.number, pause.group) > 0)
      rare_.add(Rare::waiting_group_resumed);
    queue.paused_groups.erase(pause.group);
  }
  set_queue(pause.queue, std::move(queue));
}

void Model::predict(const ListGroups& list) {
  if (queues_.contains(list.queue))
    answer_ = ExpectedGroups{list};
  else
    answer_ = Refusal::unknown_queue;
}

void Model::check_group(const GroupView& view) const {
  const ModelQueue& queue = queues_.at(view.queue);
  const auto wrong = [&](std::string_view what) {
    violated("Q8", fmt::format("group '{}' of queue {} is shown {}", view.group, view.queue, what));
  };
  const auto paused = queue.paused_groups.find(view.group);
  if (view.pause.has_value() != (paused != queue.paused_groups.end()))
    wrong(view.pause ? "as paused" : "as not paused");
  if (view.pause && view.pause->reason != paused->second.said.reason) wrong("with another reason");
  if (view.pause && view.pause->since != paused->second.said.since) wrong("as paused since another time");
  if (view.group.empty()) return;
  const std::size_t active = active_in_group(queue.number, view.group);
  const std::size_t ready = ready_in_group(queue.number, view.group);
  if (view.active != active) wrong(fmt::format("with {} active jobs, not {}", view.active, active));
  if (view.waiting_exact ? view.waiting != ready : view.waiting > ready)
    wrong(fmt::format("with {} waiting jobs{}, not {}", view.waiting, view.waiting_exact ? "" : " or more",
                      ready));
}

void Model::check_groups(const GroupList& list, const ListGroups& asked) const {
  const ModelQueue& queue = queues_.at(asked.queue);
  std::set<std::string> told;
  for (const GroupView& view : list.groups) {
    check_group(view);
    told.insert(view.group);
    if (asked.only_paused && !view.pause) violated("Q8", "a group is listed that is not paused");
  }
  if (list.total > list.groups.size()) return;
  const auto must_be_told = [&](const std::string& group) {
    if (!group.empty() && !told.contains(group))
      violated("Q8", fmt::format("group {} of queue {} is not listed", group, asked.queue));
  };
  for (const auto& [group, pause] : queue.paused_groups) must_be_told(group);
  if (asked.only_paused) return;
  for (const JobId& id : active_) {
    if (jobs_.at(id).queue == queue.number) must_be_told(jobs_.at(id).spec->group);
  }
}

std::string Model::difference_of_pauses(const Image& image, const ModelQueue& queue) {
  std::size_t on_disk = 0;
  const auto end = image.groups.lower_bound({QueueNumber{static_cast<std::uint32_t>(queue.number) + 1}, {}});
  for (auto row = image.groups.lower_bound({queue.number, {}}); row != end; ++row) {
    if (!row->second.pause) continue;
    ++on_disk;
    const auto known = queue.paused_groups.find(row->second.group);
    if (known == queue.paused_groups.end())
      return fmt::format("group {} is paused and must not be", row->second.group);
    if (row->second.pause->reason != known->second.said.reason ||
        row->second.pause->since != known->second.said.since)
      return fmt::format("group {} is paused otherwise", row->second.group);
  }
  if (on_disk == queue.paused_groups.size()) return {};
  return fmt::format("{} groups are paused, not {}", on_disk, queue.paused_groups.size());
}

void Model::audit_groups(const Image& image) const {
  for (const auto& [name, queue] : queues_) {
    const std::string wrong = difference_of_pauses(image, queue);
    if (!wrong.empty()) violated("Q8", fmt::format("queue {} on disk: {}", name, wrong));
  }
  for (const auto& [at, row] : image.groups) {
    if (!image.queues.contains(at.first)) violated("Q8", "a group is on disk whose queue is not");
  }
}

}  // namespace pawl::sim
