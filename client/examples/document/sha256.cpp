#include "client/examples/document/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace document {

FileDigest digest_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL gives no SHA-256");
  }
  FileDigest out;
  std::array<char, 64u << 10> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    const auto got = static_cast<std::size_t>(file.gcount());
    EVP_DigestUpdate(context.get(), block.data(), got);
    out.bytes += got;
  }
  if (file.bad()) throw std::runtime_error("cannot read " + path);

  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  static constexpr char hex[] = "0123456789abcdef";
  for (unsigned i = 0; i < length; ++i) {
    out.sha256 += hex[digest[i] >> 4];
    out.sha256 += hex[digest[i] & 15];
  }
  return out;
}

}  // namespace document
