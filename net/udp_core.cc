#include "net/udp_core.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net {

UdpCore::~UdpCore() {
  CORACLE_CHECK(receiver_ == nullptr && first_sender_ == nullptr,
                "a UDP socket is destroyed while an operation is in progress");
}

void UdpCore::set_watch(bool readable, bool writable) {
  if (readable == watches_readable_ && writable == watches_writable_) return;
  watches_readable_ = readable;
  watches_writable_ = writable;
  watch(readable, writable);
}

// --- receiving ---------------------------------------------------------------------------------

// Returns whether the receiver has its result: datagrams, or an error that is not EAGAIN.
bool UdpCore::receive_into(ReceiveDatagrams& receiver) {
  receiver.error_ = std::exchange(kept_error_, 0);
  if (receiver.error_ != 0) return true;
  const std::span<DatagramSlot> places = receiver.places();
  const int received = try_receive(places);
  // A batch that was not filled has emptied the socket.
  may_have_more_ = received > 0 && static_cast<std::size_t>(received) == places.size();
  if (received > 0) receiver.count_ = static_cast<std::size_t>(received);
  if (received < 0) receiver.error_ = -received;
  return received != -EAGAIN;
}

// Watching goes on between two receives (starting and stopping cost system calls), until something
// finds nobody who waits.
void UdpCore::readable() {
  may_have_more_ = true;
  if (receiver_ == nullptr) {
    set_watch(false, watches_writable_);
    return;
  }
  if (receive_into(*receiver_)) {
    std::exchange(receiver_, nullptr)->complete();
  } else {
    set_watch(true, watches_writable_);
  }
}

bool ReceiveDatagrams::try_complete() {
  CORACLE_CHECK(core_->receiver_ == nullptr, "one receive at a time");
  if (!core_->may_have_more_ && core_->kept_error_ == 0) return false;
  return core_->receive_into(*this);
}

void ReceiveDatagrams::start() {
  core_->receiver_ = this;
  core_->set_watch(true, core_->watches_writable_);
}

std::size_t ReceiveDatagrams::taken() const {
  if (count_ > 0) return count_;
  const std::optional<Address> peer = core_->peer_address();
  throw Error(error_, "receive", peer.value_or(core_->local_address()).to_string());
}

void ReceiveDatagrams::on_cancel() {
  core_->receiver_ = nullptr;
  finish_canceled();
}

void ReceiveDatagrams::on_tear_down() {
  if (core_->receiver_ == this) core_->receiver_ = nullptr;
}

ReceivedDatagram ReceiveOperation::take() const {
  static_cast<void>(taken());
  return {slot_.bytes, slot_.datagram_bytes, slot_.address};
}

std::size_t ReceiveBatchOperation::take() {
  batch_->set_size(0);
  batch_->set_size(taken());
  return batch_->size();
}

// --- sending -----------------------------------------------------------------------------------

// Returns whether all of it has been tried. What one datagram meets does not stop the others.
bool UdpCore::send_of(SendDatagrams& sender) {
  std::span<DatagramSlot> rest = sender.datagrams().subspan(sender.done_);
  while (!rest.empty()) {
    int sent = try_send(rest);
    // A kernel tells of an earlier datagram's fate in whichever call comes next, and does nothing
    // else then.
    if (sent < 0 && sent != -EAGAIN && peer_address().has_value()) {
      const int first = std::exchange(sent, try_send(rest));
      if (sent != first) keep_error(-first);
    }
    if (sent == -EAGAIN) return false;
    const auto done = static_cast<std::size_t>(std::max(sent, 1));
    for (DatagramSlot& datagram : rest.first(done)) datagram.error = sent < 0 ? -sent : 0;
    rest = rest.subspan(done);
    sender.done_ += done;
  }
  return true;
}

// An ICMP message has told that an earlier datagram did not reach anyone: whoever waits for the
// answer wants to know.
void UdpCore::keep_error(int error) {
  kept_error_ = error;
  if (receiver_ != nullptr && receive_into(*receiver_)) {
    std::exchange(receiver_, nullptr)->complete();
  }
}

void UdpCore::writable() {
  while (first_sender_ != nullptr) {
    SendDatagrams& sender = *first_sender_;
    if (!send_of(sender)) break;
    remove(sender);
    sender.complete();
  }
  set_watch(watches_readable_, first_sender_ != nullptr);
}

void UdpCore::remove(SendDatagrams& sender) {
  SendDatagrams* previous = nullptr;
  SendDatagrams* at = first_sender_;
  while (at != &sender) previous = std::exchange(at, at->next_);
  (previous == nullptr ? first_sender_ : previous->next_) = sender.next_;
  if (last_sender_ == &sender) last_sender_ = previous;
  sender.next_ = nullptr;
}

bool SendDatagrams::try_complete() {
  return core_->first_sender_ == nullptr && core_->send_of(*this);
}

void SendDatagrams::start() {
  UdpCore& core = *core_;
  (core.first_sender_ == nullptr ? core.first_sender_ : core.last_sender_->next_) = this;
  core.last_sender_ = this;
  core.set_watch(core.watches_readable_, true);
}

void SendDatagrams::on_cancel() {
  core_->remove(*this);
  finish_canceled();
}

void SendDatagrams::on_tear_down() {
  if (waiting()) core_->remove(*this);
}

// The bytes are only read: a slot has room to receive as well.
SendOperation::SendOperation(UdpCore& core, std::span<const std::byte> bytes, const Address* to)
    : SendDatagrams(core) {
  CORACLE_CHECK((to == nullptr) == core.peer_address().has_value(),
                "a connected socket sends to its peer, any other to an address");
  slot_.space = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  slot_.bytes = bytes.size();
  slot_.address = to != nullptr ? *to : *core.peer_address();
}

void SendOperation::take() const {
  if (slot_.error != 0) throw Error(slot_.error, "send", slot_.address.to_string());
}

std::size_t SendBatchOperation::take() {
  const auto failed = std::ranges::count_if(
      datagrams(), [](const DatagramSlot& datagram) { return datagram.error != 0; });
  return batch_->size() - static_cast<std::size_t>(failed);
}

}  // namespace coracle::net
