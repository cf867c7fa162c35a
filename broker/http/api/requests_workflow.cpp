#include <map>
#include <utility>

#include "broker/http/api/job_fields.h"
#include "broker/http/api/new_job_fields.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

/// A graph while it is read: who waits for whom is named by refs.
struct GraphDraft {
  std::string name;
  std::vector<core::NewMember> members;
  std::vector<std::vector<std::string>> depends_on;
};

struct MemberDraft {
  core::NewMember member;
  std::vector<std::string> depends_on;
};

using M = Field<MemberDraft>;

void read_policy(Input& in, const Where& at, MemberDraft& draft) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view word = in.json.read_string();
  for (std::size_t i = 0; i < core::on_parent_failure_names.size(); ++i) {
    if (core::on_parent_failure_names[i] != word) continue;
    draft.member.on_parent_failure = static_cast<core::OnParentFailure>(i);
    return;
  }
  in.wrong(at, "must be fail, run or skip");
}

constexpr std::array member_own_fields{
    M{"ref", [](Input& in, const Where& at, MemberDraft& draft) { read_name(in, at, draft.member.ref); },
      true},
    M{"dependsOn",
      [](Input& in, const Where& at, MemberDraft& draft) {
        read_array(in, at, 0, core::workflow_jobs_max,
                   [&](const Where& item) { read_name(in, item, draft.depends_on.emplace_back()); });
      }},
    M{"onParentFailure", read_policy}};

template <std::size_t I>
void read_member_job_field(Input& in, const Where& at, MemberDraft& draft) {
  new_job_fields[I].read(in, at, draft.member.job);
}

/// Those of a submit, then those of a place in a graph, in one object.
constexpr auto member_fields = []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>,
                                                                      std::index_sequence<J...>) {
  return std::array{M{new_job_fields[I].name, read_member_job_field<I>, new_job_fields[I].required}...,
                    member_own_fields[J]...};
}(std::make_index_sequence<new_job_fields.size()>{}, std::make_index_sequence<member_own_fields.size()>{});

void refuse_deduplication(Input& in, const Where& at, const core::NewJob& job, const char* why) {
  if (!job.unique_key.empty()) in.wrong(at.member("uniqueKey"), why);
  if (job.unique_for_ms > 0) in.wrong(at.member("uniqueForMs"), why);
  if (!job.gathering) return;
  using Mode = core::Gathering::Mode;
  const Mode mode = job.gathering->mode;
  in.wrong(at.member(mode == Mode::latest     ? "latest"
                     : mode == Mode::debounce ? "debounce"
                                              : "throttle"),
           why);
}

void read_member(Input& in, const Where& at, GraphDraft& out) {
  MemberDraft draft;
  read_object(in, at, member_fields, draft);
  const core::NewJob& job = draft.member.job;
  check_times(in, at, job);
  check_order(in, at, job);
  if (job.ordered && !draft.depends_on.empty())
    in.wrong(at.member("ordered"), "excludes dependsOn: the order of submits says when it runs");
  refuse_deduplication(in, at, job, "has no place in a graph: each of its jobs is made");
  out.members.push_back(std::move(draft.member));
  out.depends_on.push_back(std::move(draft.depends_on));
}

/// Names become indexes; what is wrong with them is said of each.
void resolve(Input& in, const Where& jobs, GraphDraft& graph) {
  std::map<std::string, std::uint32_t> index;
  for (std::uint32_t i = 0; i < graph.members.size(); ++i) {
    const std::string& ref = graph.members[i].ref;
    if (ref.empty()) continue;
    const auto [first, fresh] = index.try_emplace(ref, i);
    if (!fresh)
      in.wrong(jobs.item(i).member("ref"), "is the ref of job " + std::to_string(first->second) + " too");
  }
  for (std::uint32_t i = 0; i < graph.members.size(); ++i) {
    const Where item = jobs.item(i);
    const Where list = item.member("dependsOn");
    std::vector<std::uint32_t>& parents = graph.members[i].depends_on;
    for (std::size_t j = 0; j < graph.depends_on[i].size(); ++j) {
      const std::string& name = graph.depends_on[i][j];
      if (name.empty()) continue;
      const auto found = index.find(name);
      if (found == index.end())
        in.wrong(list.item(j), "names no job of this graph");
      else if (found->second == i)
        in.wrong(list.item(j), "is the job itself");
      else if (std::ranges::find(parents, found->second) != parents.end())
        in.wrong(list.item(j), "is given twice");
      else
        parents.push_back(found->second);
    }
  }
  if (!in.clean()) return;
  if (const auto fault = core::find_cycle(graph.members))
    in.wrong(jobs.item(fault->member).member("dependsOn"), "makes " + fault->what);
}

