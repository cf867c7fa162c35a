#include "broker/http/http_meters.h"

namespace pawl::http {

void MeterShard::answered(std::string_view route, Method method, unsigned status, double seconds) {
  const auto rest = static_cast<std::uint32_t>((route.size() << 16) |
                                               (static_cast<std::size_t>(method) << 12) | (status & 0xfff));
  const std::lock_guard lock(mutex_);
  RequestMeters& meters = requests_[Key{route.data(), rest}];
  ++meters.requests;
  meters.duration.add(seconds);
}

std::map<HttpMeters::Key, RequestMeters> HttpMeters::requests() const {
  std::map<Key, RequestMeters> all;
  for (const MeterShard& shard : shards_) {
    const std::lock_guard lock(shard.mutex_);
    for (const auto& [key, meters] : shard.requests_) {
      const std::string_view route(key.route, key.rest >> 16);
      const auto method = static_cast<Method>((key.rest >> 12) & 0xf);
      RequestMeters& sum = all[Key{std::string(route), std::string(name_of(method)), key.rest & 0xfff}];
      sum.requests += meters.requests;
      for (std::size_t i = 0; i < sum.duration.buckets.size(); ++i) {
        sum.duration.buckets[i] += meters.duration.buckets[i];
      }
      sum.duration.sum_s += meters.duration.sum_s;
      sum.duration.count += meters.duration.count;
    }
  }
  return all;
}

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

}  // namespace pawl::http
