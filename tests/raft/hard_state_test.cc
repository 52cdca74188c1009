// The record of term and vote: V2, D2, D4, D7, D10, and B01, B02 as far as bytes go.
#include "raft/hard_state.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "runtime/random.h"

namespace coracle::raft {
namespace {

HardStateRecord record(Term term, ServerId vote, std::uint64_t saved) {
  return {.identity = {.cluster = 77, .self = 1, .incarnation = {.directory = 5, .start = 2}},
          .hard_state = {.term = term, .vote = vote},
          .change = 10 + saved,
          .saved = saved,
          .log = {.made = true, .change = 4}};
}

using File = std::vector<std::byte>;

void put_slots(File& file, const SlotWrite& write) {
  ASSERT_LE(write.offset + write.bytes.size(), file.size());
  std::ranges::copy(write.bytes, file.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

// A file after two saves: both pairs hold something of their own.
File two_saves() {
  File file = first_write(record(1, 2, 0)).bytes;
  put_slots(file, save_write(record(2, 3, 1)));
  return file;
}

TEST(HardStateFile, HoldsWhatWasSaved) {
  File file = first_write(record(0, kNobody, 0)).bytes;
  EXPECT_EQ(file.size(), kHardStateFileBytes);
  for (std::uint64_t saved = 0; saved < 5; ++saved) {
    const HardStateRecord newest = record(saved * 3, saved, saved);
    put_slots(file, save_write(newest));
    const ReadHardState found = read_hard_state(file, 77, 1);
    EXPECT_EQ(found.refusal, "");
    EXPECT_EQ(found.record, newest);
    EXPECT_TRUE(found.damages.empty());
  }
}

TEST(HardStateFile, AnyRecordComesBackAsItWas) {
  EXPECT_TRUE(rc::check([](std::uint64_t cluster, ServerId self, std::uint64_t directory,
                           std::uint64_t start, Term term, ServerId vote, ChangeNumber change,
                           std::uint64_t saved, bool made, ChangeNumber log_change) {
    const HardStateRecord any{.identity = {.cluster = cluster,
                                           .self = self,
                                           .incarnation = {.directory = directory, .start = start}},
                              .hard_state = {.term = term, .vote = vote},
                              .change = change,
                              .saved = saved,
                              .log = {.made = made, .change = log_change}};
    const ReadHardState found = read_hard_state(first_write(any).bytes, cluster, self);
    RC_ASSERT(found.refusal == std::string());
    RC_ASSERT(found.record == any);
  }));
}

// The bytes are the same on every machine, in every version.
TEST(HardStateFile, HasTheLayoutThatIsWrittenDown) {
  const File file = two_saves();
  const auto byte = [&](std::size_t at) { return std::to_integer<int>(file[at]); };
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.data()), 8), "CORACLEV");
  EXPECT_EQ(byte(8), 2) << "format";
  EXPECT_EQ(byte(16), 77) << "cluster";
  EXPECT_EQ(byte(24), 1) << "server";
  EXPECT_EQ(byte(32), 5) << "directory";
  EXPECT_EQ(byte(40), 2) << "start";
  EXPECT_EQ(byte(48), 10) << "change";
  EXPECT_EQ(byte(56), 0) << "saved";
  EXPECT_EQ(byte(64), 1) << "term";
  EXPECT_EQ(byte(72), 2) << "vote";
  EXPECT_EQ(byte(80), 1) << "a log was made";
  EXPECT_EQ(byte(88), 4) << "change of the log";
  EXPECT_EQ(byte(8192 + 64), 2) << "term of the other pair";
  EXPECT_EQ(byte(12288 + 72), 3) << "vote of its copy";
}

// D4: each byte of the file flipped: the newest record is found all the same, and the damage told.
TEST(HardStateFile, AFlippedByteNeverRollsAVoteBack) {
  const File intact = two_saves();
  for (std::size_t at = 0; at < intact.size(); ++at) {
    File file = intact;
    file[at] ^= std::byte{1} << (at % 8);
    const ReadHardState found = read_hard_state(file, 77, 1);
    ASSERT_EQ(found.refusal, "") << "byte " << at;
    ASSERT_EQ(found.record, record(2, 3, 1)) << "byte " << at;
    ASSERT_EQ(found.damages,
              std::vector<std::string>{"the record at byte " + std::to_string(at / 4096 * 4096) +
                                       " of hard_state is damaged, or was cut off by a crash"});
  }
}

// D10: the damaged copy is written first, so that the intact one is never the only one at risk.
TEST(HardStateFile, RewritesCureTheCopyAndThenTouchTheOriginal) {
  for (const std::size_t damaged : {2U, 3U}) {
    File file = two_saves();
    file[damaged * kSlotBytes + 5] ^= std::byte{1};
    const auto writes = rewrites(read_hard_state(file, 77, 1));
    EXPECT_EQ(writes[0].offset, damaged * kSlotBytes);
    EXPECT_EQ(writes[1].offset, (damaged ^ 1U) * kSlotBytes);
    put_slots(file, writes[0]);
    EXPECT_EQ(file, two_saves());
    put_slots(file, writes[1]);
    EXPECT_EQ(file, two_saves());
  }
}

// Cut anywhere: no file of ours was ever shorter.
TEST(HardStateFile, ACutFileIsRefused) {
  const File intact = two_saves();
  for (std::size_t size = 0; size < intact.size(); ++size) {
    const ReadHardState found = read_hard_state(std::span(intact).first(size), 77, 1);
    ASSERT_EQ(found.refusal, "hard_state has " + std::to_string(size) +
                                 " bytes instead of 16384: it was cut or replaced");
  }
  File longer = intact;
  longer.push_back(std::byte{});
  EXPECT_NE(read_hard_state(longer, 77, 1).refusal, "");
}

// B02: better no server than one that has forgotten its votes.
TEST(HardStateFile, WithoutAnIntactRecordIsRefusedAndSaysWhere) {
  File file = two_saves();
  for (std::size_t slot = 0; slot < kSlots; ++slot) file[slot * kSlotBytes + 70] ^= std::byte{1};
  const std::string refusal = read_hard_state(file, 77, 1).refusal;
  EXPECT_EQ(refusal.substr(0, 36), "no record of hard_state is intact; t");
  for (const char* offset : {"byte 0 ", "byte 4096 ", "byte 8192 ", "byte 12288 "}) {
    EXPECT_NE(refusal.find(offset), std::string::npos) << offset;
  }
  EXPECT_NE(read_hard_state(File(kHardStateFileBytes), 77, 1).refusal, "");
}

// D7
TEST(HardStateFile, OfAnotherServerIsRefused) {
  EXPECT_EQ(read_hard_state(two_saves(), 78, 1).refusal,
            "this directory belongs to cluster 77, not to cluster 78");
  EXPECT_EQ(read_hard_state(two_saves(), 77, 2).refusal,
            "this directory belongs to server 1, not to server 2");
}

// ---- A disk that crashes ----

// Writes reach it in blocks of 512 bytes; at a crash each block that was written since the last
// sync is the old one, the new one, or torn in the middle. (D2)
class Disk {
 public:
  explicit Disk(File synced) : synced_(std::move(synced)), cached_(synced_) {}

