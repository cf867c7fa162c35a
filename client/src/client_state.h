// How a Client calls its broker: what is repeated, under which key, and submits that travel together.
#pragma once

#include <pawl/client.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "client/src/coalescer.h"
#include "client/src/http_pool.h"
#include "client/src/json_slices.h"
#include "client/src/problem.h"
#include "client/src/read_records.h"

namespace pawl {

namespace client {
/// A key for one request that nobody else has.
std::string fresh_key();
}  // namespace client

/// Thread: any.
struct Client::State {
  State(ClientOptions given, client::Url url);

  struct Ask {
    std::string_view method;
    std::string_view target;
    std::string_view body = {};
    Headers headers = {};
    milliseconds extra_time = {};  // how long the broker may think on purpose: a long poll
    bool repeatable = false;       // after a lost answer too, whatever its method and headers say
    bool in_parts = false;         // some of it may have been done when the broker says 429 or 503
  };

  /// Any answer is a Response. Repeats what is safe to repeat, until retry_for has passed.
  Result<Response> call(const Ask& ask);

  /// As call, with refusals as errors.
  Result<Response> ask(const Ask& ask);
  template <class Read>
  auto ask(const Ask& question, Read read) -> Result<decltype(read(client::JsonSlice()))> {
    auto response = ask(question);
    if (!response) return std::unexpected(std::move(response.error()));
    return read(client::JsonSlice(response->text));
  }
  Result<Status> ask_status(const Ask& question);
  /// The answer does not matter.
  Result<void> tell(const Ask& question);

  /// All that a list has, page by page. `field`: where the answers have it.
  template <class Read>
  auto list(std::string_view collection, std::string_view field, Read read)
      -> Result<std::vector<decltype(read(client::JsonSlice()))>> {
    std::vector<decltype(read(client::JsonSlice()))> out;
    std::string cursor;
    do {
      const std::string target = "/" + std::string(collection) + "?limit=1000" +
                                 (cursor.empty() ? "" : "&cursor=" + url_escape(cursor));
      auto next = ask({.method = "GET", .target = target}, [&](client::JsonSlice page) {
        page[field].elements([&](client::JsonSlice item) { out.push_back(read(item)); });
        const client::JsonSlice cursor_of_next = page["nextCursor"];
        return cursor_of_next.present() ? cursor_of_next.string() : std::string();
      });
      if (!next) return std::unexpected(std::move(next.error()));
      cursor = std::move(*next);
    } while (!cursor.empty());
    return out;
  }
  template <class Read>
  auto list(std::string_view collection, Read read) {
    return list(collection, collection, read);
  }

  Result<Enqueued> submit_alone(const std::string& body, const std::string& key);
  /// `body`: the whole body of a batch.
  Result<std::vector<Enqueued>> submit_batch(const std::string& body, std::string key);

  ClientOptions options;
  client::HttpPool pool;
  client::HttpLine line;  // of the coalescer's calls
  client::Coalescer coalescer;

 private:
  struct Submit;
  Headers own_key(std::string key) const;
  client::Coalescer::Finish begin_submit(std::vector<std::string> bodies);
  client::Coalescer::Answers finish_submit(const Submit& submit);
};

}  // namespace pawl
