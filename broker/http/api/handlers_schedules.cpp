#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/submit_checks.h"

namespace pawl::http::api {
namespace {

void post_for_schedule(Call& call, core::CommandBody command) {
  post_and_answer<core::ScheduleView>(call, std::move(command),
                                      [&redaction = call.context.redaction](const core::ScheduleView& view) {
                                        std::string body;
                                        append_schedule(body, view, redaction);
                                        return json_response(200, std::move(body));
                                      });
}

/// A POST without anything to say. False, and answered, when there is a body all the same.
bool take_nothing(Call& call) {
  const auto nothing = read_nothing(call.request.body, call.context.limits);
  if (!nothing) refuse(call, nothing.error());
  return nothing.has_value();
}

void set_paused(Call& call, bool paused) {
  auto id = path_name(call, "scheduleId");
  if (id && take_nothing(call)) post_for_schedule(call, core::PauseSchedule{std::move(*id), paused});
}

}  // namespace

void put_schedule(Call& call) {
  auto id = path_name(call, "scheduleId");
  if (!id) return;
  auto put =
      read_put_schedule(call.request.body, std::move(*id), call.context.limits, call.context.check_timetable);
  if (!put) return refuse(call, put.error());
  if (!may_submit(call, put->schedule.job)) return;
  post_for_schedule(call, std::move(*put));
}

void get_schedule(Call& call) {
  if (auto id = path_name(call, "scheduleId")) post_for_schedule(call, core::GetSchedule{std::move(*id)});
}

void list_schedules(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  const Redaction& redaction = call.context.redaction;
  const auto render = [page, &redaction](const core::ScheduleList& list) {
    std::string body;
    append_page(
        body, "schedules", list.schedules, page,
        [](const core::ScheduleView& view) { return view.row.schedule.id; },
        [&](const core::ScheduleView& view) { append_schedule(body, view, redaction); });
    return json_response(200, std::move(body));
  };
  post_and_answer<core::ScheduleList>(call, core::ListSchedules{}, render);
}

void delete_schedule(Call& call) {
  auto id = path_name(call, "scheduleId");
  if (!id) return;
  Query query(call.request.query);
  const bool force = query.boolean("force", false);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  post_and_answer<core::ScheduleDeleted>(call, core::DeleteSchedule{std::move(*id), force},
                                         [](const core::ScheduleDeleted& deleted) {
                                           std::string body;
                                           {
                                             ObjectWriter object(body);
                                             object.text("scheduleId", deleted.schedule);
                                             object.boolean("deleted", true);
                                           }
                                           return json_response(200, std::move(body));
                                         });
}

void run_schedule(Call& call) {
  auto id = path_name(call, "scheduleId");
  if (!id || !has_no_idempotency_key(call) || !take_nothing(call)) return;
  post_and_answer<core::Submitted>(call, core::RunSchedule{std::move(*id)},
                                   [](const core::Submitted& submitted) {
                                     return submitted_response(submitted, submitted.jobs.at(0).queue);
                                   });
}

void pause_schedule(Call& call) { set_paused(call, true); }
void resume_schedule(Call& call) { set_paused(call, false); }

}  // namespace pawl::http::api
