// Which terms tell a document from the others: term frequency by inverse document frequency.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace document {

/// Calls each(term) for the terms of a text: runs of letters, digits and non-ASCII characters, in lower case
/// where they are ASCII, 3 to 40 bytes long, with at least one letter. The view lives until `each` returns.
void for_each_term(std::string_view text, const std::function<void(std::string_view)>& each);

/// In how many documents each term occurs.
class DocumentFrequencies {
 public:
  /// Counts each term of the document once.
  void add(std::string_view text);
  std::size_t documents() const { return documents_; }
  /// ln((documents + 1) / (documents with the term + 1)) + 1: a term that nobody has is the rarest, and none
  /// is worth nothing.
  double inverse(std::string_view term) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> with_term_;
  std::size_t documents_ = 0;
};

struct ScoredTerm {
  std::string term;
  double score = 0;
};

/// The `most` terms with the highest (occurrences / terms) · inverse(term), highest first, equal ones by
/// name.
std::vector<ScoredTerm> top_terms(std::string_view text, const DocumentFrequencies& frequencies,
                                  std::size_t most);

/// The frequencies of a folder, from a sample that does not depend on who takes it: its regular files in the
/// order of their paths, evenly spread, at most `files_max` of them that are text, the first 64 KiB of each.
/// Files that cannot be read are passed over.
DocumentFrequencies sample_folder(const std::string& folder, std::size_t files_max = 200);

}  // namespace document
