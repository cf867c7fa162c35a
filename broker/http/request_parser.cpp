#include "broker/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>

namespace pawl::http {

namespace beast_http = boost::beast::http;

RequestParser::RequestParser(Head& head, std::string& body, std::size_t chunk_extension_bytes_max)
    : head_(head), body_(body), extension_bytes_left_(chunk_extension_bytes_max) {
  head_.fields.clear();
  body_.clear();
  eager(true);
  body_limit(boost::none);
  header_limit(1u << 20);
}

void RequestParser::expect_body(std::size_t bytes_max, bool discard) {
  body_bytes_max_ = bytes_max;
  discard_ = discard;
}

void RequestParser::on_request_impl(beast_http::verb, View method, View target, int version, Error&) {
  head_.method = {method.data(), method.size()};
  head_.target = {target.data(), target.size()};
  head_.version = static_cast<unsigned>(version);
}

void RequestParser::on_field_impl(beast_http::field, View name, View value, Error&) {
  if (!in_header_) return;  // trailers decide nothing
  head_.fields.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
}

void RequestParser::on_body_init_impl(boost::optional<std::uint64_t> const& length, Error&) {
  // Memory is touched as bytes come, so a promised length costs nothing but addresses.
  if (length && !discard_)
    body_.reserve(std::min<std::size_t>(*length, std::min<std::size_t>(body_bytes_max_, 1u << 20)));
}

std::size_t RequestParser::on_body_impl(View bytes, Error& error) {
  body_bytes_ += bytes.size();
  if (body_bytes_ > body_bytes_max_) {
    error = beast_http::error::body_limit;
    return 0;
  }
  if (!discard_) body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, View extensions, Error& error) {
  if (extensions.size() > extension_bytes_left_) {
    error = beast_http::error::bad_chunk_extension;
    return;
  }
  extension_bytes_left_ -= extensions.size();
  if (size > body_bytes_max_ || body_bytes_ + size > body_bytes_max_) error = beast_http::error::body_limit;
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, View bytes, Error& error) {
  return on_body_impl(bytes, error);
}

}  // namespace pawl::http
