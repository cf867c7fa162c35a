// Ends of jobs as CloudEvents 1.0 in structured JSON (https://github.com/cloudevents/spec).
#pragma once

#include <string>

#include "broker/core/end_writer.h"

namespace pawl::http::api {

/// type pawl.job.completed, pawl.job.failed or pawl.job.cancelled; subject: the job's id; source:
/// /queues/QUEUE; id: the job's id and which of its ends it is, so that each end has one of its own.
class CloudEvents final : public core::EndWriter {
 public:
  std::string write(const core::Job& job, const std::string& queue) const override;
};

}  // namespace pawl::http::api
