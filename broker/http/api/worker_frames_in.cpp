#include "broker/http/api/job_fields.h"
#include "broker/http/api/worker_frames.h"

namespace pawl::http::api {
namespace {

constexpr std::uint16_t close_not_json = 1007;  // RFC 6455: data that does not fit its type
constexpr std::size_t close_reason_bytes_max = 123;

template <typename T>
void read_frame_id(Input& in, const Where& at, T& frame) {
  std::int64_t id = 0;
  read_integer(in, at, 0, wire::frame_id_max, id);
  frame.id = static_cast<std::uint64_t>(id);
}

/// Each frame's object names its type; it was read before.
template <typename T>
constexpr Field<T> type_field{"type", [](Input& in, const Where&, T&) { in.json.skip(); }, true};
template <typename T>
constexpr Field<T> id_field{"id", [](Input& in, const Where& at, T& frame) { read_frame_id(in, at, frame); },
                            true};

void read_credit(Input& in, const Where& at, std::uint32_t& out) {
  std::int64_t credit = 0;
  read_integer(in, at, 0, wire::credit_max, credit);
  out = static_cast<std::uint32_t>(credit);
}

void read_worker_queue(Input& in, const Where& at, core::OpenWorker::Queue& out) {
  using Q = Field<core::OpenWorker::Queue>;
  static constexpr std::array fields{
      Q{"queue", [](Input& i, const Where& w, core::OpenWorker::Queue& q) { read_name(i, w, q.name); }, true},
      Q{"weight", [](Input& i, const Where& w, core::OpenWorker::Queue& q) {
          std::int64_t weight = 1;
          read_integer(i, w, 1, wire::weight_max, weight);
          q.weight = static_cast<std::uint32_t>(weight);
        }}};
  read_object(in, at, fields, out);
}

void read_held(Input& in, const Where& at, core::OpenWorker::Held& out) {
  using H = Field<core::OpenWorker::Held>;
  static constexpr std::array fields{
      H{"jobId", [](Input& i, const Where& w, core::OpenWorker::Held& h) { read_job_id(i, w, h.id); }, true},
      H{"leaseId", [](Input& i, const Where& w, core::OpenWorker::Held& h) { read_lease_id(i, w, h.lease); },
        true}};
  read_object(in, at, fields, out);
}

void read_own_words(Input& in, const Where& at, std::string& out) {
  if (!take_null(in)) read_label(in, at, out);
}

void read_hello(Input& in, const Where& at, HelloFrame& out) {
  using F = Field<HelloFrame>;
  static constexpr std::array fields{
      type_field<HelloFrame>,
      F{"workerId", [](Input& i, const Where& w, HelloFrame& f) { read_label(i, w, f.open.worker_id); },
        true},
      F{"queues",
        [](Input& i, const Where& w, HelloFrame& f) {
          read_array(i, w, 1, wire::names_max,
                     [&](const Where& item) { read_worker_queue(i, item, f.open.queues.emplace_back()); });
        },
        true},
      F{"names",
        [](Input& i, const Where& w, HelloFrame& f) {
          if (!take_null(i)) read_job_names(i, w, f.open.names);
        }},
      F{"credit", [](Input& i, const Where& w, HelloFrame& f) { read_credit(i, w, f.open.credit); }, true},
      F{"host", [](Input& i, const Where& w, HelloFrame& f) { read_own_words(i, w, f.host); }},
      F{"version", [](Input& i, const Where& w, HelloFrame& f) { read_own_words(i, w, f.version); }},
      F{"leases", [](Input& i, const Where& w, HelloFrame& f) {
          read_array(i, w, 0, static_cast<std::size_t>(wire::credit_max),
                     [&](const Where& item) { read_held(i, item, f.open.resume.emplace_back()); });
        }}};
  read_object(in, at, fields, out);
  for (std::size_t i = 0; i < out.open.queues.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (out.open.queues[i].name == out.open.queues[j].name && !out.open.queues[i].name.empty()) {
        in.wrong(at.member("queues"), "names the queue " + out.open.queues[i].name + " twice");
        return;
      }
    }
  }
}

void read_credit_frame(Input& in, const Where& at, CreditFrame& out) {
  using F = Field<CreditFrame>;
  static constexpr std::array fields{
      type_field<CreditFrame>,
      F{"credit", [](Input& i, const Where& w, CreditFrame& f) { read_credit(i, w, f.credit); }, true}};
  read_object(in, at, fields, out);
}

void read_settle_frame(Input& in, const Where& at, SettleFrame& out) {
  using F = Field<SettleFrame>;
  static constexpr std::array fields{type_field<SettleFrame>, id_field<SettleFrame>,
                                     F{"settlements",
                                       [](Input& i, const Where& w, SettleFrame& f) {
                                         read_array(i, w, 1, wire::settlements_max, [&](const Where& item) {
                                           read_settlement_item(i, item, f.settle.settlements.emplace_back());
                                         });
                                       },
                                       true}};
  read_object(in, at, fields, out);
}

void read_heartbeat_frame(Input& in, const Where& at, HeartbeatFrame& out) {
  using F = Field<HeartbeatFrame>;
  static constexpr std::array fields{type_field<HeartbeatFrame>, id_field<HeartbeatFrame>,
                                     F{"beats",
                                       [](Input& i, const Where& w, HeartbeatFrame& f) {
                                         read_array(i, w, 1, wire::settlements_max, [&](const Where& item) {
                                           read_beat_item(i, item, f.heartbeat.beats.emplace_back());
                                         });
                                       },
                                       true}};
  read_object(in, at, fields, out);
}

void read_logs_frame(Input& in, const Where& at, LogsFrame& out) {
  using F = Field<LogsFrame>;
  static constexpr std::array fields{
      type_field<LogsFrame>, id_field<LogsFrame>,
      F{"jobId", [](Input& i, const Where& w, LogsFrame& f) { read_job_id(i, w, f.logs.id); }, true},
      F{"leaseId", [](Input& i, const Where& w, LogsFrame& f) { read_lease_id(i, w, f.logs.lease); }, true},
      F{"lines", [](Input& i, const Where& w, LogsFrame& f) { read_log_lines(i, w, f.logs.lines); }, true}};
  read_object(in, at, fields, out);
}

void read_bye(Input& in, const Where& at, ByeFrame& out) {
  static constexpr std::array fields{type_field<ByeFrame>};
  read_object(in, at, fields, out);
}

/// What is needed to know before the frame itself is read.
struct Head {
  std::string type;
  bool has_type = false;
  std::optional<std::uint64_t> id;
};

/// Looks for `type` and `id`; the members may come in any order. Nothing when it is not JSON or not an
/// object.
std::optional<Head> read_head(JsonReader& json) {
  if (json.peek() != JsonKind::object) return std::nullopt;
  Head head;
  json.enter();
  while (json.next_member()) {
    const JsonKind kind = json.peek();
    if (json.key() == "type" && kind == JsonKind::string && !head.has_type) {
      head.type = json.read_string();
      head.has_type = true;
      // A worker sends `type` first and `id` second: then the rest need not be read twice.
      if (head.type == "hello" || head.type == "credit" || head.type == "bye") break;
    } else if (json.key() == "id" && kind == JsonKind::number) {
      const JsonReader::Number number = json.read_number();
      std::uint64_t id = 0;
      bool good = number.integer && !number.text.empty() && number.text.size() <= 16 && number.text[0] != '-';
      for (const char c : number.text) id = id * 10 + static_cast<std::uint64_t>(c - '0');
      good = good && id <= static_cast<std::uint64_t>(wire::frame_id_max);
      if (good) head.id = id;
    } else {
      json.skip();
    }
    if (head.has_type && head.id) break;
  }
  if (json.error()) return std::nullopt;
  return head;
}

FrameProblem refuse(std::optional<std::uint64_t> id, const Problem& problem) {
  return {0, {}, write_error(id, problem)};
}

FrameProblem close_malformed(const Problem& problem) {
  FrameProblem out{
      close_not_json, problem.detail.empty() ? "a frame is one JSON object" : problem.detail, {}};
  if (out.close_reason.size() > close_reason_bytes_max) out.close_reason.resize(close_reason_bytes_max);
  return out;
}

template <typename Frame, typename Read>
std::expected<WorkerFrame, FrameProblem> read_as(std::string_view text, const Limits& limits,
                                                 const std::optional<std::uint64_t>& id, Read&& read) {
  auto frame = read_document<Frame>(text, limits, read);
  if (frame) return WorkerFrame{std::move(*frame)};
  if (frame.error().place) return std::unexpected(close_malformed(frame.error()));
  return std::unexpected(refuse(id, frame.error()));
}

}  // namespace

