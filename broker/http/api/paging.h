// Pages of lists that come whole from the engine, sorted by a text that is unique.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"
#include "client/wire/protocol.h"

namespace pawl::http::api {

/// limit and cursor of the query. The cursor is the last key of the page before, in hexadecimal.
struct PageQuery {
  std::size_t limit = 0;
  std::optional<std::string> after;
  explicit PageQuery(Query& query);
};

std::string cursor_after(std::string_view key);

/// Writes {"KEY":[…],"nextCursor"} with the items behind `after`. REQUIRES: items are sorted by key_of(item).
template <typename Item, typename KeyOf, typename Write>
void append_page(std::string& out, std::string_view key, const std::vector<Item>& items,
                 const PageQuery& page, KeyOf&& key_of, Write&& write) {
  auto first = items.begin();
  if (page.after) first = std::ranges::upper_bound(items, *page.after, {}, key_of);
  const auto count = std::min(page.limit, static_cast<std::size_t>(items.end() - first));
  const auto last = first + static_cast<std::ptrdiff_t>(count);
  ObjectWriter object(out);
  object.list(key, std::vector<std::reference_wrapper<const Item>>(first, last),
              [&](const Item& item) { write(item); });
  if (last == items.end()) {
    object.null("nextCursor");
  } else {
    object.text("nextCursor", cursor_after(key_of(*(last - 1))));
  }
}

}  // namespace pawl::http::api
