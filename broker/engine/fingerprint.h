// What failures of one cause have in common: the type of the error and its message without what differs from
// job to job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/job.h"

namespace pawl::engine {

/// 64 bits; 0 is nobody's: it stands for failures that were not told apart (FailureGroups).
enum class Fingerprint : std::uint64_t { none = 0 };

/// The first line of a message, at most 1 024 bytes of it, with its
///   numbers with sign and exponent, dates, times  as <n>       "took 31.5 s" → "took <n> s"
///   UUIDs, hashes, long ids                       as <id>      "no user 7f3c9a00d1" → "no user <id>"
///   IP, MAC and e-mail addresses, URLs            as <address>
///
/// An id is known by its characters alone, so some are taken for words. Linear in the length.
std::string common_form(std::string_view message);

/// Of one type and one common form. Not kept on disk but in operations that name one; it may change with a
/// release.
Fingerprint fingerprint_of(std::string_view type, std::string_view message);
/// Of the job's last error; of two empty texts when it has none.
Fingerprint fingerprint_of(const core::Job& job);

/// 16 hexadecimal digits, lower case.
std::string fingerprint_text(Fingerprint fingerprint);
std::optional<Fingerprint> parse_fingerprint(std::string_view text);

}  // namespace pawl::engine
