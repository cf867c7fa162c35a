// A machine on a bench: rows live in maps, time moves by advance(), every call is one batch.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/machine.h"

namespace pawl::core::test {

/// Keeps rows as a store would and replies by ticket.
struct Rows : Outbox {
  std::map<Place, std::map<JobId, Job>> jobs;
  std::map<std::pair<QueueNumber, std::uint32_t>, std::map<ReadyKey, JobId>> ready;  // by lane
  std::set<std::pair<Millis, JobId>> timers;
  std::map<std::uint64_t, Grant> grants;
  std::map<QueueNumber, QueueRow> queues;
  std::map<std::tuple<Millis, QueueNumber, Status>, std::uint64_t> retained;
  std::map<std::pair<QueueNumber, std::string>, UniqueRow> unique;
  std::map<std::string, IdempotencyRow> idempotency;
  std::map<JobId, std::vector<std::string>> logs;
  std::map<std::string, ScheduleRow> schedules;
  std::map<JobId, Wait> waits;
  std::map<WorkflowId, WorkflowRow> workflows;
  std::map<WorkflowId, std::map<std::uint32_t, MemberRow>> members;
  std::map<JobId, std::map<JobId, Dependent>> dependents;
  std::map<JobId, std::map<JobId, ParentResult>> parents;
  std::map<JobId, Join> joins;
  std::map<std::uint64_t, Owed> owed;  // by number
  std::map<std::pair<QueueNumber, LaneKey>, std::uint32_t> lanes;
  std::map<std::string, LimitRow> limits;
  std::map<std::pair<QueueNumber, std::string>, GroupRow> groups;
  std::map<std::pair<QueueNumber, std::uint32_t>, OrderRow> orders;
  std::map<std::string, TriggerRow> triggers;
  std::map<std::pair<std::string, std::uint64_t>, GatheredRow> gathered;
  Marks marks;
  std::vector<std::pair<Ticket, Reply>> replies;
  std::size_t overwritten_ready = 0;

