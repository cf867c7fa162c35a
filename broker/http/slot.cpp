#include "broker/http/slot.h"

#include <utility>

#include "broker/http/api/problem.h"

namespace pawl::http {
namespace {

Response unanswered() {
  return api::problem_response(api::Problem{.type = api::problem::internal, .detail = {}});
}

class SlotStream final : public Stream {
 public:
  explicit SlotStream(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
  ~SlotStream() override { slot_->end_stream(); }
  bool write(std::string bytes) override { return slot_->write(std::move(bytes)); }
  void close() override { slot_->end_stream(); }

 private:
  std::shared_ptr<Slot> slot_;
};

/// A stream that nobody reads: the exchange was answered before, or its client is gone.
class DeadStream final : public Stream {
 public:
  bool write(std::string) override { return false; }
  void close() override {}
};

class SlotExchange final : public Exchange {
 public:
  explicit SlotExchange(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
  ~SlotExchange() override {
    if (slot_->phase() == Slot::Phase::waiting) slot_->answer(unanswered());
  }
  void respond(Response response) override { slot_->answer(std::move(response)); }
  void respond_with(std::function<Response()> render) override { slot_->answer_with(std::move(render)); }
  std::shared_ptr<Stream> stream() override {
    if (!slot_->open_stream()) return std::make_shared<DeadStream>();
    return std::make_shared<SlotStream>(slot_);
  }
  void on_abandoned(std::function<void()> call) override { slot_->set_abandoned(std::move(call)); }
  void after(std::int64_t ms, std::function<void()> call) override { slot_->after(ms, std::move(call)); }

 private:
  std::shared_ptr<Slot> slot_;
};

}  // namespace

std::shared_ptr<Exchange> make_exchange(std::shared_ptr<Slot> slot) {
  return std::make_shared<SlotExchange>(std::move(slot));
}

void Slot::notify() {
  if (!mailbox_->is_here()) {
    mailbox_->push(shared_from_this());
  } else {
    deliver();
  }
}

void Slot::deliver() {
  if (const std::shared_ptr<SlotOwner> owner = owner_.lock()) owner->slot_changed();
}

void Slot::answer(Response response) {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting) return;
    phase_ = Phase::answered;
    response_ = std::move(response);
  }
  notify();
}

void Slot::answer_with(std::function<Response()> render) {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting) return;
    phase_ = Phase::answered;
    render_ = std::move(render);
  }
  notify();
}

bool Slot::open_stream() {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting) return false;
    phase_ = Phase::streaming;
    notified_ = true;
  }
  notify();
  return true;
}

bool Slot::write(std::string bytes) {
  bool taken = true;
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming || stream_ended_) return false;
    if (stream_bytes_.size() + bytes.size() > stream_bytes_max_) {
      overflowed_ = true;
      phase_ = Phase::over;
      stream_bytes_.clear();
      taken = false;
      tell = true;
    } else {
      stream_bytes_ += bytes;
      tell = !std::exchange(notified_, true);
    }
  }
  if (tell) notify();
  return taken;
}

void Slot::end_stream() {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming || stream_ended_) return;
    stream_ended_ = true;
    if (std::exchange(notified_, true)) return;
  }
  notify();
}

void Slot::set_abandoned(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) {
      if (phase_ == Phase::waiting || phase_ == Phase::streaming) abandoned_ = std::move(call);
      return;
    }
    phase_ = Phase::over;
  }
  notify();
  call();
}

void Slot::after(std::int64_t ms, std::function<void()> call) {
  auto arm = [self = shared_from_this(), ms, call = std::move(call)]() mutable {
    if (const std::shared_ptr<SlotOwner> owner = self->owner_.lock()) {
      owner->start_timer(ms, self, std::move(call));
    }
  };
  if (mailbox_->is_here()) {
    arm();
  } else {
    mailbox_->call(std::move(arm));
  }
}

Slot::Phase Slot::phase() const {
  const std::lock_guard lock(mutex_);
  return phase_;
}

bool Slot::overflowed() const {
  const std::lock_guard lock(mutex_);
  return overflowed_;
}

Response Slot::take_response() {
  std::function<Response()> render;
  std::function<void()> abandoned;  // dies outside the lock
  Response response;
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::over;
    render = std::move(render_);
    response = std::move(response_);
    abandoned = std::move(abandoned_);
  }
  if (!render) return response;
  try {
    return render();
  } catch (const std::exception&) {
    return unanswered();
  }
}

Slot::Piece Slot::take_stream() {
  std::function<void()> abandoned;
  Piece piece;
  const std::lock_guard lock(mutex_);
  piece.bytes = std::exchange(stream_bytes_, {});
  piece.ended = stream_ended_;
  notified_ = false;
  if (piece.ended) {
    phase_ = Phase::over;
    abandoned = std::move(abandoned_);
  }
  return piece;
}

bool Slot::client_left() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    if (phase_ == Phase::answered) return false;
    if (phase_ == Phase::waiting && !abandoned_) return false;
    phase_ = Phase::over;
    stream_bytes_.clear();
    call = std::move(abandoned_);
  }
  if (call) call();
  return true;
}

void Slot::abandon() {
  std::function<void()> call;
  std::function<Response()> render;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    const bool open = phase_ == Phase::waiting || phase_ == Phase::streaming || overflowed_;
    phase_ = Phase::over;
    stream_bytes_.clear();
    render = std::move(render_);
    if (open) call = std::move(abandoned_);
    abandoned_ = nullptr;
  }
  if (call) call();
}

}  // namespace pawl::http
