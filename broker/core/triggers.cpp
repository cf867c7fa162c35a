// Jobs that events start. An event, the jobs that it starts and the triggers' rows are one batch: that is
// what makes each event count once.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

Refused no_such_trigger(const std::string& id) {
  return {Refusal::unknown_trigger, "there is no trigger named " + id, {}, {}};
}

const std::string& json_of(const Bytes& data) {
  static const std::string null = "null";
  return data ? *data : null;
}

// An event's name needs no escapes.
std::string payload_of(const std::string& event, const Bytes& data) {
  return "{\"event\":\"" + event + "\",\"data\":" + json_of(data) + "}";
}

std::string payload_of(const std::string& event, const std::deque<Gathered>& gathered) {
  std::string payload = "{\"event\":\"" + event + "\",\"events\":[";
  for (const Gathered& each : gathered) {
    if (&each != &gathered.front()) payload += ',';
    payload += json_of(each.data);
  }
  return payload += "]}";
}

}  // namespace

void Machine::State::arm(const TriggerState& trigger) {
  const TriggerRow& row = trigger.row;
  if (row.gathers_since != 0) triggers_due.emplace(batch_due(row), row.trigger.id);
}

Millis Machine::State::batch_due(const TriggerRow& row) {
  if (row.trigger.batch_max == 0) return row.gathers_since;
  return row.gathers_since > never - row.trigger.batch_timeout_ms
             ? never
             : row.gathers_since + row.trigger.batch_timeout_ms;
}

void Machine::State::disarm(const TriggerState& trigger) {
  triggers_due.erase({batch_due(trigger.row), trigger.row.trigger.id});
}

void Machine::restore_trigger(TriggerRow row) {
  State& state = *state_;
  const std::string id = row.trigger.id;
  state.triggers_by_event[row.trigger.event].insert(id);
  TriggerState& trigger = state.triggers[id];
  trigger.row = std::move(row);
  state.arm(trigger);
}

void Machine::restore_gathered(GatheredRow row) {
  const auto trigger = state_->triggers.find(row.trigger);
  if (trigger == state_->triggers.end()) return;
  trigger->second.bytes += json_of(row.data).size();
  trigger->second.gathered.emplace_back(row.number, std::move(row.data), true);
}

std::vector<TriggerState*> Machine::State::triggers_of(const RaiseEvent& event) {
  std::vector<TriggerState*> found;
  const auto ids = triggers_by_event.find(event.name);
  if (ids == triggers_by_event.end()) return found;
  for (const std::string& id : ids->second) {
    TriggerState& trigger = triggers.at(id);
    if (matches(trigger.row.trigger.match, *event.values)) found.push_back(&trigger);
  }
  return found;
}

void Machine::State::event_needs(const RaiseEvent& event, Needs& needs) const {
  for (const JobId& id : waiting_for(event)) need_job(id, needs);
  const auto ids = triggers_by_event.find(event.name);
  if (ids == triggers_by_event.end()) return;
  for (const std::string& id : ids->second) submit_needs(triggers.at(id).row.trigger.job, needs);
}

void Machine::State::start_job(TriggerState& trigger, std::string payload, Now now, Outbox& outbox) {
  NewJob job = trigger.row.trigger.job;
  job.payload = std::make_shared<const std::string>(std::move(payload));
  job.tags.push_back(std::string(trigger_tag) + trigger.row.trigger.id);
  trigger.row.last_job = submit_one(job, now, outbox).id;
  trigger.row.last_at = now.wall;
  ++trigger.row.jobs;
}

// All that it has gathered becomes one job.
void Machine::State::start_batch(TriggerState& trigger, Now now, Outbox& outbox) {
  start_job(trigger, payload_of(trigger.row.trigger.event, trigger.gathered), now, outbox);
  drop_gathered(trigger, outbox);
}

void Machine::State::drop_gathered(TriggerState& trigger, Outbox& outbox) {
  disarm(trigger);
  for (const Gathered& each : trigger.gathered) {
    if (each.has_row) outbox.erase_gathered(trigger.row.trigger.id, each.number);
  }
  trigger.gathered.clear();
  trigger.bytes = 0;
  trigger.row.gathers_since = 0;
}

