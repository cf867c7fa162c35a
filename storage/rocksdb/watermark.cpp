#include "storage/rocksdb/watermark.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "storage/rocksdb/status.h"

namespace pawl::storage {

namespace {

constexpr std::string_view magic = "pawl-watermark-1";
constexpr std::size_t wals_most = 80;  // 80 × two numbers of 20 digits fit into a slot

std::uint64_t check_sum(std::string_view text) {  // FNV-1a: any single changed byte changes it
  std::uint64_t sum = 14695981039346656037ull;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return sum;
}

struct Slot {
  Watermark mark;
  std::uint64_t generation = 0;
};

/// Reads `name=value` fields, in the order that they were written.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::optional<std::string_view> text(std::string_view name) {
    if (!rest_.starts_with(name) || rest_.size() <= name.size() || rest_[name.size()] != '=')
      return std::nullopt;
    rest_.remove_prefix(name.size() + 1);
    const std::size_t end = rest_.find(' ');
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return value;
  }

  std::optional<std::uint64_t> number(std::string_view name) {
    const auto value = text(name);
    return value ? parse(*value) : std::nullopt;
  }

  static std::optional<std::uint64_t> parse(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
  }

 private:
  std::string_view rest_;
};

std::optional<std::vector<LogExpectation>> parse_logs(std::optional<std::string_view> field) {
  if (!field) return std::nullopt;
  std::string_view text = *field;
  std::vector<LogExpectation> logs;
  while (!text.empty()) {
    const std::size_t end = text.find(',');
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto number = Fields::parse(item.substr(0, colon));
    const auto bytes = Fields::parse(item.substr(colon + 1));
    if (!number || !bytes) return std::nullopt;
    logs.push_back({*number, *bytes});
  }
  return logs;
}

std::optional<Slot> parse_slot(std::string_view slot) {
  const std::size_t end = slot.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = slot.substr(0, end);
  const std::size_t sum_at = line.rfind(" sum=");
  if (!line.starts_with(magic) || sum_at == std::string_view::npos) return std::nullopt;
  if (line.substr(sum_at + 5) != fmt::format("{:016x}", check_sum(line.substr(0, sum_at))))
    return std::nullopt;

  Fields fields(line.substr(magic.size() + 1, sum_at - magic.size() - 1));
  const auto generation = fields.number("generation");
  const auto db_id = fields.text("db");
  const auto sequence = fields.number("sequence");
  const auto released = fields.number("released");
  const auto wals = parse_logs(fields.text("wals"));
  const auto manifest = parse_logs(fields.text("manifest"));
  if (!generation || !db_id || !sequence || !released || !wals || !manifest || manifest->size() != 1) {
    return std::nullopt;
  }
  return Slot{{std::string(*db_id), *sequence, *released, *wals, manifest->front()}, *generation};
}

}  // namespace

std::string encode_watermark(const Watermark& mark, std::uint64_t generation) {
  std::string line = fmt::format("{} generation={} db={} sequence={} released={} wals=", magic, generation,
                                 mark.db_id, mark.sequence, mark.released);
  const std::size_t skipped = mark.wals.size() > wals_most ? mark.wals.size() - wals_most : 0;
  for (std::size_t i = skipped; i < mark.wals.size(); ++i) {
    fmt::format_to(std::back_inserter(line), "{}{}:{}", i == skipped ? "" : ",", mark.wals[i].number,
                   mark.wals[i].durable_bytes);
  }
  fmt::format_to(std::back_inserter(line), " manifest={}:{}", mark.manifest.number,
                 mark.manifest.durable_bytes);
  fmt::format_to(std::back_inserter(line), " sum={:016x}\n", check_sum(line));
  return line;
}

Result<void> WatermarkFile::create(rocksdb::FileSystem& fs, const std::string& path) {
  std::string bytes = encode_watermark({}, 1);
  bytes.resize(slot_bytes, '\n');
  bytes += encode_watermark({}, 2);
  bytes.resize(2 * slot_bytes, '\n');
  const rocksdb::IOStatus status = rocksdb::WriteStringToFile(&fs, bytes, path, true);
  if (!status.ok()) return std::unexpected(to_error(status, "writing " + path));
  return {};
}

Result<WatermarkFile> WatermarkFile::open(rocksdb::FileSystem& fs, const std::string& path) {
  WatermarkFile result;
  std::string bytes;
  if (const auto status = rocksdb::ReadFileToString(&fs, path, &bytes); !status.ok()) {
    return std::unexpected(to_error(status, "reading " + path));
  }
  for (const std::size_t offset : {std::size_t{0}, slot_bytes}) {
    if (bytes.size() <= offset) continue;
    const auto slot = parse_slot(std::string_view(bytes).substr(offset, slot_bytes));
    if (!slot || slot->generation <= result.generation_) continue;
    result.generation_ = slot->generation;
    result.newest_ = slot->mark;
  }
  if (result.generation_ == 0) {
    return std::unexpected(Error{Errc::corrupt, path + " is damaged. " + std::string(next_step)});
  }
  if (const auto status = fs.NewRandomRWFile(path, {}, &result.file_, nullptr); !status.ok()) {
    return std::unexpected(to_error(status, "opening " + path));
  }
  return result;
}

rocksdb::IOStatus WatermarkFile::write(const Watermark& mark, bool sync) {
  const std::string line = encode_watermark(mark, ++generation_);
  newest_ = mark;
  const std::uint64_t offset = generation_ % 2 == 1 ? 0 : slot_bytes;
  rocksdb::IOStatus status = file_->Write(offset, line, {}, nullptr);
  if (status.ok() && sync) status = file_->Sync({}, nullptr);
  return status;
}

}  // namespace pawl::storage
