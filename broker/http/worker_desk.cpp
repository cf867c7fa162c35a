#include "broker/http/worker_desk.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pawl::http {
namespace {

constexpr std::size_t frame_payload_bytes = 256u << 10;  // of jobs in one frame; one job may be larger
constexpr std::uint16_t policy_violation = 1008;

}  // namespace

std::optional<WorkerDesk::Close> WorkerDesk::take_frame(std::string_view text,
                                                        std::shared_ptr<engine::ReplyTarget> target) {
  auto frame = api::read_worker_frame(text, options_.limits);
  if (!frame) {
    api::FrameProblem& problem = frame.error();
    if (problem.close_code != 0) return Close{problem.close_code, std::move(problem.close_reason)};
    say(std::move(problem.error_frame));
    return std::nullopt;
  }
  if (ticket_ == core::Ticket::none && !std::holds_alternative<api::HelloFrame>(*frame)) {
    return Close{policy_violation, "The first frame must be hello."};
  }
  return std::visit([&](auto& known) { return on(known, target); }, *frame);
}

std::optional<WorkerDesk::Close> WorkerDesk::on(api::HelloFrame& frame,
                                                const std::shared_ptr<engine::ReplyTarget>& target) {
  std::string worker_id = frame.open.worker_id;
  if (ticket_ != core::Ticket::none && worker_id != worker_id_) {
    return Close{policy_violation, "A connection keeps its workerId."};
  }
  std::vector<core::OpenWorker::Held> resume = frame.open.resume;
  if (bye_) frame.open.credit = 0;
  std::expected<void, engine::Busy> done;
  if (ticket_ == core::Ticket::none) {
    const auto ticket = engine_.post(std::move(frame.open), target, worker_tag);
    if (ticket) {
      ticket_ = *ticket;
    } else {
      done = std::unexpected(ticket.error());
    }
  } else {
    done = engine_.post_as(ticket_, std::move(frame.open));
  }
  if (!done) {
    say(api::write_error(std::nullopt, api::problem_of(done.error())));
    return std::nullopt;
  }
  worker_id_ = std::move(worker_id);
  if (options_.introduced) options_.introduced(worker_id_, std::move(frame.host), std::move(frame.version));
  resume_.insert(resume_.end(), resume.begin(), resume.end());
  opening_ = true;
  return std::nullopt;
}

std::optional<WorkerDesk::Close> WorkerDesk::on(api::CreditFrame& frame,
                                                const std::shared_ptr<engine::ReplyTarget>&) {
  if (!bye_) set_credit(frame.credit);
  return std::nullopt;
}

std::optional<WorkerDesk::Close> WorkerDesk::on(api::SettleFrame& frame,
                                                const std::shared_ptr<engine::ReplyTarget>& target) {
  Asked asked{Asked::Kind::settle, frame.id, {}};
  asked.leases.reserve(frame.settle.settlements.size());
  for (const core::Settlement& settlement : frame.settle.settlements)
    asked.leases.push_back(settlement.lease);
  ask(std::move(asked), std::move(frame.settle), target);
  return std::nullopt;
}

std::optional<WorkerDesk::Close> WorkerDesk::on(api::HeartbeatFrame& frame,
                                                const std::shared_ptr<engine::ReplyTarget>& target) {
  ask({Asked::Kind::heartbeat, frame.id, {}}, std::move(frame.heartbeat), target);
  return std::nullopt;
}

std::optional<WorkerDesk::Close> WorkerDesk::on(api::LogsFrame& frame,
                                                const std::shared_ptr<engine::ReplyTarget>& target) {
  ask({Asked::Kind::logs, frame.id, {}}, std::move(frame.logs), target);
  return std::nullopt;
}

std::optional<WorkerDesk::Close> WorkerDesk::on(api::ByeFrame&,
                                                const std::shared_ptr<engine::ReplyTarget>& target) {
  bye_ = true;
  // Answered after all that the worker was granted before: until then it may hold something.
  if (set_credit(0)) ask({Asked::Kind::bye, std::nullopt, {}}, core::LookResident{}, target);
  return std::nullopt;
}

bool WorkerDesk::set_credit(std::uint32_t credit) {
  const auto posted = engine_.post(core::SetCredit{ticket_, credit}, nullptr, 0);
  if (!posted) say(api::write_error(std::nullopt, api::problem_of(posted.error())));
  return posted.has_value();
}

void WorkerDesk::ask(Asked asked, core::CommandBody body,
                     const std::shared_ptr<engine::ReplyTarget>& target) {
  const std::uint64_t tag = next_tag_++;
  const std::optional<std::uint64_t> id = asked.id;
  // Before the post: the reply may be here before it returns.
  asked_.emplace(tag, std::move(asked));
  const auto posted = engine_.post(std::move(body), target, tag);
  if (posted) return;
  asked_.erase(tag);
  say(api::write_error(id, api::problem_of(posted.error())));
}

