// Steps that stay, jobs that wait for events, and what events start.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

const std::string& text_of(const Bytes& json) {
  static const std::string null = "null";
  return json ? *json : null;
}

bool matches_all(const Match& match, const EventData& data) {
  for (const auto& [path, value] : match) {
    if (data.value_at(path) != value) return false;
  }
  return true;
}

std::string single_payload(const std::string& event, const Bytes& data) {
  return fmt::format(R"({{"event":"{}","data":{}}})", event, text_of(data));
}

std::string batch_payload(const std::string& event, const std::vector<Bytes>& gathered) {
  std::string items;
  for (const Bytes& data : gathered) items += (items.empty() ? "" : ",") + text_of(data);
  return fmt::format(R"({{"event":"{}","events":[{}]}})", event, items);
}

}  // namespace

std::optional<Millis> timer_of(const ModelJob& job) {
  if (job.status == Status::delayed) return job.run_at;
  if (job.status == Status::blocked && job.wait && job.wait->until != 0) return job.wait->until;
  return std::nullopt;
}

std::string Model::difference_of_steps(const std::vector<Step>& got, const ModelJob& known) {
  if (got.size() != known.steps.size())
    return fmt::format("steps are {}, not {}", got.size(), known.steps.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i].name != known.steps[i].name || text_of(got[i].result) != text_of(known.steps[i].result))
      return fmt::format("steps: {} is {}, not {}", got[i].name, text_of(got[i].result),
                         text_of(known.steps[i].result));
  }
  return {};
}

std::string Model::difference_of_wait(const Wait* got, const ModelJob& known) {
  if ((got == nullptr) == known.wait.has_value()) return "waits: it waits, or does not";
  if (got != nullptr && (got->as != known.wait->as || got->event != known.wait->event ||
                         got->match != known.wait->match || got->until != known.wait->until)) {
    return "waits for something else";
  }
  return {};
}

std::size_t Model::waits_ahead(const std::map<JobId, ModelJob>& ahead) const {
  std::size_t count = 0;
  for (const auto& [id, job] : jobs_) {
    const auto newer = ahead.find(id);
    const ModelJob& as_it_is = newer == ahead.end() ? job : newer->second;
    count += as_it_is.status == Status::blocked && as_it_is.wait ? 1 : 0;
  }
  return count;
}

void Model::predict(const KeepStep& keep) {
  const ModelJob* known = find(keep.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
    return;
  }
  if (known->lease != keep.lease || keep.lease == LeaseNumber::none) {
    answer_ = Refusal::lease_lost;
    return;
  }
  const auto there = std::ranges::find(known->steps, keep.step.name, &Step::name);
  if (there != known->steps.end()) {
    rare_.add(Rare::step_repeated);
    answer_ = ExpectedStep{*there, true};
    return;
  }
  rare_.add(Rare::step_kept);
  ModelJob job = *known;
  job.steps.push_back(keep.step);
  put(keep.id, std::move(job));
  answer_ = ExpectedStep{keep.step, false};
}

// What a suspension comes to; the refusal, if it is refused.
std::optional<Refusal> Model::predict_suspension(const ModelJob& job, const Suspension& said,
                                                 std::size_t waits, Expected& move) {
  const auto taken = std::ranges::find(job.steps, said.as, &Step::name);
  if (!said.as.empty() && taken != job.steps.end()) {
    rare_.add(Rare::suspension_refused_for_its_step);
    return Refusal::step_exists;
  }
  if (!said.event.empty() && waits >= limits_.waits_max) {
    rare_.add(Rare::waits_full);
    return Refusal::too_many_waits;
  }
  if (job.cancel_requested) {
    rare_.add(Rare::cancel_beat_suspend);
    move.event = Event::cancel;
    return std::nullopt;
  }
  if (!said.event.empty()) {
    move.event = Event::suspend;
    move.wait = std::make_shared<const Wait>(said.as, said.event, said.match,
                                             said.timeout_ms > 0 ? now_.wall + said.timeout_ms : 0);
    return std::nullopt;
  }
  const Millis until = said.until ? *said.until : now_.wall + *said.sleep_ms;
  move.event = until > now_.wall ? Event::release_later : Event::release;
  move.run_at_min = move.run_at_max = until;
  if (!said.as.empty()) move.steps.push_back({said.as, nullptr});
  rare_.add(until > now_.wall ? Rare::slept : Rare::sleep_was_over_at_once);
  return std::nullopt;
}

