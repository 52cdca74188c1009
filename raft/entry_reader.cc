#include "raft/entry_reader.h"

#include <utility>

namespace coracle::raft {

Task<> EntryReader::run() {
  for (;;) {
    while (wanted_.empty()) co_await asked_.wait();
    const std::shared_ptr<Wanted> wanted = wanted_.front();
    wanted_.pop_front();
    if (wanted.use_count() == 1) continue;  // nobody waits any more
    std::vector<Entry> entries =
        co_await storage_.read(wanted->first, wanted->last, wanted->bytes_max);
    wanted->entries.complete(std::move(entries));
  }
}

Task<std::vector<Entry>> EntryReader::read(LogIndex first, LogIndex last, std::size_t bytes_max) {
  const auto wanted = std::make_shared<Wanted>();
  wanted->first = first;
  wanted->last = last;
  wanted->bytes_max = bytes_max;
  wanted_.push_back(wanted);
  asked_.notify_one();
  co_return co_await wanted->entries.wait();
}

}  // namespace coracle::raft
