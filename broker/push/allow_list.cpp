#include "broker/push/allow_list.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace pawl::push {
namespace {

constexpr unsigned mapped_bits = 96;  // of the prefix before an IPv4 address

Address of_ipv4(std::uint32_t address) {
  Address out{};
  out[10] = out[11] = 0xff;
  for (unsigned i = 0; i < 4; ++i) out[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
  return out;
}

bool is_mapped(const Address& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](std::uint8_t b) { return b == 0; }) &&
         address[10] == 0xff && address[11] == 0xff;
}

std::uint32_t ipv4_at(const Address& address, std::size_t from) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | address[from + i];
  return out;
}

bool begins_with(const Address& address, const Address& prefix, unsigned bits) {
  for (unsigned i = 0; i < bits / 8; ++i) {
    if (address[i] != prefix[i]) return false;
  }
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (address[bits / 8] & mask) == (prefix[bits / 8] & mask);
}

struct Block4 {
  std::uint32_t address;
  unsigned bits;
};
// IANA IPv4 Special-Purpose Address Registry, with multicast and what is reserved.
constexpr std::array special4{Block4{0x00000000, 8},  Block4{0x0a000000, 8},  Block4{0x64400000, 10},
                              Block4{0x7f000000, 8},  Block4{0xa9fe0000, 16}, Block4{0xac100000, 12},
                              Block4{0xc0000000, 24}, Block4{0xc0000200, 24}, Block4{0xc0586300, 24},
                              Block4{0xc0a80000, 16}, Block4{0xc6120000, 15}, Block4{0xc6336400, 24},
                              Block4{0xcb007100, 24}, Block4{0xe0000000, 4},  Block4{0xf0000000, 4}};

bool is_public4(std::uint32_t address) {
  return std::ranges::none_of(
      special4, [&](const Block4& block) { return (address ^ block.address) >> (32 - block.bits) == 0; });
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::string copy(text);
  in_addr four{};
  if (::inet_pton(AF_INET, copy.c_str(), &four) == 1) return of_ipv4(ntohl(four.s_addr));
  Address six{};
  if (::inet_pton(AF_INET6, copy.c_str(), six.data()) == 1) return six;
  return std::nullopt;
}

std::string address_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_mapped(address)) {
    ::inet_ntop(AF_INET, address.data() + 12, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  }
  return text.data();
}

bool is_public(const Address& address) {
  if (is_mapped(address)) return is_public4(ipv4_at(address, 12));
  // Of IPv6 only 2000::/3 is everybody's; of that, what carries an IPv4 address is as that is.
  if ((address[0] & 0xe0) != 0x20) {
    constexpr Address nat64{0x00, 0x64, 0xff, 0x9b};
    return begins_with(address, nat64, 96) && is_public4(ipv4_at(address, 12));
  }
  constexpr Address six_to_four{0x20, 0x02};
  constexpr Address ietf{0x20, 0x01, 0x00, 0x00};           // 2001::/23, Teredo and others
  constexpr Address documentation{0x20, 0x01, 0x0d, 0xb8};  // 2001:db8::/32
  constexpr Address documentation2{0x3f, 0xff, 0x00};       // 3fff::/20
  if (begins_with(address, six_to_four, 16)) return is_public4(ipv4_at(address, 2));
  return !begins_with(address, ietf, 23) && !begins_with(address, documentation, 32) &&
         !begins_with(address, documentation2, 20);
}

bool AllowList::Network::has(const Address& other) const { return begins_with(other, address, bits); }

std::expected<AllowList, std::string> AllowList::parse(const std::vector<std::string>& entries) {
  AllowList list;
  for (const std::string& entry : entries) {
    if (entry == "*") {
      list.any_name_ = true;
      continue;
    }
    const std::size_t slash = entry.find('/');
    if (const auto address = parse_address(std::string_view(entry).substr(0, slash))) {
      const unsigned most = is_mapped(*address) ? 32 : 128;
      unsigned bits = most;
      if (slash != std::string::npos) {
        const char* const end = entry.data() + entry.size();
        const auto [after, error] = std::from_chars(entry.data() + slash + 1, end, bits);
        if (error != std::errc{} || after != end || bits > most)
          return std::unexpected("\"" + entry + "\" is no network: write it as 10.1.0.0/16");
      }
      list.networks_.push_back({*address, most == 32 ? mapped_bits + bits : bits});
      continue;
    }
    std::string name = entry;
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const bool below = name.starts_with("*.");
    const std::string_view rest = below ? std::string_view(name).substr(2) : std::string_view(name);
    const bool plain = !rest.empty() && std::ranges::all_of(rest, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    if (!plain) {
      return std::unexpected(
          "\"" + entry +
          "\" is neither a host name (hooks.example.com, *.example.com, *) nor a network (10.1.0.0/16)");
    }
    (below ? list.suffixes_ : list.names_).push_back(below ? name.substr(1) : name);
  }
  return list;
}

bool AllowList::names(std::string_view host) const {
  return any_name_ || std::ranges::find(names_, host) != names_.end() ||
         std::ranges::any_of(suffixes_, [&](const std::string& suffix) {
           return host.size() > suffix.size() && host.ends_with(suffix);
         });
}

std::optional<std::string> AllowList::refuses_host(std::string_view host) const {
  if (empty()) return "no host may be reached: set push.allow (PAWL_PUSH_ALLOW)";
  if (const auto address = parse_address(host)) return refuses_address(host, *address);
  if (names(host) || !networks_.empty()) return std::nullopt;
  return "the host " + std::string(host) + " is not one of push.allow (PAWL_PUSH_ALLOW)";
}

std::optional<std::string> AllowList::refuses_address(std::string_view host, const Address& address) const {
  if (std::ranges::any_of(networks_, [&](const Network& network) { return network.has(address); }))
    return std::nullopt;
  if (!is_public(address)) {
    return "the address " + address_text(address) +
           " is not a public one, and in no network of push.allow (PAWL_PUSH_ALLOW)";
  }
  if (any_name_ || (!parse_address(host) && names(host))) return std::nullopt;
  return "the host " + std::string(host) + " is not one of push.allow (PAWL_PUSH_ALLOW)";
}

}  // namespace pawl::push
