// Members that several answers have.
#pragma once

#include <string>
#include <vector>

#include "broker/core/new_job.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/redaction.h"

namespace pawl::http::api {

/// steps: the result of each by its name.
void append_steps(std::string& out, ObjectWriter& object, const std::vector<core::Step>& steps,
                  ClientJson& json);
/// parents: what became of each job that this one waited for, by its ref.
void append_parents(std::string& out, ObjectWriter& object, const std::vector<core::ParentResult>& parents,
                    ClientJson& json);
/// match: the paths with their values, as they were said.
void append_match(std::string& out, ObjectWriter& object, const core::Match& match, ClientJson& json);
/// What a schedule or a trigger says of its jobs, but for the payload.
void append_template(std::string& out, ObjectWriter& object, const core::NewJob& job);

/// null, or {url, on}.
void append_callback(std::string& out, const core::Callback* callback);

}  // namespace pawl::http::api