  void put_job(Place place, const Job& job) override {
    if (place == Place::ready && !ready[{job.queue, job.lane}].emplace(job.ready_key(), job.id).second)
      ++overwritten_ready;
    jobs[place][job.id] = job;
  }
  void erase_job(Place place, const Job& job) override {
    if (place == Place::ready) ready[{job.queue, job.lane}].erase(job.ready_key());
    jobs[place].erase(job.id);
  }
  void put_timer(Millis due, const JobId& id) override { timers.emplace(due, id); }
  void erase_timer(Millis due, const JobId& id) override { timers.erase({due, id}); }
  void erase_timers(const Timer& first, const Timer& last) override {
    timers.erase(timers.lower_bound(first), timers.upper_bound(last));
  }
  void put_grant(const Grant& grant) override { grants[grant.number] = grant; }
  void erase_grant(std::uint64_t number) override { grants.erase(number); }
  void put_queue(const QueueRow& row) override { queues[row.number] = row; }
  void erase_queue(const QueueRow& row) override {
    queues.erase(row.number);
    const auto of_queue = [&](const auto& item) { return item.first.first == row.number; };
    std::erase_if(ready, of_queue);
    std::erase_if(lanes, of_queue);
    std::erase_if(groups, of_queue);
    std::erase_if(orders, of_queue);
    for (auto& [place, in_place] : jobs) {
      std::erase_if(in_place, [&](const auto& item) { return item.second.queue == row.number; });
    }
    std::erase_if(unique, [&](const auto& item) { return item.first.first == row.number; });
  }
  void put_retained(const RetainedRow& row) override {
    if (row.count == 0)
      retained.erase({row.expires_at, row.queue, row.status});
    else
      retained[{row.expires_at, row.queue, row.status}] = row.count;
  }
  void put_marks(const Marks& row) override { marks = row; }
  void put_unique(QueueNumber queue, std::string_view key, const UniqueRow& row) override {
    unique[{queue, std::string(key)}] = row;
  }
  void erase_unique(QueueNumber queue, std::string_view key) override {
    unique.erase({queue, std::string(key)});
  }
  void put_idempotency(std::string_view key, const IdempotencyRow& row) override {
    idempotency[std::string(key)] = row;
  }
  void put_schedule(const ScheduleRow& row) override { schedules[row.schedule.id] = row; }
  void erase_schedule(const std::string& id) override { schedules.erase(id); }
  void put_trigger(const TriggerRow& row) override { triggers[row.trigger.id] = row; }
  void erase_trigger(const std::string& id) override { triggers.erase(id); }
  void put_gathered(const GatheredRow& row) override { gathered[{row.trigger, row.number}] = row; }
  void erase_gathered(const std::string& trigger, std::uint64_t number) override {
    gathered.erase({trigger, number});
  }
  void put_workflow(const WorkflowRow& row) override { workflows[row.id] = row; }
  void put_member(const MemberRow& row) override { members[row.workflow][row.index] = row; }
  void put_dependent(const JobId& parent, const Dependent& dependent) override {
    dependents[parent][dependent.id] = dependent;
  }
  void erase_dependent(const JobId& parent, const JobId& child) override {
    dependents[parent].erase(child);
    if (dependents[parent].empty()) dependents.erase(parent);
  }
  void put_parent(const JobId& child, const ParentResult& parent) override {
    parents[child][parent.id] = parent;
  }
  void erase_parent(const JobId& child, const JobId& parent) override {
    parents[child].erase(parent);
    if (parents[child].empty()) parents.erase(child);
  }
  void erase_parents(const JobId& child) override { parents.erase(child); }
  void put_join(const JobId& child, const Join& join) override { joins[child] = join; }
  void erase_join(const JobId& child) override { joins.erase(child); }
  void put_owed(const Owed& row) override { owed[row.number] = row; }
  void erase_owed(std::uint64_t number) override { owed.erase(number); }
  void put_wait(const JobId& id, const Wait& wait) override { waits[id] = wait; }
  void erase_wait(const JobId& id) override { waits.erase(id); }
  void put_lane(QueueNumber queue, const LaneKey& key, std::uint32_t number) override {
    lanes[{queue, key}] = number;
  }
  void put_limit(const LimitRow& row) override { limits[row.name] = row; }
  void erase_limit(const std::string& name) override { limits.erase(name); }
  void put_group(const GroupRow& row) override { groups[{row.queue, row.group}] = row; }
  void erase_group(QueueNumber queue, const std::string& group) override { groups.erase({queue, group}); }
  void put_order(const OrderRow& row) override { orders[{row.queue, row.lane}] = row; }
  void erase_order(QueueNumber queue, std::uint32_t lane) override { orders.erase({queue, lane}); }
  void put_logs(const Job& job, Millis, std::span<const std::string> lines) override {
    logs[job.id].insert(logs[job.id].end(), lines.begin(), lines.end());
  }
  void erase_logs(const JobId& id) override { logs.erase(id); }
  void reply(Ticket to, Reply&& reply) override { replies.emplace_back(to, std::move(reply)); }
  void moved(const Job&, const std::string&, Status, const Event*) override {}
  void changed(const Job&, const std::string&) override {}
  void progressed(const Job&, const std::string&) override {}
  void logged(const Job&, const std::string&, std::span<const std::string>) override {}
};

class Bench {
 public:
  int pay_rounds = 32;  // in one batch

  explicit Bench(MachineOptions options = {}, const Calendar* calendar = nullptr)
      : options_(options), calendar_(calendar) {
    machine_ = std::make_unique<Machine>(options_, 7, calendar_);
  }

