// Beast's parser, with our own ends: fields go to the gate as views, the body into one string. Includes
// Beast.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <string>
#include <string_view>

#include "broker/http/gate.h"

namespace pawl::http {

/// For one request. Its own limits are off: the gate decides before the body, and the body is counted here.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  using Error = boost::beast::error_code;

  /// The fields of the header go to `head`, which must outlive the header, the body to `body`.
  RequestParser(Head& head, std::string& body, std::size_t chunk_extension_bytes_max);

  /// Before the first byte of the body. discard: count it, but do not keep it.
  void expect_body(std::size_t bytes_max, bool discard);

 private:
  using View = boost::beast::string_view;
  void on_request_impl(boost::beast::http::verb, View method, View target, int version, Error&) override;
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(boost::beast::http::field, View name, View value, Error&) override;
  void on_header_impl(Error&) override { in_header_ = false; }
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, Error&) override;
  std::size_t on_body_impl(View bytes, Error& error) override;
  void on_chunk_header_impl(std::uint64_t size, View extensions, Error& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t, View bytes, Error& error) override;
  void on_finish_impl(Error&) override {}

  Head& head_;
  std::string& body_;
  std::size_t body_bytes_max_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t extension_bytes_left_;
  bool in_header_ = true;
  bool discard_ = false;
};

}  // namespace pawl::http