  void write(const SlotWrite& slots) { put_slots(cached_, slots); }
  void sync() { synced_ = cached_; }
  void crash(Random& random) {
    for (std::size_t block = 0; block < synced_.size(); block += 512) {
      const std::uint64_t fate = random.below(4);
      const std::size_t kept = fate == 0 ? 512 : fate == 1 ? random.below(512) : 0;
      std::copy_n(cached_.begin() + static_cast<std::ptrdiff_t>(block), kept,
                  synced_.begin() + static_cast<std::ptrdiff_t>(block));
    }
    cached_ = synced_;
  }
  [[nodiscard]] const File& content() const { return cached_; }

 private:
  File synced_;
  File cached_;
};

// Does what storage does, and crashes at some write or sync, before or after it.
class Writer {
 public:
  Writer(Disk& disk, Random& random) : disk_(disk), random_(random) {}

  // Returns false when the machine crashed on the way.
  bool write_and_sync(const SlotWrite& slots) {
    if (random_.chance(0.1)) return false;
    disk_.write(slots);
    if (random_.chance(0.2)) return false;
    disk_.sync();
    return true;
  }

 private:
  Disk& disk_;
  Random& random_;
};

// D1, D2, D10, B01: whatever crashes when, and whether processes or the machine do, no record that
// a message may have told of is ever forgotten, and some record is always found.
TEST(HardStateFile, NoCrashForgetsWhatWasPromised) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Disk disk(first_write(record(0, kNobody, 0)).bytes);
    Term promised = 0;
    for (int life = 0; life < 20; ++life) {
      const ReadHardState found = read_hard_state(disk.content(), 77, 1);
      ASSERT_EQ(found.refusal, "") << "seed " << seed;
      ASSERT_GE(found.record.hard_state.term, promised) << "seed " << seed;
      Writer writer(disk, random);
      bool alive = true;
      for (const SlotWrite& slot : rewrites(found)) alive = alive && writer.write_and_sync(slot);
      HardStateRecord next = found.record;
      while (alive) {
        ++next.saved;
        ++next.hard_state.term;
        alive = writer.write_and_sync(save_write(next));
        if (alive) promised = next.hard_state.term;
      }
      if (random.chance(0.5)) disk.crash(random);  // else only the process died
    }
  }
}

// The same, with a bit flipped wherever a copy exists: after a sync. (D4)
TEST(HardStateFile, NeitherDoesADamagedBlockBesidesThem) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    Disk disk(first_write(record(0, kNobody, 0)).bytes);
    HardStateRecord newest = record(0, kNobody, 0);
    for (int saves = 0; saves < 5; ++saves) {
      ++newest.saved;
      ++newest.hard_state.term;
      disk.write(save_write(newest));
      disk.sync();
    }
    File file = disk.content();
    const std::size_t slot = random.below(kSlots);
    for (int flips = 0; flips < 20; ++flips) {
      const std::size_t at = slot * kSlotBytes + random.below(kSlotBytes);
      file[at] = static_cast<std::byte>(random.below(256));
    }
    ASSERT_EQ(read_hard_state(file, 77, 1).record, newest) << "seed " << seed;
  }
}

}  // namespace
}  // namespace coracle::raft