  Rows rows;
  Now now{1'700'000'000'000, 1'000};

  Machine& machine() { return *machine_; }

  /// Carries out one command as one batch; returns its ticket.
  Ticket post(CommandBody body, Ticket ticket = Ticket::none) {
    if (ticket == Ticket::none) ticket = Ticket{++tickets_};
    const Command command{ticket, std::move(body)};
    Needs needs;
    for (machine_->needs(command, needs); !needs.empty(); machine_->needs(command, needs)) load(needs);
    machine_->apply(command, now, rows);
    finish_batch();
    return ticket;
  }
  /// Some commands in one batch, in order.
  void call_together(std::vector<CommandBody> bodies) {
    std::vector<Command> commands;
    for (CommandBody& body : bodies) commands.push_back({Ticket{++tickets_}, std::move(body)});
    Needs needs;
    for (const Command& command : commands) {
      for (machine_->needs(command, needs); !needs.empty(); machine_->needs(command, needs)) load(needs);
    }
    for (const Command& command : commands) machine_->apply(command, now, rows);
    finish_batch();
  }
  /// The reply, if one has come; taken away.
  std::optional<Reply> take(Ticket ticket) {
    for (auto it = rows.replies.begin(); it != rows.replies.end(); ++it) {
      if (it->first != ticket) continue;
      Reply reply = std::move(it->second);
      rows.replies.erase(it);
      return reply;
    }
    return std::nullopt;
  }
  template <typename T>
  T call(CommandBody body) {
    std::optional<Reply> reply = take(post(std::move(body)));
    return std::get<T>(reply.value());
  }
  /// Both clocks go on, stopping at each deadline on the way.
  void advance(Millis ms) {
    const Now end{now.wall + ms, now.mono + ms};
    while (true) {
      const Machine::Deadline deadline = machine_->next_deadline();
      Millis step = end.mono - now.mono;
      if (deadline.wall != never) step = std::min(step, std::max<Millis>(deadline.wall - now.wall, 0));
      if (deadline.mono != never) step = std::min(step, std::max<Millis>(deadline.mono - now.mono, 0));
      now.wall += step;
      now.mono += step;
      tick();
      if (now.mono >= end.mono && settled()) return;
    }
  }
  void tick() {
    Needs needs;
    machine_->tick_needs(now, needs);
    load(needs);
    machine_->tick(now, rows);
    finish_batch();
  }
  /// The process dies and comes back with what the rows say.
  void restart() {
    machine_ = std::make_unique<Machine>(options_, 11, calendar_);
    rows.replies.clear();
    machine_->restore_marks(rows.marks);
    for (const auto& [number, row] : rows.queues) machine_->restore_queue(row);
    for (const auto& [key, count] : rows.retained) {
      machine_->restore_retained({std::get<1>(key), std::get<2>(key), std::get<0>(key), count});
    }
    for (const auto& [id, row] : rows.schedules) machine_->restore_schedule(row);
    for (const auto& [id, wait] : rows.waits) machine_->restore_wait(id, wait);
    for (const auto& [id, row] : rows.owed) machine_->restore_owed(row);
    for (const auto& [id, row] : rows.triggers) machine_->restore_trigger(row);
    for (const auto& [name, row] : rows.limits) machine_->restore_limit(row);
    for (const auto& [key, row] : rows.groups) machine_->restore_group(row, now);
    for (const auto& [key, row] : rows.orders) machine_->restore_order(row);
    for (const auto& [key, order] : rows.ready) {
      if (key.second != 0 && !order.empty())
        machine_->restore_lane(rows.jobs[Place::ready].at(order.begin()->second));
    }
    for (const auto& [key, row] : rows.gathered) machine_->restore_gathered(row);
    for (const auto& [number, grant] : std::map(rows.grants)) {
      std::vector<Job> held;
      for (const Grant::Entry& entry : grant.entries) {
        for (const Place place : {Place::ready, Place::parked}) {
          const auto job = rows.jobs[place].find(entry.id);
          if (job == rows.jobs[place].end()) continue;
          held.push_back(job->second);
          break;
        }
      }
      machine_->restore_grant(grant, std::move(held), now);
    }
    finish_batch();
  }

  // Short hands.
  static NewJob job(std::string queue) {
    NewJob spec;
    spec.queue = std::move(queue);
    return spec;
  }
  JobId submit(NewJob spec) { return call<Submitted>(Submit{{std::move(spec)}, {}}).jobs.at(0).id; }
  std::vector<GrantedJob> lease(std::string queue, std::uint32_t max = 1, std::string worker = "w1") {
    return call<Granted>(Lease{std::move(queue), std::move(worker), max, 0, {}}).jobs;
  }
  SettleResult settle(Settlement settlement) {
    return call<Settled>(Settle{{std::move(settlement)}}).results.at(0);
  }
  SettleResult complete(const GrantedJob& granted) {
    Settlement settlement;
    settlement.id = granted.id;
    settlement.lease = granted.lease;
    return settle(std::move(settlement));
  }
  SettleResult rate_limited(const GrantedJob& granted, Millis retry_after) {
    Settlement settlement;
    settlement.id = granted.id;
    settlement.lease = granted.lease;
    settlement.outcome = Settlement::Outcome::rate_limited;
    settlement.retry_after_ms = retry_after;
    return settle(std::move(settlement));
  }
  /// What came to the worker since it was asked last.
  std::vector<GrantedJob> granted(Ticket worker) {
    std::vector<GrantedJob> jobs;
    while (std::optional<Reply> reply = take(worker)) {
      if (auto* some = std::get_if<Granted>(&*reply))
        std::move(some->jobs.begin(), some->jobs.end(), std::back_inserter(jobs));
    }
    return jobs;
  }
  /// How many come to the worker at once, and in each of the times after that.
  std::vector<std::size_t> granted_in(Ticket worker, std::initializer_list<Millis> times) {
    std::vector<std::size_t> counts{granted(worker).size()};
    for (const Millis time : times) {
      advance(time);
      counts.push_back(granted(worker).size());
    }
    return counts;
  }
  SettleResult fail(const GrantedJob& granted, bool permanent = false, std::optional<Millis> delay = {}) {
    Settlement settlement;
    settlement.id = granted.id;
    settlement.lease = granted.lease;
    settlement.outcome = Settlement::Outcome::fail;
    settlement.error_type = "boom";
    settlement.permanent = permanent;
    settlement.retry_delay_ms = delay;
    return settle(std::move(settlement));
  }
  SettleResult suspend(const GrantedJob& granted, Suspension suspension) {
    Settlement settlement;
    settlement.id = granted.id;
    settlement.lease = granted.lease;
    settlement.outcome = Settlement::Outcome::suspend;
    settlement.suspension = std::make_shared<const Suspension>(std::move(suspension));
    return settle(std::move(settlement));
  }
  Job get(const JobId& id) { return call<JobView>(GetJob{id}).job; }
  Status status(const JobId& id) { return get(id).status; }
  std::uint64_t count(const std::string& queue, Status status) {
    return call<QueueView>(GetQueue{queue}).counts[static_cast<std::size_t>(status)];
  }

 private:
  bool settled() const {
    const Machine::Deadline deadline = machine_->next_deadline();
    return deadline.wall > now.wall && deadline.mono > now.mono;
  }
  void load(Needs& needs) {
    for (const JobId& id : needs.jobs) {
      std::optional<Job> found;
      for (auto& [place, in_place] : rows.jobs) {
        const auto it = in_place.find(id);
        if (it == in_place.end()) continue;
        const bool expired = it->second.expires_at != 0 && it->second.expires_at <= now.wall;
        if (!expired) found = it->second;
      }
      machine_->load_job(id, std::move(found));
    }
    for (const auto& [queue, key] : needs.unique_keys) {
      const auto it = rows.unique.find({queue, key});
      machine_->load_unique(queue, key, it == rows.unique.end() ? std::nullopt : std::optional(it->second));
    }
    load_graphs(needs);
    for (const auto& [queue, key] : needs.lanes) {
      const auto it = rows.lanes.find({queue, key});
      machine_->load_lane(queue, key, it == rows.lanes.end() ? std::nullopt : std::optional(it->second));
    }
    for (const std::string& key : needs.idempotency_keys) {
      const auto it = rows.idempotency.find(key);
      machine_->load_idempotency(key,
                                 it == rows.idempotency.end() ? std::nullopt : std::optional(it->second));
    }
    needs.clear();
  }
  void load_graphs(const Needs& needs) {
    for (const JobId& id : needs.dependents) {
      std::vector<Dependent> waiting;
      std::vector<std::optional<Join>> joins;
      for (const auto& [child, dependent] : rows.dependents[id]) {
        waiting.push_back(dependent);
        const auto join = rows.joins.find(child);
        joins.push_back(join == rows.joins.end() ? std::nullopt : std::optional(join->second));
      }
      if (waiting.empty()) rows.dependents.erase(id);
      machine_->load_dependents(id, std::move(waiting), joins);
    }
    for (const JobId& id : needs.parents) {
      std::vector<ParentResult> found;
      if (rows.parents.contains(id)) {
        for (const auto& [parent, row] : rows.parents.at(id)) found.push_back(row);
      }
      machine_->load_parents(id, std::move(found));
    }
    for (const WorkflowId& id : needs.workflows) {
      const auto row = rows.workflows.find(id);
      machine_->load_workflow(id, row == rows.workflows.end() ? std::nullopt : std::optional(row->second));
    }
    for (const WorkflowId& id : needs.members) {
      std::vector<MemberRow> found;
      for (const auto& [index, row] : rows.members[id]) found.push_back(row);
      machine_->load_members(id, std::move(found));
    }
  }
  // As the engine does it, within the batch.
  void pay() {
    for (int round = 0; round < pay_rounds && machine_->owes(); ++round) {
      Needs needs;
      machine_->pay_needs(needs);
      const bool nothing = needs.empty();
      load(needs);
      if (!machine_->pay(now, rows) && nothing) return;
    }
  }
  void finish_batch() {
    for (int turn = 0; turn < 1000; ++turn) {
      pay();
      machine_->match(now, rows);
      machine_->flush(now, rows);
      machine_->after_commit();
      const bool refilled = refill();
      if (!refilled) return;
    }
  }
  bool refill() {
    bool any = false;
    for (const WindowRequest& request : machine_->window_requests()) {
      any = true;
      std::vector<Job> found;
      const std::map<ReadyKey, JobId>& order = rows.ready[{request.queue, request.lane}];
      auto it = request.after ? order.upper_bound(*request.after) : order.begin();
      for (; it != order.end() && found.size() < request.count; ++it) {
        found.push_back(rows.jobs[Place::ready].at(it->second));
      }
      machine_->load_window(request.queue, request.lane, std::move(found), it == order.end());
    }
    for (const NamedRequest& request : machine_->named_requests()) {
      any = true;
      std::vector<Job> found;
      std::size_t looked_at = 0;
      std::optional<ReadyKey> scanned_to;
      const std::map<ReadyKey, JobId>& order = rows.ready[{request.queue, request.lane}];
      auto it = request.after ? order.upper_bound(*request.after) : order.begin();
      for (; it != order.end() && found.size() < request.count && looked_at < request.scan;
           ++it, ++looked_at) {
        const Job& job = rows.jobs[Place::ready].at(it->second);
        scanned_to = it->first;
        if (std::ranges::binary_search(request.names, job.name)) found.push_back(job);
      }
      machine_->load_named(request.queue, request.lane, std::move(found), scanned_to, it == order.end());
    }
    if (const auto request = machine_->timer_request()) {
      any = true;
      auto it = request->after ? rows.timers.upper_bound(*request->after) : rows.timers.begin();
      std::vector<std::pair<Millis, JobId>> found;
      for (; it != rows.timers.end() && found.size() < request->count; ++it) found.push_back(*it);
      machine_->load_timers(found, it == rows.timers.end());
    }
    Needs soon;
    soon.jobs = machine_->due_soon(now);
    load(soon);
    return any;
  }

  MachineOptions options_;
  const Calendar* calendar_;
  std::unique_ptr<Machine> machine_;
  std::uint64_t tickets_ = 0;
};

}  // namespace pawl::core::test
