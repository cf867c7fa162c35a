#include "client/cli/verbs/dlq_text.h"

namespace pawl::cli {

Result<Answer> get_dead_letters(Session& session, std::string_view queue, const DlqFilter& filter,
                                std::uint32_t limit, std::string_view cursor) {
  const Query query = Query{}
                          .add("name", filter.name)
                          .add("errorType", filter.error_type)
                          .add("fingerprint", filter.fingerprint)
                          .add("limit", std::to_string(limit))
                          .add("cursor", cursor);
  return session.get(path("queues", queue, "dlq") + query.text());
}

JsonObject choice_json(const std::vector<std::string>& job_ids, const DlqFilter& filter) {
  JsonObject choice;
  if (!job_ids.empty()) return choice.add("jobIds", job_ids);
  choice.add("all", true);
  if (!filter.name.empty()) choice.add("name", filter.name);
  if (!filter.error_type.empty()) choice.add("errorType", filter.error_type);
  if (!filter.fingerprint.empty()) choice.add("fingerprint", filter.fingerprint);
  return choice;
}

Result<void> check_choice(const std::vector<std::string>& job_ids, const DlqFilter& filter) {
  if (job_ids.empty() || filter.empty()) return {};
  return misuse("name the jobs or filter them, not both");
}

}  // namespace pawl::cli
