// What every UDP socket does whatever its back end: who waits to receive and to send, what of a
// batch is left, and whose an error is. Mechanism; users read udp.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "net/address.h"
#include "net/datagram.h"
#include "runtime/leaf.h"

namespace coracle::net {

class UdpCore;

// Waits for the first datagram; takes what has arrived until then, as far as there are places.
class ReceiveDatagrams : public Leaf {
 public:
  bool try_complete();
  void start();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a datagram"; }

 protected:
  explicit ReceiveDatagrams(UdpCore& core) : core_(&core) {}
  ~ReceiveDatagrams() = default;

  // Returns how many places have been filled, or throws the Error.
  [[nodiscard]] std::size_t taken() const;

 private:
  friend class UdpCore;

  [[nodiscard]] virtual std::span<DatagramSlot> places() = 0;

  UdpCore* core_;
  std::size_t count_ = 0;
  int error_ = 0;
};

class [[nodiscard]] ReceiveOperation final : public ReceiveDatagrams {
 public:
  ReceiveOperation(UdpCore& core, std::span<std::byte> buffer) : ReceiveDatagrams(core) {
    slot_.space = buffer;
  }
  [[nodiscard]] ReceivedDatagram take() const;

 private:
  [[nodiscard]] std::span<DatagramSlot> places() override { return {&slot_, 1}; }

  DatagramSlot slot_;
};

class [[nodiscard]] ReceiveBatchOperation final : public ReceiveDatagrams {
 public:
  ReceiveBatchOperation(UdpCore& core, DatagramBatch& batch)
      : ReceiveDatagrams(core), batch_(&batch) {}
  std::size_t take();

 private:
  [[nodiscard]] std::span<DatagramSlot> places() override { return batch_->slots(); }

  DatagramBatch* batch_;
};

// Sends one datagram after the other; waits where the kernel's buffer is full.
class SendDatagrams : public Leaf {
 public:
  bool try_complete();
  void start();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "room to send"; }

 protected:
  explicit SendDatagrams(UdpCore& core) : core_(&core) {}
  ~SendDatagrams() = default;

  UdpCore* core_;

 private:
  friend class UdpCore;

  [[nodiscard]] virtual std::span<DatagramSlot> datagrams() = 0;

  std::size_t done_ = 0;  // how many of them were sent, or could not be
  SendDatagrams* next_ = nullptr;
};

class [[nodiscard]] SendOperation final : public SendDatagrams {
 public:
  // `to`: where to; nothing for the peer that the socket is connected to.
  SendOperation(UdpCore& core, std::span<const std::byte> bytes, const Address* to);
  void take() const;

 private:
  [[nodiscard]] std::span<DatagramSlot> datagrams() override { return {&slot_, 1}; }

  DatagramSlot slot_;
};

class [[nodiscard]] SendBatchOperation final : public SendDatagrams {
 public:
  SendBatchOperation(UdpCore& core, DatagramBatch& batch) : SendDatagrams(core), batch_(&batch) {}
  [[nodiscard]] std::size_t take();

 private:
  [[nodiscard]] std::span<DatagramSlot> datagrams() override {
    return batch_->slots().first(batch_->size());
  }

  DatagramBatch* batch_;
};

enum class UdpSetting : std::uint8_t { broadcast, ttl, multicast_ttl, multicast_loop };

// One socket. Fibers that send wait in order; one fiber at a time receives.
class UdpCore {
 public:
  UdpCore() = default;
  UdpCore(const UdpCore&) = delete;
  UdpCore& operator=(const UdpCore&) = delete;
  virtual ~UdpCore();

  [[nodiscard]] virtual Address local_address() const = 0;
  // Nothing if it is not connected.
  [[nodiscard]] virtual std::optional<Address> peer_address() const = 0;
  // Each returns 0 or an errno value.
  [[nodiscard]] virtual int set(UdpSetting setting, int value) = 0;
  [[nodiscard]] virtual int set_multicast_interface(const Address& interface) = 0;
  [[nodiscard]] virtual int set_member(const Address& group, const Address& interface,
                                       bool member) = 0;
  [[nodiscard]] virtual std::size_t receive_buffer_bytes() const = 0;
  [[nodiscard]] virtual std::size_t send_buffer_bytes() const = 0;

 protected:
  // --- what the back end reports -----------------------------------------------------------
  // A datagram or an error may be there.
  void readable();
  // The kernel may have room again.
  void writable();
  // It has ceased to watch; what is still waited for is asked for anew.
  void watch_ended() { watches_readable_ = watches_writable_ = false; }

  // --- what the back end gives --------------------------------------------------------------
  // Fills places from the first one on. Returns how many, 1 at least, or -errno (-EAGAIN: nothing
  // is there).
  virtual int try_receive(std::span<DatagramSlot> places) = 0;
  // Sends from the first one on. Returns how many it took, 1 at least, or -errno of the first
  // (-EAGAIN: no room).
  virtual int try_send(std::span<const DatagramSlot> datagrams) = 0;
  // What to report from now on.
  virtual void watch(bool readable, bool writable) = 0;

 private:
  friend class ReceiveDatagrams;
  friend class SendDatagrams;

  [[nodiscard]] bool receive_into(ReceiveDatagrams& receiver);
  [[nodiscard]] bool send_of(SendDatagrams& sender);
  void remove(SendDatagrams& sender);
  void keep_error(int error);
  void set_watch(bool readable, bool writable);

  ReceiveDatagrams* receiver_ = nullptr;
  SendDatagrams* first_sender_ = nullptr;
  SendDatagrams* last_sender_ = nullptr;
  int kept_error_ = 0;         // what an ICMP message told; for the next receive
  bool may_have_more_ = true;  // else the back end tells when something has come
  bool watches_readable_ = false;
  bool watches_writable_ = false;
};

}  // namespace coracle::net
