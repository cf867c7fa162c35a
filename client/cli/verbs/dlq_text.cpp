#include "client/cli/verbs/dlq_text.h"

namespace pawl::cli {

Result<Answer> get_dead_letters(Session& session, std::string_view queue, const DlqFilter& filter,
                                std::uint32_t limit, std::string_view cursor) {
  const Query query = Query{}
                          .add("name", filter.name)
                          .add("errorType", filter.error_type)
                          .add("limit", std::to_string(limit))
                          .add("cursor", cursor);
  return session.get(path("queues", queue, "dlq") + query.text());
}

std::string choice_json(const std::vector<std::string>& job_ids, const DlqFilter& filter, double per_second) {
  JsonObject choice;
  if (!job_ids.empty()) return choice.add("jobIds", job_ids).text();
  choice.add("all", true);
  if (!filter.name.empty()) choice.add("name", filter.name);
  if (!filter.error_type.empty()) choice.add("errorType", filter.error_type);
  if (per_second > 0) choice.add("perSecond", per_second);
  return choice.text();
}

Result<void> check_choice(const std::vector<std::string>& job_ids, const DlqFilter& filter) {
  if (job_ids.empty() || (filter.name.empty() && filter.error_type.empty())) return {};
  return misuse("name the jobs or filter them, not both");
}

}  // namespace pawl::cli