void read_jobs(Input& in, const Where& at, GraphDraft& graph) {
  read_array(in, at, 1, core::workflow_jobs_max, [&](const Where& item) { read_member(in, item, graph); });
  if (!in.json.error()) resolve(in, at, graph);
}

}  // namespace

Parsed<core::SubmitWorkflow> read_workflow(std::string_view body, const Limits& limits) {
  using W = Field<GraphDraft>;
  static constexpr std::array fields{
      W{"name", [](Input& in, const Where& at, GraphDraft& draft) { read_name(in, at, draft.name); }, true},
      W{"jobs", [](Input& in, const Where& at, GraphDraft& draft) { read_jobs(in, at, draft); }, true}};
  auto draft = read_document<GraphDraft>(
      body, limits, [](Input& in, const Where& at, GraphDraft& out) { read_object(in, at, fields, out); });
  if (!draft) return std::unexpected(std::move(draft.error()));
  return core::SubmitWorkflow{std::move(draft->name), std::move(draft->members)};
}

Parsed<core::AddChildren> read_children(std::string_view body, const core::JobId& id, const Limits& limits) {
  struct Draft {
    core::LeaseNumber lease = core::LeaseNumber::none;
    GraphDraft graph;
  };
  using C = Field<Draft>;
  static constexpr std::array fields{
      C{"leaseId", [](Input& in, const Where& at, Draft& draft) { read_lease_id(in, at, draft.lease); },
        true},
      C{"jobs", [](Input& in, const Where& at, Draft& draft) { read_jobs(in, at, draft.graph); }, true}};
  auto draft = read_document<Draft>(
      body, limits, [](Input& in, const Where& at, Draft& out) { read_object(in, at, fields, out); });
  if (!draft) return std::unexpected(std::move(draft.error()));
  return core::AddChildren{id, draft->lease, std::move(draft->graph.members)};
}

namespace {

struct Invocation {
  core::LeaseNumber lease = core::LeaseNumber::none;
  MemberDraft draft;
  bool invokes = false;
};

constexpr M as_field{
    "as", [](Input& in, const Where& at, MemberDraft& draft) { read_name(in, at, draft.member.ref); }};
constexpr auto invoke_fields = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array{M{new_job_fields[I].name, read_member_job_field<I>, new_job_fields[I].required}...,
                    as_field};
}(std::make_index_sequence<new_job_fields.size()>{});

void read_invoke(Input& in, const Where& at, Invocation& out) {
  out.invokes = true;
  read_object(in, at, invoke_fields, out.draft);
  core::NewMember& member = out.draft.member;
  if (member.ref.empty()) member.ref = member.job.name.empty() ? member.job.queue : member.job.name;
  check_times(in, at, member.job);
  check_order(in, at, member.job);
  refuse_deduplication(in, at, member.job, "has no place here: the job that is invoked is one of its own");
}

}  // namespace

Parsed<std::optional<core::AddChildren>> read_invocation(std::string_view body, const core::JobId& id,
                                                         const Limits& limits) {
  if (!JsonReader(body).enter_member("invoke")) return std::nullopt;
  using I = Field<Invocation>;
  static constexpr auto beside = [](Input& in, const Where& at, Invocation&) {
    in.wrong(at, "excludes invoke: give one of them");
    in.json.skip();
  };
  static constexpr std::array fields{
      I{"leaseId", [](Input& in, const Where& at, Invocation& out) { read_lease_id(in, at, out.lease); },
        true},
      I{"invoke", read_invoke, true},
      I{"sleepMs", beside},
      I{"until", beside},
      I{"waitFor", beside},
      I{"as", [](Input& in, const Where& at, Invocation&) {
          in.wrong(at, "stands within invoke");
          in.json.skip();
        }}};
  auto read = read_document<Invocation>(
      body, limits, [](Input& in, const Where& at, Invocation& out) { read_object(in, at, fields, out); });
  if (!read) return std::unexpected(std::move(read.error()));
  std::vector<core::NewMember> members;
  members.push_back(std::move(read->draft.member));
  return core::AddChildren{id, read->lease, std::move(members), true};
}

}  // namespace pawl::http::api
