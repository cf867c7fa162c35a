#include "broker/http/response_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "broker/http/text.h"

namespace pawl::http {
namespace {

std::string_view status_line(unsigned status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK\r\n";
    case 201:
      return "HTTP/1.1 201 Created\r\n";
    case 202:
      return "HTTP/1.1 202 Accepted\r\n";
    case 204:
      return "HTTP/1.1 204 No Content\r\n";
    case 206:
      return "HTTP/1.1 206 Partial Content\r\n";
    case 301:
      return "HTTP/1.1 301 Moved Permanently\r\n";
    case 302:
      return "HTTP/1.1 302 Found\r\n";
    case 303:
      return "HTTP/1.1 303 See Other\r\n";
    case 304:
      return "HTTP/1.1 304 Not Modified\r\n";
    case 307:
      return "HTTP/1.1 307 Temporary Redirect\r\n";
    case 308:
      return "HTTP/1.1 308 Permanent Redirect\r\n";
    case 400:
      return "HTTP/1.1 400 Bad Request\r\n";
    case 401:
      return "HTTP/1.1 401 Unauthorized\r\n";
    case 403:
      return "HTTP/1.1 403 Forbidden\r\n";
    case 404:
      return "HTTP/1.1 404 Not Found\r\n";
    case 405:
      return "HTTP/1.1 405 Method Not Allowed\r\n";
    case 406:
      return "HTTP/1.1 406 Not Acceptable\r\n";
    case 408:
      return "HTTP/1.1 408 Request Timeout\r\n";
    case 409:
      return "HTTP/1.1 409 Conflict\r\n";
    case 410:
      return "HTTP/1.1 410 Gone\r\n";
    case 412:
      return "HTTP/1.1 412 Precondition Failed\r\n";
    case 413:
      return "HTTP/1.1 413 Content Too Large\r\n";
    case 414:
      return "HTTP/1.1 414 URI Too Long\r\n";
    case 415:
      return "HTTP/1.1 415 Unsupported Media Type\r\n";
    case 417:
      return "HTTP/1.1 417 Expectation Failed\r\n";
    case 421:
      return "HTTP/1.1 421 Misdirected Request\r\n";
    case 422:
      return "HTTP/1.1 422 Unprocessable Content\r\n";
    case 426:
      return "HTTP/1.1 426 Upgrade Required\r\n";
    case 429:
      return "HTTP/1.1 429 Too Many Requests\r\n";
    case 431:
      return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 500:
      return "HTTP/1.1 500 Internal Server Error\r\n";
    case 501:
      return "HTTP/1.1 501 Not Implemented\r\n";
    case 503:
      return "HTTP/1.1 503 Service Unavailable\r\n";
    case 504:
      return "HTTP/1.1 504 Gateway Timeout\r\n";
    case 505:
      return "HTTP/1.1 505 HTTP Version Not Supported\r\n";
    case 507:
      return "HTTP/1.1 507 Insufficient Storage\r\n";
    default:
      return {};
  }
}

void append_number(std::string& out, std::size_t number, int base = 10) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out.append(digits.data(), end.ptr);
}

void append_status(std::string& out, unsigned status) {
  if (const std::string_view known = status_line(status); !known.empty()) {
    out += known;
    return;
  }
  out += "HTTP/1.1 ";
  append_number(out, status);
  out += " Status\r\n";
}

bool is_safe_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (!is_safe_value(name) || !is_safe_value(value)) return;  // never let an answer be split in two
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

bool has_header(const Response& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& header) { return same_letters(header.first, name); });
}

// What a page may do; an answer that shows something brings its own policy.
constexpr std::string_view page_policy =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'\r\n";
constexpr std::string_view page_headers =
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n";

/// What the request, not the answer, asks for.
void append_last_fields(std::string& out, const ResponseFrame& frame) {
  if (!frame.keep_alive) {
    out += "Connection: close\r\n";
  } else if (frame.http10) {
    out += "Connection: keep-alive\r\n";
  }
  if (!frame.request_id.empty()) append_field(out, "X-Request-Id", frame.request_id);
}

}  // namespace

void ResponseWriter::append_fixed(std::string& out) {
  const std::time_t now = std::time(nullptr);
  if (now != second_) {
    second_ = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 64> date{};
    const std::size_t size = std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    fixed_ = "Date: ";
    fixed_.append(date.data(), size);
    fixed_ += "\r\nX-Content-Type-Options: nosniff\r\n";
  }
  out += fixed_;
}

void ResponseWriter::append(std::string& out, const Response& response, const ResponseFrame& frame) {
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  out.reserve(out.size() + response.body.size() + 320);
  append_status(out, response.status);
  if (!response.content_type.empty() && !bodiless) append_field(out, "Content-Type", response.content_type);
  if (!bodiless) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  append_fixed(out);
  bool cache_said = false;
  for (const auto& [name, value] : response.headers) {
    append_field(out, name, value);
    cache_said = cache_said || same_letters(name, "Cache-Control");
  }
  if (!cache_said) out += "Cache-Control: no-store\r\n";
  if (!response.content_type.starts_with("application/") && !bodiless) {
    out += page_headers;
    if (!has_header(response, "Content-Security-Policy")) out += page_policy;
  }
  append_last_fields(out, frame);
  out += "\r\n";
  if (!frame.head_only && !bodiless) out += response.body;
}

void ResponseWriter::append_stream_head(std::string& out, const ResponseFrame& frame) {
  append_status(out, 200);
  out += "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
  append_fixed(out);
  if (!frame.http10) out += "Transfer-Encoding: chunked\r\n";
  append_last_fields(out,
                     {frame.http10, frame.keep_alive && !frame.http10, frame.head_only, frame.request_id});
  out += "\r\n";
}

void append_chunk(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;  // an empty chunk would end the body
  append_number(out, bytes.size(), 16);
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

}  // namespace pawl::http
