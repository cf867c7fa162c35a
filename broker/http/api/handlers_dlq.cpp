#include <atomic>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

using Action = engine::OperationSpec::Action;

/// What the jobs that were changed are called in the answer.
std::string_view done_word(Action action) {
  switch (action) {
    case Action::replay:
      return "replayed";
    case Action::purge:
      return "purged";
    default:
      break;
  }
  return "drained";
}

Response operation_response(const engine::OperationView& operation) {
  const bool over = operation.state == engine::OperationView::State::done ||
                    operation.state == engine::OperationView::State::cancelled ||
                    operation.state == engine::OperationView::State::stopped;
  std::string body;
  {
    ObjectWriter object(body);
    object.integer(done_word(operation.spec.action), operation.done);
    object.integer("skipped", operation.skipped);
    object.text("operationId", operation.id);
    object.text("state", state_name(operation.state));
  }
  return json_response(over ? 200 : 202, std::move(body));
}

void start_operation(Call& call, engine::OperationSpec spec) {
  spec.actor = actor_of(call);
  call.context.engine.operations().start(
      std::move(spec), true,
      [exchange = call.exchange](std::expected<engine::OperationView, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        exchange->respond(operation_response(*answer));
      });
}

/// Replays or purges the named dead letters of one queue: looks up the queue, then posts one command each,
/// and answers when the last is told. A job that is not a dead letter of this queue (any more) is skipped.
class NamedDeadLetters final : public engine::ReplyTarget,
                               public std::enable_shared_from_this<NamedDeadLetters> {
 public:
  NamedDeadLetters(engine::Engine& engine, std::shared_ptr<Exchange> exchange, Action action,
                   std::vector<core::JobId> ids, std::string into, engine::Actor actor)
      : engine_(engine),
        exchange_(std::move(exchange)),
        action_(action),
        ids_(std::move(ids)),
        into_(std::move(into)),
        actor_(std::move(actor)) {}

  void start(std::string queue) {
    const auto ticket = engine_.post(core::GetQueue{std::move(queue)}, shared_from_this(), queue_tag);
    if (!ticket) exchange_->respond(problem_response(problem_of(ticket.error())));
  }

  void on_reply(std::uint64_t tag, core::Reply&& reply) override {
    if (tag == queue_tag) return on_queue(reply);
    if (tag == into_tag) return on_into(reply);
    const bool done =
        std::holds_alternative<core::JobChanged>(reply) || std::holds_alternative<core::JobDeleted>(reply);
    ++(done ? done_ : skipped_);
    finish_one();
  }

 private:
  static constexpr std::uint64_t queue_tag = 0;
  static constexpr std::uint64_t job_tag = 1;
  static constexpr std::uint64_t into_tag = 2;

  void on_queue(const core::Reply& reply) {
    const auto* queue = std::get_if<core::QueueView>(&reply);
    if (queue == nullptr) {
      const auto* refused = std::get_if<core::Refused>(&reply);
      return exchange_->respond(
          problem_response(refused != nullptr ? problem_of(*refused) : Problem{problem::internal, ""}));
    }
    number_ = queue->number;
    if (into_.empty()) return go_on();
    const auto ticket = engine_.post(core::GetQueue{into_}, shared_from_this(), into_tag);
    if (!ticket) exchange_->respond(problem_response(problem_of(ticket.error())));
  }

  void on_into(const core::Reply& reply) {
    if (std::holds_alternative<core::QueueView>(reply)) return go_on();
    exchange_->respond(problem_response(unknown_target()));
  }

  // Off the engine's thread: up to a thousand commands follow.
  void go_on() {
    exchange_->after(0, [self = shared_from_this()] { self->post_all(self->number_); });
  }

  void post_all(core::QueueNumber number) {
    left_ = ids_.size();
    for (const core::JobId& id : ids_) {
      if (id.queue() != number) {
        ++skipped_;
        finish_one();
        continue;
      }
      const auto ticket =
          engine_.post(command(id), shared_from_this(), job_tag, std::make_unique<engine::Actor>(actor_));
      if (ticket) continue;
      busy_.store(static_cast<int>(ticket.error()));
      finish_one();
    }
  }

  core::CommandBody command(const core::JobId& id) const {
    if (action_ == Action::replay) return engine::replay_of(id, into_);
    return core::Delete{id, core::Status::failed};
  }

  void finish_one() {
    if (left_.fetch_sub(1) != 1) return;
    const std::shared_ptr<Exchange> exchange = std::move(exchange_);
    // Some were not taken: repeating the request is safe, those that were done are skipped then.
    if (const int busy = busy_.load(); busy >= 0) {
      return exchange->respond(problem_response(problem_of(static_cast<engine::Busy>(busy))));
    }
    std::string body;
    {
      ObjectWriter object(body);
      object.integer(done_word(action_), done_.load());
      object.integer("skipped", skipped_.load());
      object.null("operationId");
      object.text("state", "done");
    }
    exchange->respond(json_response(200, std::move(body)));
  }

  engine::Engine& engine_;
  std::shared_ptr<Exchange> exchange_;
  const Action action_;
  const std::vector<core::JobId> ids_;
  const std::string into_;
  core::QueueNumber number_{};
  const engine::Actor actor_;
  std::atomic<std::size_t> left_ = 0;
  std::atomic<std::size_t> done_ = 0;
  std::atomic<std::size_t> skipped_ = 0;
  std::atomic<int> busy_ = -1;
};

