#include "broker/http/io_thread.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <csignal>

namespace pawl::http {

IoThread::IoThread(MeterShard& meters, std::chrono::milliseconds sweep_every)
    : meters_(meters),
      sweep_every_(sweep_every),
      timer_(context_.get_executor()),
      mailbox_(std::make_shared<Mailbox>([this] { net::post(context_, [this] { take_mail(); }); })),
      work_(net::make_work_guard(context_)) {}

IoThread::~IoThread() { stop(); }

void IoThread::start() {
  arm_sweep();
  thread_ = std::thread([this] {
    // Signals belong to the main thread.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "pawl-io");
    mailbox_->own_by_this_thread();
    context_.run();
  });
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  context_.stop();
  thread_.join();
  mailbox_->close();
  mailbox_->own_by_this_thread();  // what is torn down now may call back
  abort_all();
  dirty_.clear();
  registry_.clear();
}

void IoThread::add(std::shared_ptr<Connection> connection) {
  connection->registry_index_ = registry_.size();
  connection->registered_ = true;
  registry_.push_back(std::move(connection));
}

void IoThread::remove(Connection& connection) {
  if (!connection.registered_) return;
  connection.registered_ = false;
  const std::size_t index = connection.registry_index_;
  if (index + 1 != registry_.size()) {
    std::swap(registry_[index], registry_.back());
    registry_[index]->registry_index_ = index;
  }
  registry_.pop_back();
}

void IoThread::mark_dirty(Connection& connection) {
  if (connection.dirty_) return;
  connection.dirty_ = true;
  dirty_.push_back(connection.shared_from_this());
}

void IoThread::flush_dirty() {
  // flush() may let more requests in, whose answers make the same connection dirty again.
  while (!dirty_.empty()) {
    flushing_.swap(dirty_);
    for (const auto& connection : flushing_) {
      connection->dirty_ = false;
      ++depth_;
      connection->flush();
      --depth_;
    }
    flushing_.clear();
  }
}

void IoThread::take_mail() {
  mailbox_->take(mail_);
  {
    const Turn turn(*this);
    for (const auto& item : mail_) item->deliver();
  }
  mail_.clear();
}

void IoThread::arm_sweep() {
  timer_.expires_after(sweep_every_);
  timer_.async_wait([this](ErrorCode error) {
    if (error) return;
    sweep();
    arm_sweep();
  });
}

void IoThread::sweep() {
  now_ = std::chrono::steady_clock::now();
  const Turn turn(*this);
  // From the end: a connection that closes swaps the last one, already swept, into its place.
  for (std::size_t i = registry_.size(); i > 0; --i) {
    if (i > registry_.size()) continue;
    const std::shared_ptr<Connection> connection = registry_[i - 1];
    connection->sweep(now_);
  }
}

void IoThread::drain_all() {
  draining_ = true;
  const Turn turn(*this);
  const std::vector<std::shared_ptr<Connection>> all = registry_;
  for (const auto& connection : all) connection->drain();
}

void IoThread::abort_all() {
  const std::vector<std::shared_ptr<Connection>> all = registry_;
  for (const auto& connection : all) connection->abort();
}

}  // namespace pawl::http
