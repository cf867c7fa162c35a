// Which hosts the broker may reach by itself: otherwise whoever may define a queue could use it to look
// around the network that it stands in.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::push {

/// An IPv4 or IPv6 address, as IPv6 (IPv4-mapped for IPv4).
using Address = std::array<std::uint8_t, 16>;
std::optional<Address> parse_address(std::string_view text);
std::string address_text(const Address& address);
/// Everybody's: neither private, loopback, link-local, multicast, reserved nor documentation, also when an
/// IPv4 address stands within an IPv6 one (mapped, compatible, 6to4, NAT64, Teredo). The registries of IANA
/// for special-purpose addresses (RFC 6890) say which these are.
bool is_public(const Address& address);

/// Immutable; thread: any.
class AllowList {
 public:
  /// Entries: host names (`hooks.example.com`), all names below one (`*.example.com`), `*` (all names), and
  /// networks (`10.1.0.0/16`, `fd00::/8`, `127.0.0.1`). Or what is wrong with one.
  static std::expected<AllowList, std::string> parse(const std::vector<std::string>& entries);

  bool empty() const {
    return any_name_ == false && names_.empty() && suffixes_.empty() && networks_.empty();
  }
  /// Before its name is resolved: nothing when it may be reached, with what remains to be seen of its
  /// addresses; else why not.
  std::optional<std::string> refuses_host(std::string_view host) const;
  /// Whether a connection to the address may be made, for a host that is not refused: an address that is not
  /// public must lie in a network of the list; one of a host that no name of the list covers, too.
  std::optional<std::string> refuses_address(std::string_view host, const Address& address) const;

 private:
  struct Network {
    Address address{};
    unsigned bits = 128;
    bool has(const Address& other) const;
  };
  bool names(std::string_view host) const;

  bool any_name_ = false;
  std::vector<std::string> names_;
  std::vector<std::string> suffixes_;  // ".example.com"
  std::vector<Network> networks_;
};

}  // namespace pawl::push
