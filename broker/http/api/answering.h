// From the engine's replies to HTTP answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/http/api/problem.h"
#include "broker/http/api/routes.h"

namespace pawl::http::api {

inline Response json_response(unsigned status, std::string body) {
  return {status, "application/json", std::move(body), {}};
}

inline void refuse(Call& call, const Problem& problem) { call.exchange->respond(problem_response(problem)); }

/// The job named by the path. An id that is no UUID names no job: answers 404.
std::optional<core::JobId> path_job(Call& call);
/// The queue named by the path. Answers 422 when it is no name.
std::optional<std::string> path_queue(Call& call);
/// The same for what another parameter of the path names, the index-th of it.
std::optional<std::string> path_name(Call& call, std::string_view parameter, std::size_t index = 0);

/// Renders a `Wanted`; a refusal becomes its problem.
template <typename Wanted, typename Render>
Response render_reply(const core::Reply& reply, const Render& render) {
  if (const auto* wanted = std::get_if<Wanted>(&reply)) return render(*wanted);
  if (const auto* refused = std::get_if<core::Refused>(&reply)) return problem_response(problem_of(*refused));
  return problem_response({problem::internal, "The engine gave another answer than was asked for."});
}

/// Carries one reply from the engine to an exchange; renders it there, off the engine's threads.
template <typename Wanted, typename Render>
class ReplyOnce final : public engine::ReplyTarget {
 public:
  ReplyOnce(std::shared_ptr<Exchange> exchange, Render render)
      : exchange_(std::move(exchange)), render_(std::move(render)) {}

  void on_reply(std::uint64_t, core::Reply&& reply) override {
    const std::shared_ptr<Exchange> exchange = std::move(exchange_);
    if (!exchange) return;
    exchange->respond_with([reply = std::move(reply), render = std::move(render_)] {
      return render_reply<Wanted>(reply, render);
    });
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  Render render_;
};

/// Who asks for what this request does.
engine::Actor actor_of(const Call& call);

/// Posts a command; render(const Wanted&) → Response makes the answer of its reply. A command that is not
/// taken is answered at once.
template <typename Wanted, typename Render>
void post_and_answer(Call& call, core::CommandBody command, Render render) {
  auto target = std::make_shared<ReplyOnce<Wanted, Render>>(call.exchange, std::move(render));
  std::unique_ptr<engine::Actor> actor;
  if (engine::audited(command)) actor = std::make_unique<engine::Actor>(actor_of(call));
  const auto ticket = call.context.engine.post(std::move(command), std::move(target), 0, std::move(actor));
  if (!ticket) refuse(call, problem_of(ticket.error()));
}

}  // namespace pawl::http::api
