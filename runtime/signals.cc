#include "runtime/signals.h"

#include <algorithm>
#include <utility>

#include "runtime/check.h"
#include "runtime/loop.h"

namespace coracle {

Signals::Signals(std::initializer_list<int> numbers) {
  BackEnd& back_end = Loop::current().back_end();
  for (const int number : numbers) watches_.push_back(back_end.watch_signal(number, *this));
}

Signals::~Signals() {
  CORACLE_CHECK(waiter_ == nullptr, "signals are destroyed while somebody waits for them");
}

NextSignalOperation Signals::next() { return NextSignalOperation(*this); }

void Signals::signaled(int number) {
  if (waiter_ != nullptr) {
    waiter_->number_ = number;
    std::exchange(waiter_, nullptr)->complete();
  } else if (std::find(arrived_.begin(), arrived_.end(), number) == arrived_.end()) {
    arrived_.push_back(number);
  }
}

bool NextSignalOperation::try_complete() {
  if (signals_.arrived_.empty()) return false;
  number_ = signals_.arrived_.front();
  signals_.arrived_.pop_front();
  return true;
}

void NextSignalOperation::start() {
  CORACLE_CHECK(signals_.waiter_ == nullptr, "one at a time waits for signals");
  signals_.waiter_ = this;
}

void NextSignalOperation::on_cancel() {
  signals_.waiter_ = nullptr;
  finish_canceled();
}

void NextSignalOperation::on_tear_down() {
  if (waiting()) signals_.waiter_ = nullptr;
  if (completed()) signals_.arrived_.push_front(number_);
}

}  // namespace coracle