// E2: a job that waits goes on by an event that it matches, or when its time is over, and by nothing else.
void Model::predict(const RaiseEvent& event) {
  ExpectedRaised raised;
  std::vector<JobId> woken;
  for (const auto& [id, job] : jobs_) {
    if (job.status != Status::blocked || !job.wait || job.wait->event != event.name) continue;
    if (matches_all(job.wait->match, *event.values))
      woken.push_back(id);
    else
      rare_.add(Rare::event_passed_by_one_that_waits);
  }
  std::ranges::sort(woken);
  for (const JobId& id : woken) {
    const ModelJob& job = jobs_.at(id);
    rare_.add(Rare::event_woke_a_job);
    if (job.settled_in_run != run_) rare_.add(Rare::event_woke_a_job_after_restart);
    Expected move;
    move.id = id;
    move.event = Event::unblock;
    move.steps.push_back({job.wait->as, event.data});
    expected_.push_back(std::move(move));
  }
  raised.resumed = woken.size();
  for (const auto& [id, known] : std::map(triggers_)) {
    if (known.said.event != event.name || !matches_all(known.said.match, *event.values)) continue;
    ModelTrigger then = known;
    ++then.events;
    if (then.said.batch_max == 0) {
      rare_.add(Rare::trigger_started_a_job);
      expect_job_of(then, single_payload(event.name, event.data));
      ++raised.started;
    } else {
      if (then.gathered.empty()) then.gathers_since = now_.wall;
      ++then.next_number;
      then.gathered.push_back(event.data);
      if (then.gathered.size() >= then.said.batch_max) {
        rare_.add(Rare::trigger_filled_a_batch);
        take_batch(then);
        ++raised.started;
      } else {
        rare_.add(Rare::trigger_gathered);
        ++raised.gathered;
      }
    }
    then.in_run = run_;
    set_trigger(id, std::move(then));
  }
  answer_ = raised;
}

void Model::expect_job_of(ModelTrigger& trigger, std::string payload) {
  NewJob job = trigger.said.job;
  job.payload = std::make_shared<const std::string>(std::move(payload));
  job.tags.push_back("trigger:" + trigger.said.id);
  Expected move = expected_new(job);
  move.trigger = trigger.said.id;
  expected_.push_back(std::move(move));
  ++trigger.jobs;
  trigger.last_at = now_.wall;
}

void Model::take_batch(ModelTrigger& trigger) {
  expect_job_of(trigger, batch_payload(trigger.said.event, trigger.gathered));
  trigger.gathered.clear();
  trigger.gathers_since = 0;
}

// The tick makes a job of what a trigger has gathered: it must be due.
void Model::begin_batch(const std::string& id) {
  const auto known = triggers_.find(id);
  if (known == triggers_.end() || known->second.gathered.empty())
    violated("E3", fmt::format("trigger {} starts a job of nothing", id));
  ModelTrigger then = known->second;
  const Millis due = then.gathers_since + (then.said.batch_max > 0 ? then.said.batch_timeout_ms : 0);
  if (due > now_.wall) violated("E3", fmt::format("trigger {} starts {} ms early", id, due - now_.wall));
  rare_.add(then.in_run == run_ ? Rare::trigger_batch_was_due : Rare::trigger_batch_was_due_after_restart);
  take_batch(then);
  then.in_run = run_;
  set_trigger(id, std::move(then));
}

void Model::made_by_trigger(const std::string& id, const JobId& job) {
  ModelTrigger then = triggers_.at(id);
  then.last_job = job;
  set_trigger(id, std::move(then));
}

void Model::predict(const PutTrigger& put_trigger) {
  const Trigger& said = put_trigger.trigger;
  const auto known = triggers_.find(said.id);
  const bool fresh = known == triggers_.end();
  if (fresh && triggers_.size() >= limits_.triggers_max) {
    rare_.add(Rare::triggers_full);
    answer_ = Refusal::too_many_triggers;
    return;
  }
  if (!queues_.contains(said.job.queue) && queues_.size() >= limits_.queues_max) {
    answer_ = Refusal::too_many_queues;
    return;
  }
  expect_queue(said.job.queue);
  ModelTrigger then = fresh ? ModelTrigger{} : known->second;
  if (fresh) then.created_at = now_.wall;
  if (!fresh && then.said.event != said.event) {
    then.gathered.clear();
    then.gathers_since = 0;
  }
  then.said = said;
  then.updated_at = now_.wall;
  set_trigger(said.id, std::move(then));
  answer_ = ExpectedTrigger{said.id};
}

