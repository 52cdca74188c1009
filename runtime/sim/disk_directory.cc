#include "runtime/sim/disk_directory.h"

#include <utility>

namespace coracle::sim {
namespace {

void carry_out(const NameChange& change, Names& names) {
  for (const auto& [name, node] : change.names) {
    if (node == nullptr) {
      names.erase(name);
    } else {
      names.insert_or_assign(name, node);
    }
  }
}

}  // namespace

void DirectoryNames::change(NameChange change) {
  carry_out(change, cached_);
  unsynced_.push_back(std::move(change));
}

void DirectoryNames::sync_oldest() {
  carry_out(unsynced_.front(), durable_);
  unsynced_.pop_front();
}

void DirectoryNames::lose_unsynced() {
  unsynced_.clear();
  cached_ = durable_;
}

}  // namespace coracle::sim
