// Who waits for a reply: a slot map from tickets to targets.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/core/ids.h"

namespace pawl::engine {

class ReplyTarget;

/// Names for waiters; a name is not used twice before 2^32 others of its slot. Thread: guarded by its owner.
class TicketNames {
 public:
  core::Ticket take() {
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(generations_.size());
      generations_.push_back(1);
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    return core::Ticket{std::uint64_t{generations_[slot]} << 32 | slot};
  }
  void give_back(core::Ticket ticket) {
    const auto slot = static_cast<std::uint32_t>(static_cast<std::uint64_t>(ticket));
    if (++generations_[slot] == 0) generations_[slot] = 1;  // 0 would make the name Ticket::none
    free_.push_back(slot);
  }

 private:
  std::vector<std::uint32_t> generations_;
  std::vector<std::uint32_t> free_;
};

/// The waiters behind the names. Thread: engine.
class Waiters {
 public:
  struct Waiter {
    core::Ticket ticket = core::Ticket::none;
    std::shared_ptr<ReplyTarget> target;
    std::uint64_t tag = 0;
    bool stays = false;  // a worker connection: many replies
  };

  void bind(core::Ticket ticket, std::shared_ptr<ReplyTarget> target, std::uint64_t tag, bool stays) {
    const std::size_t slot = slot_of(ticket);
    if (slot >= slots_.size()) slots_.resize(slot + 1);
    slots_[slot] = {ticket, std::move(target), tag, stays};
  }
  /// The waiter of a ticket that was bound and not released; else null.
  Waiter* find(core::Ticket ticket) {
    const std::size_t slot = slot_of(ticket);
    if (ticket == core::Ticket::none || slot >= slots_.size() || slots_[slot].ticket != ticket)
      return nullptr;
    return &slots_[slot];
  }
  /// Forgets the waiter; its name goes back with the next take_released().
  void release(core::Ticket ticket) {
    Waiter* waiter = find(ticket);
    if (waiter == nullptr) return;
    *waiter = {};
    released_.push_back(ticket);
  }
  std::vector<core::Ticket>& released() { return released_; }

 private:
  static std::size_t slot_of(core::Ticket ticket) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(ticket));
  }
  std::vector<Waiter> slots_;
  std::vector<core::Ticket> released_;
};

}  // namespace pawl::engine
