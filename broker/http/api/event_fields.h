// What suspensions, events and triggers have in common.
#pragma once

#include "broker/core/command.h"
#include "broker/http/api/fields.h"

namespace pawl::http::api {

/// {"order.id": 7, …}: a value for each path, none of them an object or an array.
void read_match(Input& in, const Where& at, core::Match& out);
/// {event, match?, timeoutMs?, as?}; `as` is the event's name when it is not said.
void read_wait_for(Input& in, const Where& at, core::Suspension& out);

}  // namespace pawl::http::api
