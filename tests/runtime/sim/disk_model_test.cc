// The simulated disk against simple models, under random operations and losses of power: what is
// found afterwards can be explained by the rules that disk.h states.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "tests/runtime/sim/disk_user.h"

namespace coracle::sim {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kSectors = 8;  // files are this long at most
constexpr std::uint64_t kSeedsPerCase = 50;

// ---- The bytes of a file ----

enum class Step { write, truncate, datasync, failed_datasync, lose_power };

struct Action {
  Step step;
  std::size_t offset;
  std::size_t length;
};

std::ostream& operator<<(std::ostream& stream, const Action& action) {
  static constexpr const char* kNames[] = {"write", "truncate", "datasync", "failed_datasync",
                                           "lose_power"};
  return stream << kNames[static_cast<int>(action.step)] << ' ' << action.offset << ' '
                << action.length;
}

rc::Gen<Action> any_action() {
  return rc::gen::construct<Action>(rc::gen::weightedElement<Step>({{10, Step::write},
                                                                    {4, Step::truncate},
                                                                    {4, Step::datasync},
                                                                    {1, Step::failed_datasync},
                                                                    {4, Step::lose_power}}),
                                    rc::gen::inRange<std::size_t>(0, kSector * (kSectors - 3)),
                                    rc::gen::inRange<std::size_t>(1, kSector * 3));
}

// What each sector may hold after a loss of power, and which sizes the file may have.
class FileModel {
 public:
  void write(const std::string& bytes, std::size_t offset) {
    cached_.resize(std::max(cached_.size(), offset + bytes.size()), '\0');
    std::copy(bytes.begin(), bytes.end(), cached_.begin() + static_cast<std::ptrdiff_t>(offset));
    touch(offset / kSector, (offset + bytes.size() - 1) / kSector);
  }
  void truncate(std::size_t bytes) {
    if (bytes == cached_.size()) return;
    const bool cuts = bytes < cached_.size();
    cached_.resize(bytes, '\0');
    if (cuts) touch(bytes / kSector, kSectors - 1);
    sizes_.insert(bytes);
    changed_ = true;
  }
  void synced() {
    for (const std::size_t sector : touched_) versions_[sector] = {sector_of(cached_, sector)};
    if (changed_) sizes_ = {cached_.size()};
    settle();
  }
  // Where the file was left shorter, a version may have been cut at that size, and stay so.
  void sync_failed() {
    for (const std::size_t size : sizes_) {
      const std::set<std::string> whole = versions_[size / kSector];
      for (std::string version : whole) {
        version.resize(size % kSector);
        version.resize(kSector, '\0');
        versions_[size / kSector].insert(version);
      }
    }
    settle();
  }

  [[nodiscard]] const std::string& cached() const { return cached_; }

  // Checks what was found, and takes it as the truth.
  void lost_power(const std::string& found) {
    const bool torn = found.size() % kSector == 0;  // a write of which the first sectors came
    RC_ASSERT(sizes_.count(found.size()) == 1 || (torn && found.size() < *sizes_.rbegin()));
    for (std::size_t sector = 0; sector * kSector < found.size(); ++sector) {
      const std::string is = found.substr(sector * kSector, kSector);
      bool explained = false;
      for (const std::string& version : versions_[sector]) {
        explained = explained || version.substr(0, is.size()) == is;
      }
      RC_ASSERT(explained);
    }
    cached_ = found;
    for (std::size_t sector = 0; sector < kSectors; ++sector) {
      versions_[sector] = {sector_of(cached_, sector)};
    }
    sizes_ = {found.size()};
    settle();
  }

 private:
  static std::string sector_of(const std::string& bytes, std::size_t sector) {
    std::string part =
        sector * kSector < bytes.size() ? bytes.substr(sector * kSector, kSector) : "";
    part.resize(kSector, '\0');
    return part;
  }
  void settle() {
    touched_.clear();
    changed_ = false;
  }
  void touch(std::size_t first, std::size_t last) {
    for (std::size_t sector = first; sector <= last; ++sector) {
      versions_[sector].insert(sector_of(cached_, sector));
      touched_.insert(sector);
    }
    sizes_.insert(cached_.size());
    changed_ = true;
  }

  std::string cached_;
  std::vector<std::set<std::string>> versions_ =
      std::vector<std::set<std::string>>(kSectors, {std::string(kSector, '\0')});
  std::set<std::size_t> sizes_ = {0};
  std::set<std::size_t> touched_;  // since the last sync, whether it failed or not
  bool changed_ = false;           // since then
};

// Letters that differ from those of the writes before.
std::string letters(std::size_t count, std::size_t nth) {
  return std::string(count, static_cast<char>('a' + nth % 26));
}

void check_bytes(const std::vector<Action>& actions, std::uint64_t seed) {
  Random random(seed);
  Disk disk(random);
  DiskUser user(disk);
  disk.write_file("/file", "");
  FileModel model;
  int file = user.open("/file");
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const Action& action = actions[i];
    switch (action.step) {
      case Step::write: {
        const std::string text = letters(action.length, i);
        user.write(file, text, action.offset);
        model.write(text, action.offset);
        break;
      }
      case Step::truncate:
        user.truncate(file, action.offset);
        model.truncate(action.offset);
        break;
      case Step::datasync:
        RC_ASSERT(user.datasync(file) == 0);
        model.synced();
        break;
      case Step::failed_datasync:
        disk.fail({.action = FileAction::datasync});
        RC_ASSERT(user.datasync(file) == EIO);
        model.sync_failed();
        break;
      case Step::lose_power:
        disk.lose_power();
        file = user.open("/file");
        model.lost_power(*disk.read_file("/file"));
        break;
    }
    RC_ASSERT(user.read(file, kSector * kSectors) == model.cached());
  }
}