void change_dead_letters(Call& call, Action action) {
  auto queue = path_queue(call);
  if (!queue) return;
  auto choice = read_dead_letter_choice(call.request.body, action == Action::purge, call.context.limits);
  if (!choice) return refuse(call, choice.error());
  if (!choice->ids.empty()) {
    return std::make_shared<NamedDeadLetters>(call.context.engine, call.exchange, action,
                                              std::move(choice->ids), std::move(choice->into), actor_of(call))
        ->start(std::move(*queue));
  }
  engine::OperationSpec spec;
  spec.action = action;
  spec.queue = std::move(*queue);
  spec.filter.name = std::move(choice->name);
  spec.filter.error_type = std::move(choice->error_type);
  spec.filter.fingerprint = choice->fingerprint;
  spec.per_second = choice->per_second;
  spec.canary = static_cast<std::uint32_t>(choice->canary);
  spec.stop_on_failure_rate = choice->stop_on_failure_rate;
  if (choice->into != spec.queue) spec.into = std::move(choice->into);
  start_operation(call, std::move(spec));
}

/// Answers with an operation, or that there is none.
engine::Operations::Answer answer_operation(Call& call) {
  return [exchange = call.exchange, &redaction = call.context.redaction](
             std::expected<engine::OperationView, engine::ListError> answer) {
    if (answer) {
      std::string body;
      append_operation(body, *answer, redaction);
      return exchange->respond(json_response(200, std::move(body)));
    }
    const bool unknown =
        answer.error() != engine::ListError::store && answer.error() != engine::ListError::busy;
    exchange->respond(
        problem_response(unknown ? Problem{problem::unknown_operation, ""} : problem_of(answer.error())));
  };
}

}  // namespace

void replay_dead_letters(Call& call) { change_dead_letters(call, Action::replay); }
void purge_dead_letters(Call& call) { change_dead_letters(call, Action::purge); }

void list_failure_groups(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  call.context.engine.lists().failure_groups(
      std::move(*queue),
      [exchange = call.exchange](std::expected<std::vector<engine::FailureGroup>, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        {
          ObjectWriter object(body);
          object.list("groups", *answer,
                      [&body](const engine::FailureGroup& group) { append_failure_group(body, group); });
        }
        exchange->respond(json_response(200, std::move(body)));
      });
}

void drain_queue(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  if (const auto nothing = read_nothing(call.request.body, call.context.limits); !nothing) {
    return refuse(call, nothing.error());
  }
  engine::OperationSpec spec;
  spec.action = Action::drain;
  spec.queue = std::move(*queue);
  start_operation(call, std::move(spec));
}

void start_bulk(Call& call) {
  auto spec = read_bulk(call.request.body, call.context.limits);
  if (!spec) return refuse(call, spec.error());
  // How many it finds would tell what is hidden.
  if (spec->filter.text && !call.context.redaction.empty()) {
    Problem refused{problem::invalid_input, ""};
    refused.errors.push_back({"/filter/q", "is not searched for while keys are redacted"});
    return refuse(call, refused);
  }
  spec->actor = actor_of(call);
  call.context.engine.operations().start(
      std::move(*spec), false,
      [exchange = call.exchange](std::expected<engine::OperationView, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        {
          ObjectWriter object(body);
          object.text("bulkId", answer->id);
        }
        exchange->respond(json_response(202, std::move(body)));
      });
}

void list_operations(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  call.context.engine.operations().list(
      [exchange = call.exchange, page, &redaction = call.context.redaction](
          std::expected<std::vector<engine::OperationView>, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        append_page(
            body, "operations", *answer, page,
            [](const engine::OperationView& operation) { return operation.id; },
            [&](const engine::OperationView& operation) { append_operation(body, operation, redaction); });
        exchange->respond(json_response(200, std::move(body)));
      });
}

void get_operation(Call& call) {
  call.context.engine.operations().get(std::string(call.params[0]), answer_operation(call));
}

void pause_operation(Call& call) {
  call.context.engine.operations().pause(std::string(call.params[0]), true, actor_of(call),
                                         answer_operation(call));
}

void resume_operation(Call& call) {
  call.context.engine.operations().pause(std::string(call.params[0]), false, actor_of(call),
                                         answer_operation(call));
}

void cancel_operation(Call& call) {
  call.context.engine.operations().cancel(std::string(call.params[0]), actor_of(call),
                                          answer_operation(call));
}

}  // namespace pawl::http::api