void Model::predict(const GetTrigger& get) {
  if (triggers_.contains(get.trigger))
    answer_ = ExpectedTrigger{get.trigger};
  else
    answer_ = Refusal::unknown_trigger;
}

void Model::predict(const DeleteTrigger& remove) {
  if (!triggers_.contains(remove.trigger)) {
    answer_ = Refusal::unknown_trigger;
    return;
  }
  set_trigger(remove.trigger, std::nullopt);
}

void Model::check_trigger(const TriggerView& view) const {
  const auto known = triggers_.find(view.row.trigger.id);
  if (known == triggers_.end()) violated("E3", "a trigger is shown that is not there");
  const std::string wrong = difference(view.row, known->second);
  if (!wrong.empty()) violated("E3", fmt::format("trigger {}: {}", view.row.trigger.id, wrong));
  if (view.gathered != known->second.gathered.size())
    violated("E3", fmt::format("trigger {} has gathered {}, not {}", view.row.trigger.id, view.gathered,
                               known->second.gathered.size()));
}

std::string Model::difference(const TriggerRow& row, const ModelTrigger& known) {
  const auto differs = [](std::string_view field, auto got, auto must) {
    return fmt::format("{} is {}, not {}", field, got, must);
  };
  const Trigger& said = row.trigger;
  if (said.event != known.said.event || said.match != known.said.match ||
      said.batch_max != known.said.batch_max || said.batch_timeout_ms != known.said.batch_timeout_ms ||
      said.job.queue != known.said.job.queue || said.job.name != known.said.job.name ||
      said.job.priority != known.said.job.priority || said.job.delay_ms != known.said.job.delay_ms) {
    return "what was put changed";
  }
  if (row.created_at != known.created_at) return differs("created_at", row.created_at, known.created_at);
  if (row.updated_at != known.updated_at) return differs("updated_at", row.updated_at, known.updated_at);
  if (row.events != known.events) return differs("events", row.events, known.events);
  if (row.jobs != known.jobs) return differs("jobs", row.jobs, known.jobs);
  if (row.last_at != known.last_at) return differs("last_at", row.last_at, known.last_at);
  if (row.last_job != known.last_job) return "the last job is another";
  if (row.gathers_since != known.gathers_since)
    return differs("gathers_since", row.gathers_since, known.gathers_since);
  return {};
}

void Model::set_trigger(const std::string& id, std::optional<ModelTrigger> value) {
  const auto it = triggers_.find(id);
  building_.undo.emplace_back(
      UndoTrigger{id, it == triggers_.end() ? std::nullopt : std::optional(it->second)});
  if (value)
    triggers_[id] = std::move(*value);
  else
    triggers_.erase(id);
}

void Model::audit_events(const Image& image) const {
  std::size_t waiting = 0;
  for (const auto& [id, job] : jobs_) {
    if (job.status != Status::blocked || !job.wait) continue;
    ++waiting;
    const auto row = image.waits.find(id);
    if (row == image.waits.end() || row->second.event != job.wait->event ||
        row->second.match != job.wait->match)
      bad("E2", id, "its event does not know of it on disk");
  }
  if (image.waits.size() != waiting)
    violated("E2", fmt::format("{} rows for {} jobs that wait", image.waits.size(), waiting));
  if (image.triggers.size() != triggers_.size()) violated("E3", "there are more or fewer triggers on disk");
  std::size_t gathered = 0;
  for (const auto& [id, known] : triggers_) {
    const auto row = image.triggers.find(id);
    const std::string wrong =
        row == image.triggers.end() ? "it is not there" : difference(row->second, known);
    if (!wrong.empty()) violated("E3", fmt::format("trigger {} on disk: {}", id, wrong));
    auto item = image.gathered.lower_bound({id, 0});
    for (const Bytes& data : known.gathered) {
      if (item == image.gathered.end() || item->first.first != id ||
          text_of(item->second.data) != text_of(data))
        violated("E3", fmt::format("trigger {} has lost an event on disk", id));
      ++item;
      ++gathered;
    }
  }
  if (image.gathered.size() != gathered)
    violated("E3", fmt::format("{} gathered events on disk, not {}", image.gathered.size(), gathered));
}

void Model::audit_quiet_events(Now now) const {
  for (const auto& [id, known] : triggers_) {
    if (known.gathered.empty()) continue;
    const Millis due = known.gathers_since + (known.said.batch_max > 0 ? known.said.batch_timeout_ms : 0);
    if (due <= now.wall)
      violated("E3", fmt::format("trigger {} did not start {} ms ago", id, now.wall - due));
  }
}

}  // namespace pawl::sim
