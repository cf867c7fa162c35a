#include "broker/http/dashboard/dashboard.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace pawl::http::dashboard {
namespace {

constexpr std::string_view root = "/ui/";
constexpr std::size_t depth_max = 3;  // /ui/a/b/c: pages with more slashes do not exist
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Calls visit with each item of a comma-separated list.
template <typename Visit>
void for_each_item(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    visit(trimmed(list.substr(0, end)));
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  }
}

/// Whether an item's parameters say q=0, which means "not this one".
bool is_refused(std::string_view parameters) {
  const std::size_t q = parameters.find("q=");
  if (q == std::string_view::npos) return false;
  double weight = 1;
  const std::string_view number = trimmed(parameters.substr(q + 2));
  std::from_chars(number.data(), number.data() + number.size(), weight);
  return weight <= 0;
}

struct Form {
  std::string_view bytes;
  std::string_view encoding;  // Content-Encoding; empty: none
  std::string etag;
};

Form form_of(const File& file, std::string_view accept_encoding) {
  const std::string opening = '"' + std::string(file.hash);
  switch (choose_encoding(accept_encoding, !file.gzip.empty(), !file.brotli.empty())) {
    case Encoding::brotli:
      return {file.brotli, "br", opening + "-br\""};
    case Encoding::gzip:
      return {file.gzip, "gzip", opening + "-gz\""};
    case Encoding::identity:
      break;
  }
  return {file.plain, {}, opening + '"'};
}

bool matches(std::string_view if_none_match, std::string_view etag) {
  bool found = false;
  for_each_item(if_none_match, [&](std::string_view item) {
    if (item.starts_with("W/")) item.remove_prefix(2);
    found = found || item == "*" || item == etag;
  });
  return found;
}

void send(const Request& request, Exchange& exchange, const File& file) {
  Form form = form_of(file, request.accept_encoding);
  Response response{200, std::string(file.type), {}, {}};
  const bool fresh = matches(request.if_none_match, form.etag);
  response.headers = {
      {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy", std::string(policy)},
  };
  response.headers.emplace_back("ETag", std::move(form.etag));
  if (fresh) {
    response.status = 304;
  } else {
    if (!form.encoding.empty()) response.headers.emplace_back("Content-Encoding", form.encoding);
    response.body = form.bytes;
  }
  exchange.respond(std::move(response));
}

const File* find(std::span<const File> files, std::string_view path) {
  const auto found = std::ranges::find(files, path, &File::path);
  return found == files.end() ? nullptr : &*found;
}

/// Every screen is the same page; only the way from it to its files differs, by how deep it lies.
const File* page_for(std::span<const File> files, std::string_view path) {
  constexpr std::array<std::string_view, depth_max + 1> pages{"page-0.html", "page-1.html", "page-2.html",
                                                              "page-3.html"};
  const auto depth = static_cast<std::size_t>(std::ranges::count(path, '/'));
  if (depth > depth_max || path.starts_with("assets/")) return nullptr;
  return find(files, pages[depth]);
}

}  // namespace

Encoding choose_encoding(std::string_view accept_encoding, bool has_gzip, bool has_brotli) {
  bool gzip = false;
  bool brotli = false;
  for_each_item(accept_encoding, [&](std::string_view item) {
    const std::size_t semicolon = item.find(';');
    const std::string_view name = trimmed(item.substr(0, semicolon));
    const bool wanted = semicolon == std::string_view::npos || !is_refused(item.substr(semicolon + 1));
    if (name == "br") brotli = wanted;
    if (name == "gzip" || name == "x-gzip") gzip = wanted;
  });
  if (brotli && has_brotli) return Encoding::brotli;
  if (gzip && has_gzip) return Encoding::gzip;
  return Encoding::identity;
}

bool serve(const Request& request, Exchange& exchange, std::span<const File> files) {
  if (request.path == "/" || request.path == "/ui") {
    exchange.respond(Response{302, "", "", {{"Location", "ui/"}}});
    return true;
  }
  std::string_view path = request.path;
  if (!path.starts_with(root)) return false;
  path.remove_prefix(root.size());
  const File* file = find(files, path);
  if (file == nullptr) file = page_for(files, path);
  if (file == nullptr) return false;
  send(request, exchange, *file);
  return true;
}

}  // namespace pawl::http::dashboard