RC_GTEST_PROP(DiskModel, WhatIsLeftOfAFileIsExplainedByTheRules, (std::uint64_t seed)) {
  const auto actions = *rc::gen::container<std::vector<Action>>(any_action());
  for (std::uint64_t i = 0; i < kSeedsPerCase; ++i) check_bytes(actions, seed + i);
}

// ---- The names of a directory ----

enum class NameStep { make, rename, remove, sync, lose_power };

struct NameAction {
  NameStep step;
  std::string first;
  std::string second;
};

std::ostream& operator<<(std::ostream& stream, const NameAction& action) {
  static constexpr const char* kNames[] = {"make", "rename", "remove", "sync", "lose_power"};
  return stream << kNames[static_cast<int>(action.step)] << ' ' << action.first << ' '
                << action.second;
}

rc::Gen<NameAction> any_name_action() {
  const auto any_name = rc::gen::element<std::string>("a", "b", "c");
  return rc::gen::construct<NameAction>(
      rc::gen::weightedElement<NameStep>({{6, NameStep::make},
                                          {6, NameStep::rename},
                                          {3, NameStep::remove},
                                          {2, NameStep::sync},
                                          {3, NameStep::lose_power}}),
      any_name, any_name);
}

using Listing = std::map<std::string, std::string>;  // what each file holds, by its name

Listing listing_of(const Disk& disk) {
  Listing listing;
  for (const std::string& name : disk.list("/d")) listing[name] = *disk.read_file("/d/" + name);
  return listing;
}

void check_names(const std::vector<NameAction>& actions, std::uint64_t seed) {
  Random random(seed);
  Disk disk(random);
  DiskUser user(disk);
  user.make_directory("/d");
  user.sync_directory("/");
  std::vector<Listing> states = {{}};  // since the last sync
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const NameAction& action = actions[i];
    Listing listing = states.back();
    switch (action.step) {
      case NameStep::make:
        if (listing.count(action.first) == 1) break;
        listing[action.first] = std::to_string(i);
        user.make_file("/d/" + action.first, listing[action.first]);
        break;
      case NameStep::rename: {
        const int error = user.rename("/d/" + action.first, "/d/" + action.second);
        RC_ASSERT((error == 0) == (listing.count(action.first) == 1));
        if (error != 0 || action.first == action.second) break;
        listing[action.second] = listing[action.first];
        listing.erase(action.first);
        break;
      }
      case NameStep::remove:
        RC_ASSERT(user.remove("/d/" + action.first) == 0);
        listing.erase(action.first);
        break;
      case NameStep::sync:
        RC_ASSERT(user.sync_directory("/d") == 0);
        states.clear();
        break;
      case NameStep::lose_power:
        disk.lose_power();
        listing = listing_of(disk);
        RC_ASSERT(std::count(states.begin(), states.end(), listing) > 0);
        states.clear();
        break;
    }
    states.push_back(listing);
    RC_ASSERT(listing_of(disk) == listing);
  }
}

RC_GTEST_PROP(DiskModel, WhatIsLeftOfADirectoryIsOneOfItsStates, (std::uint64_t seed)) {
  const auto actions = *rc::gen::container<std::vector<NameAction>>(any_name_action());
  for (std::uint64_t i = 0; i < kSeedsPerCase; ++i) check_names(actions, seed + i);
}

// ---- Equal seeds ----

// Everything that could be seen in a run.
std::string run_of(const std::vector<Action>& actions, std::uint64_t seed) {
  Random random(seed);
  Disk disk(random);
  DiskUser user(disk);
  std::string seen;
  disk.observe_decisions([&](const DiskDecision& decision) {
    seen.append(decision.what).append(decision.how).append(decision.path);
    seen += std::to_string(decision.value);
  });
  disk.fail_by_chance(0.1);
  for (const Action& action : actions) {
    const std::string path = "/" + std::to_string(action.length % 4);
    const FileResult opened = user.try_open(path, OpenMode::create);
    const std::string text = seen;
    const FileCall write =
        DiskUser::write_call(static_cast<int>(opened.value), text, action.offset);
    seen += std::to_string(disk.begin(write).count());
    if (action.step == Step::datasync) user.datasync(static_cast<int>(opened.value));
    if (action.step == Step::truncate) user.interrupted(write);
    if (action.step == Step::write) user.perform(write);
    if (action.step == Step::failed_datasync) disk.flip_drawn_bit();
    if (action.step == Step::lose_power) disk.lose_power();
    for (const std::string& name : disk.list("/")) {
      seen += name + disk.read_file("/" + name).value_or("directory");
    }
    seen = std::to_string(std::hash<std::string>()(seen));
  }
  return seen;
}

RC_GTEST_PROP(DiskModel, EqualSeedsSeeTheSame, (std::uint64_t seed)) {
  const auto actions = *rc::gen::container<std::vector<Action>>(any_action());
  RC_ASSERT(run_of(actions, seed) == run_of(actions, seed));
}

}  // namespace
}  // namespace coracle::sim