bool WorkerDesk::leave() {
  if (ticket_ == core::Ticket::none) return true;
  const core::Millis grace = bye_ && held_.empty() ? 0 : options_.disconnect_grace_ms;
  const auto posted = engine_.post(core::CloseWorker{ticket_, grace}, nullptr, 0);
  if (!posted && posted.error() == engine::Busy::inbox_full) return false;
  ticket_ = core::Ticket::none;
  return true;
}

void WorkerDesk::take_reply(std::uint64_t tag, core::Reply&& reply) {
  if (tag == worker_tag) return on_worker_reply(std::move(reply));
  const auto found = asked_.find(tag);
  if (found == asked_.end()) return;
  const Asked asked = std::move(found->second);
  asked_.erase(found);
  if (const auto* settled = std::get_if<core::Settled>(&reply)) {
    on_settled(asked, *settled);
  } else if (const auto* beats = std::get_if<core::HeartbeatDone>(&reply)) {
    say(api::write_heartbeats(*asked.id, *beats));
  } else if (const auto* kept = std::get_if<core::LogsKept>(&reply)) {
    say(api::write_logged(*asked.id, *kept));
  } else if (const auto* refused = std::get_if<core::Refused>(&reply)) {
    say(asked.kind == Asked::Kind::logs ? api::write_logs_refused(*asked.id, *refused)
                                        : api::write_error(asked.id, api::problem_of(*refused)));
  }
}

void WorkerDesk::on_worker_reply(core::Reply&& reply) {
  if (auto* granted = std::get_if<core::Granted>(&reply)) {
    on_granted(std::move(*granted));
  } else if (const auto* opened = std::get_if<core::WorkerOpened>(&reply)) {
    on_opened(*opened);
  } else if (const auto* notice = std::get_if<core::Notice>(&reply)) {
    if (notice->kind == core::Notice::Kind::lease_lost) held_.erase(notice->lease);
    say(api::write_notice(*notice));
  } else if (const auto* refused = std::get_if<core::Refused>(&reply)) {
    opening_ = false;
    resume_.clear();
    say(api::write_error(std::nullopt, api::problem_of(*refused)));
  }
}

void WorkerDesk::on_opened(const core::WorkerOpened& opened) {
  for (const core::OpenWorker::Held& lease : resume_) {
    if (std::find(opened.resumed.begin(), opened.resumed.end(), lease.id) != opened.resumed.end()) {
      held_.insert(lease.lease);
    }
  }
  resume_.clear();
  opening_ = false;
  say(api::write_welcome(worker_id_, opened, options_.disconnect_grace_ms, options_.version));
}

void WorkerDesk::on_granted(core::Granted&& granted) {
  if (granted.jobs.empty()) return;
  for (const core::GrantedJob& job : granted.jobs) held_.insert(job.lease);
  if (!out_.empty()) {
    if (auto* last = std::get_if<core::Granted>(&out_.back())) {
      last->jobs.insert(last->jobs.end(), std::make_move_iterator(granted.jobs.begin()),
                        std::make_move_iterator(granted.jobs.end()));
      return;
    }
  }
  out_.emplace_back(std::move(granted));
}

void WorkerDesk::on_settled(const Asked& asked, const core::Settled& settled) {
  for (std::size_t i = 0; i < asked.leases.size() && i < settled.results.size(); ++i) {
    const auto& refused = settled.results[i].refused;
    const bool over =
        !refused || refused->why == core::Refusal::lease_lost || refused->why == core::Refusal::unknown_job;
    if (over) held_.erase(asked.leases[i]);
  }
  say(api::write_settled(*asked.id, settled));
}

std::string WorkerDesk::next_frame() {
  if (out_.empty()) return {};
  if (auto* text = std::get_if<std::string>(&out_.front())) {
    std::string frame = std::move(*text);
    out_.pop_front();
    return frame;
  }
  std::vector<core::GrantedJob>& jobs = std::get<core::Granted>(out_.front()).jobs;
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < jobs.size() && (count == 0 || bytes < frame_payload_bytes)) {
    bytes += jobs[count].payload ? jobs[count].payload->size() : 0;
    ++count;
  }
  if (count == jobs.size()) {
    const core::Granted whole = std::move(std::get<core::Granted>(out_.front()));
    out_.pop_front();
    return api::write_jobs(whole);
  }
  core::Granted part;
  const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(count);
  part.jobs.assign(std::make_move_iterator(jobs.begin()), std::make_move_iterator(end));
  jobs.erase(jobs.begin(), end);
  return api::write_jobs(part);
}

}  // namespace pawl::http
