// What the broker's own parts have it do within a batch, as the engine's loop does it.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "broker/engine/codec.h"
#include "tests/simulation/broker.h"

namespace pawl::sim {

using namespace core;

namespace {
constexpr Ticket own{~std::uint64_t{0}};
}  // namespace

std::optional<Job> Broker::resident(const JobId& id) {
  seen_.reset();
  looking_ = true;
  machine_.apply({Ticket{1}, LookResident{{id}}}, now_, *this);
  looking_ = false;
  auto* found = seen_ ? std::get_if<Resident>(&*seen_) : nullptr;
  if (found == nullptr || found->jobs.empty() || found->jobs.front().gone) return std::nullopt;
  return std::move(found->jobs.front().view.job);
}

std::optional<Reply> Broker::carry_out_one(CommandBody body, const JobId& id,
                                           const std::function<bool(const Job&)>& wanted) {
  const Command command{own, std::move(body)};
  load_for(command);
  if (wanted) {
    const std::optional<Job> job = resident(id);
    if (!job || !wanted(*job)) return std::nullopt;
  }
  serve(command);
  const auto said = std::ranges::find(replies_, own, &std::pair<Ticket, Reply>::first);
  if (said == replies_.end()) return std::nullopt;
  Reply reply = std::move(said->second);
  replies_.erase(said);
  return reply;
}

void Broker::carry_out(Work& work) {
  if (work.before != nullptr) {
    engine::Together& together = *work.before;
    together.replies.resize(together.commands.size());
    std::vector<OperationAct> acts;
    for (std::size_t i = 0; i < together.commands.size(); ++i) {
      const JobId id = together.jobs[i];
      OperationAct act{id, parts_.operations.facts_of(id), {}, options_.true_time()};
      std::optional<Reply>& reply = together.replies[i];
      reply = carry_out_one(std::move(together.commands[i]), id, together.wanted);
      if (reply && !std::holds_alternative<Refused>(*reply)) {
        const auto* changed = std::get_if<JobChanged>(&*reply);
        act.made = changed != nullptr ? changed->id : id;
      }
      acts.push_back(std::move(act));
    }
    parts_.operations.acted(std::move(acts));
  }
  const std::size_t entries = parts_.disk.outbox().batch.count();
  work.run(machine_, parts_.disk.outbox(), now_);
  wrote_ = wrote_ || parts_.disk.outbox().batch.count() > entries;
  tell_of_operations();
}

// What the batch says of them.
void Broker::tell_of_operations() {
  std::vector<engine::OperationRow> rows;
  parts_.disk.outbox().batch.for_each([&](const storage::Batch::Entry& entry) {
    if (entry.family != engine::family::operations) return;
    if (entry.op == storage::Batch::Op::erase)
      parts_.operations.row_erased(engine::uuid_text(engine::id_at(entry.key, 0)));
    else
      rows.push_back(*engine::decode_operation(entry.key, entry.value));
  });
  for (engine::OperationRow& row : rows) {
    if (is(Canary::operation_careless) && row.view.spec.canary > 0 && row.view.done > 0) {
      row.view.canary_passed = true;
      std::string value;
      engine::encode_operation(row, value);
      parts_.disk.outbox().batch.put(engine::family::operations, engine::parse_uuid(row.view.id)->view(),
                                     value);
    }
    parts_.operations.row(row);
  }
}

void Broker::tell_failures(std::vector<engine::FailureChange> changes) {
  using What = engine::FailureChange::What;
  if (is(Canary::cause_never_leaves))
    std::erase_if(changes, [](const auto& change) { return change.what == What::left; });
  if (uncounted_ != nullptr && !changes.empty()) parts_.rare.add(Rare::cause_came_while_counting);
  failures_.add(changes);
}

void Broker::count_failures() {
  if (uncounted_ == nullptr) return;
  failures_.count(std::move(uncounted_), now_.wall, nullptr);
  if (!is(Canary::causes_forgotten)) return;
  for (const QueueView& queue : machine_.queue_views(now_))
    failures_.add({{engine::FailureChange::What::queue_gone, queue.number}});
}

void Broker::audit_failures() {
  count_failures();
  std::map<QueueNumber, std::map<engine::Fingerprint, std::uint64_t>> wanted;
  const Image image = parts_.disk.image(now_.wall);
  for (const auto& [address, job] : image.dead) ++wanted[job->queue][engine::fingerprint_of(*job)];
  for (const QueueView& queue : machine_.queue_views(now_)) {
    const auto& causes = wanted[queue.number];
    const auto groups = failures_.read(queue.number, now_.wall).value();
    const bool together = std::ranges::any_of(
        groups, [](const auto& group) { return group.fingerprint == engine::Fingerprint::none; });
    if (together) parts_.rare.add(Rare::causes_counted_together);
    std::uint64_t told = 0;
    for (const engine::FailureGroup& group : groups) {
      told += group.count;
      if (group.fingerprint == engine::Fingerprint::none) continue;
      const auto known = causes.find(group.fingerprint);
      const std::uint64_t count = known == causes.end() ? 0 : known->second;
      // While some are counted together, a cause may have others there.
      if (group.count > count || (!together && group.count < count))
        violated("G1", fmt::format("queue {} tells {} failures of a cause ({}), and has {}", queue.name,
                                   group.count, group.type, count));
    }
    std::uint64_t all = 0;
    for (const auto& [cause, count] : causes) all += count;
    if (told != all)
      violated("G1", fmt::format("queue {} tells {} failures, and has {}", queue.name, told, all));
  }
}

}  // namespace pawl::sim
