#include "client/examples/document/tf_idf.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unordered_set>

#include "client/examples/document/text_file.h"
#include "client/examples/document/utf8.h"

namespace document {
namespace {

constexpr std::size_t term_bytes_min = 3;
constexpr std::size_t term_bytes_max = 40;
constexpr std::size_t sample_bytes = 64u << 10;
constexpr std::size_t sample_file_bytes_max = 8u << 20;
constexpr std::size_t walk_max = 100'000;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::vector<std::string> files_below(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator() && out.size() < walk_max; at.increment(error)) {
    std::error_code unreadable;
    if (fs::is_regular_file(at->symlink_status(unreadable))) out.push_back(at->path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

void for_each_term(std::string_view text, const std::function<void(std::string_view)>& each) {
  std::string term;
  bool has_letter = false;
  const auto flush = [&] {
    if (has_letter && term.size() >= term_bytes_min && term.size() <= term_bytes_max) each(term);
    term.clear();
    has_letter = false;
  };
  for (const char raw : text) {
    const char c = lower(raw);
    if (!is_letter(c) && !is_digit(c)) {
      flush();
      continue;
    }
    has_letter = has_letter || is_letter(c);
    if (term.size() <= term_bytes_max) term += c;
  }
  flush();
}

void DocumentFrequencies::add(std::string_view text) {
  std::unordered_set<std::string, Hash, std::equal_to<>> seen;
  for_each_term(text, [&](std::string_view term) {
    if (seen.find(term) == seen.end()) seen.emplace(term);
  });
  for (const std::string& term : seen) ++with_term_[term];
  ++documents_;
}

double DocumentFrequencies::inverse(std::string_view term) const {
  const auto at = with_term_.find(term);
  const double with = at == with_term_.end() ? 0.0 : static_cast<double>(at->second);
  return std::log((static_cast<double>(documents_) + 1) / (with + 1)) + 1;
}

std::vector<ScoredTerm> top_terms(std::string_view text, const DocumentFrequencies& frequencies,
                                  std::size_t most) {
  std::unordered_map<std::string, std::size_t> counts;
  std::size_t terms = 0;
  for_each_term(text, [&](std::string_view term) {
    ++counts[std::string(term)];
    ++terms;
  });
  std::vector<ScoredTerm> out;
  out.reserve(counts.size());
  for (const auto& [term, count] : counts) {
    const double frequency = static_cast<double>(count) / static_cast<double>(terms);
    out.push_back({term, frequency * frequencies.inverse(term)});
  }
  const auto middle = out.begin() + static_cast<std::ptrdiff_t>(std::min(most, out.size()));
  std::partial_sort(out.begin(), middle, out.end(), [](const ScoredTerm& a, const ScoredTerm& b) {
    return a.score != b.score ? a.score > b.score : a.term < b.term;
  });
  out.erase(middle, out.end());
  return out;
}

DocumentFrequencies sample_folder(const std::string& folder, std::size_t files_max) {
  DocumentFrequencies out;
  const auto files = files_below(folder);
  // One in `stride`; those that are no text leave the sample a little smaller.
  const std::size_t stride = std::max<std::size_t>(1, files.size() / std::max<std::size_t>(1, files_max));
  for (std::size_t i = 0; i < files.size() && out.documents() < files_max; i += stride) {
    try {
      std::string text = read_text_file(files[i], sample_file_bytes_max);
      if (!count_text(text)) continue;
      text.resize(character_start(text, std::min(text.size(), sample_bytes)));
      out.add(text);
    } catch (const unusable&) {
      continue;
    }
  }
  return out;
}

}  // namespace document
