#include "broker/push/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace pawl::push {
namespace {

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

}  // namespace

std::optional<std::string> key_of(std::string_view secret) {
  constexpr std::string_view prefix = "whsec_";
  if (!secret.starts_with(prefix)) return std::nullopt;
  secret.remove_prefix(prefix.size());
  if (secret.empty() || secret.size() % 4 != 0 || secret.size() > 128) return std::nullopt;
  std::string key(secret.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()),
                      reinterpret_cast<const unsigned char*>(secret.data()), static_cast<int>(secret.size()));
  if (length < 0) return std::nullopt;
  key.resize(static_cast<std::size_t>(length));
  while (secret.ends_with('=')) {
    secret.remove_suffix(1);
    key.pop_back();
  }
  if (key.size() < 24 || key.size() > 64) return std::nullopt;
  return key;
}

std::string signature(std::string_view key, std::string_view id, std::int64_t timestamp,
                      std::string_view body) {
  std::string text(id);
  text.append(".").append(std::to_string(timestamp)).append(".").append(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return "v1," + base64(digest.data(), size);
}

}  // namespace pawl::push