// True when a job was started.
bool Machine::State::take_event(TriggerState& trigger, const Bytes& data, Now now, Outbox& outbox) {
  TriggerRow& row = trigger.row;
  ++row.events;
  if (row.trigger.batch_max == 0) {
    start_job(trigger, payload_of(row.trigger.event, data), now, outbox);
    return true;
  }
  if (trigger.gathered.empty()) {
    row.gathers_since = now.wall;
    arm(trigger);
  }
  trigger.bytes += json_of(data).size();
  Gathered& newest = trigger.gathered.emplace_back(row.next_number++, data, false);
  if (trigger.gathered.size() >= row.trigger.batch_max || trigger.bytes >= batch_bytes_max) {
    start_batch(trigger, now, outbox);
    return true;
  }
  newest.has_row = true;
  outbox.put_gathered({row.trigger.id, newest.number, data});
  return false;
}

void Machine::State::pull_triggers(const RaiseEvent& event, Now now, EventRaised& answer, Outbox& outbox) {
  for (TriggerState* trigger : triggers_of(event)) {
    ++(take_event(*trigger, event.data, now, outbox) ? answer.started : answer.gathered);
    outbox.put_trigger(trigger->row);
    marks_dirty = true;
  }
}

std::vector<std::string> Machine::State::due_triggers(Now now) const {
  std::vector<std::string> due;
  for (const auto& [at, id] : triggers_due) {
    if (at > now.wall || due.size() == options.trigger_slice) break;
    due.push_back(id);
  }
  return due;
}

void Machine::State::run_triggers(Now now, Outbox& outbox) {
  for (const std::string& id : due_triggers(now)) {
    TriggerState& trigger = triggers.at(id);
    start_batch(trigger, now, outbox);
    outbox.put_trigger(trigger.row);
    marks_dirty = true;
  }
}

void Machine::State::apply(Ticket to, const PutTrigger& put, Now now, Outbox& outbox) {
  const std::string& id = put.trigger.id;
  const bool fresh = !triggers.contains(id);
  if (fresh && triggers.size() >= options.triggers_max) {
    return outbox.reply(
        to, Refused{Refusal::too_many_triggers, "the broker holds its limit of triggers", {}, {}});
  }
  if (queue_of(put.trigger.job.queue) == nullptr && !has_room_for_queues(1)) {
    return outbox.reply(to, Refused{Refusal::too_many_queues,
                                    "the broker holds its limit of queues; delete one that is not needed",
                                    {},
                                    {}});
  }
  if (auto refused = check_terms(put.trigger.job)) return outbox.reply(to, *std::move(refused));
  // Now, so that an event never lacks it: a queue that a trigger names cannot be deleted.
  make_queue(put.trigger.job.queue, now.wall);
  TriggerState& trigger = triggers[id];
  if (fresh) {
    trigger.row.created_at = now.wall;
  } else {
    disarm(trigger);
    // What it has gathered is another event's.
    if (trigger.row.trigger.event != put.trigger.event) drop_gathered(trigger, outbox);
    std::set<std::string>& same_event = triggers_by_event[trigger.row.trigger.event];
    same_event.erase(id);
    if (same_event.empty()) triggers_by_event.erase(trigger.row.trigger.event);
  }
  trigger.row.trigger = put.trigger;
  trigger.row.updated_at = now.wall;
  triggers_by_event[put.trigger.event].insert(id);
  arm(trigger);
  outbox.put_trigger(trigger.row);
  marks_dirty = true;
  outbox.reply(to, TriggerView{trigger.row, trigger.gathered.size()});
}

void Machine::State::apply(Ticket to, const GetTrigger& get, Now, Outbox& outbox) {
  const auto trigger = triggers.find(get.trigger);
  if (trigger == triggers.end()) return outbox.reply(to, no_such_trigger(get.trigger));
  outbox.reply(to, TriggerView{trigger->second.row, trigger->second.gathered.size()});
}

void Machine::State::apply(Ticket to, const ListTriggers&, Now, Outbox& outbox) {
  TriggerList list;
  list.triggers.reserve(triggers.size());
  for (const auto& [id, trigger] : triggers) list.triggers.push_back({trigger.row, trigger.gathered.size()});
  outbox.reply(to, std::move(list));
}

void Machine::State::apply(Ticket to, const DeleteTrigger& remove, Now, Outbox& outbox) {
  const auto trigger = triggers.find(remove.trigger);
  if (trigger == triggers.end()) return outbox.reply(to, no_such_trigger(remove.trigger));
  drop_gathered(trigger->second, outbox);
  const auto same_event = triggers_by_event.find(trigger->second.row.trigger.event);
  same_event->second.erase(remove.trigger);
  if (same_event->second.empty()) triggers_by_event.erase(same_event);
  triggers.erase(trigger);
  outbox.erase_trigger(remove.trigger);
  outbox.reply(to, TriggerDeleted{remove.trigger});
}

}  // namespace pawl::core
