// The one token that guards every route.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "broker/app/listen_address.h"
#include "broker/app/settings.h"

namespace pawl::app {

struct Token {
  std::string value;    // empty: none is needed
  std::string warning;  // one sentence about a weak spot; empty: none
};

/// From --token-file or PAWL_TOKEN. Refused: both at once, an unreadable or empty file, characters that a
/// header cannot carry, and no token at all when one of the addresses can be reached by others. The error is
/// one line that names the setting.
std::expected<Token, std::string> load_token(const Settings& settings,
                                             const std::vector<ListenAddress>& listen);

}  // namespace pawl::app