std::expected<WorkerFrame, FrameProblem> read_worker_frame(std::string_view text, const Limits& limits) {
  JsonReader json(text);
  const std::optional<Head> head = read_head(json);
  if (!head) {
    // Once more, for the words of the refusal.
    auto document = read_document<int>(
        text, limits, [](Input& in, const Where& at, int&) { expect(in, at, JsonKind::object); });
    return std::unexpected(close_malformed(document ? Problem{problem::invalid_json, ""} : document.error()));
  }
  if (head->type == "settle") return read_as<SettleFrame>(text, limits, head->id, read_settle_frame);
  if (head->type == "heartbeat") return read_as<HeartbeatFrame>(text, limits, head->id, read_heartbeat_frame);
  if (head->type == "hello") return read_as<HelloFrame>(text, limits, head->id, read_hello);
  if (head->type == "credit") return read_as<CreditFrame>(text, limits, head->id, read_credit_frame);
  if (head->type == "logs") return read_as<LogsFrame>(text, limits, head->id, read_logs_frame);
  if (head->type == "bye") return read_as<ByeFrame>(text, limits, head->id, read_bye);

  // The head may have ended before a broken rest.
  const auto whole = read_document<int>(text, limits, [](Input& in, const Where&, int&) { in.json.skip(); });
  if (!whole) return std::unexpected(close_malformed(whole.error()));
  Problem problem{problem::invalid_input, ""};
  problem.errors.push_back({"/type", head->has_type ? "must be hello, credit, settle, heartbeat, logs or bye"
                                                    : "is required, as a string"});
  return std::unexpected(refuse(head->id, problem));
}

}  // namespace pawl::http::api
