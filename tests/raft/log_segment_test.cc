// The bytes of the log: what is a record, what is a tear, and what is damage. (D2, D4, D7)
#include "raft/log_segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "raft/log_scan.h"
#include "runtime/random.h"
#include "tests/raft/segment_writer.h"

namespace coracle::raft {
namespace {

// Two batches: entries 1 and 2; entries 3 and 4.
SegmentWriter two_batches() {
  SegmentWriter writer(1);
  writer.begin_batch();
  writer.entry(1, 1, "one").entry(2, 1, "two, which is longer");
  writer.begin_batch();
  writer.entry(3, 2, "").entry(4, 2, "four");
  return writer;
}

struct Scanned {
  bool good = false;
  LogScan scan{kIdentity};
};

Scanned scan(const std::vector<Bytes>& files) {
  Scanned result;
  std::uint64_t number = 0;
  for (const Bytes& file : files) {
    result.good = result.scan.add(segment_name(++number), file);
    if (!result.good) break;
  }
  return result;
}

std::string refusal_of(const std::vector<Bytes>& files) {
  const Scanned result = scan(files);
  return result.good ? "not refused" : result.scan.refusal();
}

TEST(LogRecord, IsReadAsItWasWritten) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    Bytes data(random.below(100));
    for (std::byte& byte : data) byte = static_cast<std::byte>(random.next());
    const bool is_entry = random.chance(0.8);
    LogRecord record{.kind = is_entry ? RecordKind::entry : RecordKind::truncation};
    record.change = random.next();
    record.batch_offset = static_cast<std::uint32_t>(random.next());
    record.position.term = random.next();
    record.position.index = random.next();
    record.hard_state = random.next();
    record.log_time = static_cast<std::int64_t>(random.next());
    if (is_entry) record.entry_kind = static_cast<EntryKind>(random.below(4));
    record.data = data;
    Bytes out;
    append_record(out, record, 5);
    EXPECT_EQ(out.size(), record_bytes(data.size()));
    out.resize(out.size() + 100, std::byte{7});  // whatever follows
    const auto read = read_record(out, 5);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->kind, record.kind);
    EXPECT_EQ(read->change, record.change);
    EXPECT_EQ(read->batch_offset, record.batch_offset);
    EXPECT_EQ(read->position, record.position);
    EXPECT_EQ(read->entry_kind, record.entry_kind);
    EXPECT_EQ(read->log_time, record.log_time);
    EXPECT_EQ(read->hard_state, record.hard_state);
    EXPECT_TRUE(std::ranges::equal(read->data, data));
    EXPECT_FALSE(read_record(out, 6)) << "of another segment";
  }
}

TEST(LogRecord, IsNoneWithAnyBitFlippedOrByteMissing) {
  Bytes out;
  const Bytes data = bytes_of("some data");
  append_record(out, {.change = 1, .position = {.term = 2, .index = 3}, .data = data}, 5);
  for (std::size_t bit = 0; bit < out.size() * 8; ++bit) {
    Bytes flipped = out;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(read_record(flipped, 5)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < out.size(); ++size) {
    EXPECT_FALSE(read_record(std::span(out).first(size), 5)) << size;
  }
}

TEST(LogSegment, NamesAndNumbers) {
  EXPECT_EQ(segment_name(17), "000000000000017.log");
  EXPECT_EQ(segment_number("000000000000017.log"), 17U);
  EXPECT_EQ(segment_number(segment_name(1'000'000'000'000'000)), 1'000'000'000'000'000U);
  for (const std::string_view name : {"17.log", "000000000000017.log.new", "00000000000001x.log",
                                      "-00000000000017.log", "", ".log", "0000000000000017.log"}) {
    EXPECT_EQ(segment_number(name), std::nullopt) << name;
  }
}

// What an old file has left on the disk is no record of a new one.
TEST(LogSegment, EachSegmentHasASeedOfItsOwn) {
  SegmentHeader other = header_of(1);
  EXPECT_NE(header_of(1).seed(), header_of(2).seed());
  other.directory = 100;
  EXPECT_NE(header_of(1).seed(), other.seed());
}

TEST(LogSegment, AHeaderIsReadAsItWasWritten) {
  const SegmentWriter writer(1);
  std::string why;
  EXPECT_EQ(read_segment_header(writer.file(), why), writer.header());
  for (std::size_t byte = 0; byte < kSegmentHeaderBytes; byte += 5) {
    Bytes flipped = writer.file();
    flipped[byte] ^= std::byte{1};
    EXPECT_EQ(refusal_of({flipped}),
              "byte 0 of 000000000000001.log the header (byte 0 to 4095) is damaged");
  }
  Bytes cut = writer.file();
  cut.resize(kSize - 1);
  EXPECT_EQ(refusal_of({cut}),
            "byte 0 of 000000000000001.log the file has 8191 bytes instead of 8192");
}

TEST(LogScanTest, FindsWhatWasWritten) {
  SegmentWriter writer = two_batches();
  writer.begin_batch();
  writer.truncation(2, 1).entry(3, 5);
  const Scanned found = scan({writer.file()});
  ASSERT_TRUE(found.good) << found.scan.refusal();
  EXPECT_EQ(found.scan.terms().runs(), (std::vector<TermRun>{{1, 1}, {3, 5}}));
  EXPECT_EQ(found.scan.terms().last_index(), 3U);
  EXPECT_EQ(found.scan.entries().last_index(), 3U);
  EXPECT_EQ(found.scan.change(), 6U);
  EXPECT_EQ(found.scan.tail().end, writer.size());
  EXPECT_FALSE(found.scan.tail().torn());
  EXPECT_TRUE(found.scan.damages().empty());
}

// Cut anywhere in its last batch, the log ends before the record that was cut.
TEST(LogScanTest, ATornTailIsCut) {
  const SegmentWriter writer = two_batches();
  const std::size_t second = kSegmentHeaderBytes + record_bytes(3) + record_bytes(20);
  for (std::size_t cut = second; cut < writer.size(); ++cut) {
    Bytes file = writer.file();
    std::fill(file.begin() + static_cast<std::ptrdiff_t>(cut), file.end(), std::byte{0});
    const Scanned found = scan({file});
    ASSERT_TRUE(found.good) << found.scan.refusal();
    // Zeros at the end of a record may be its own.
    const std::size_t entries = found.scan.terms().last_index();
    EXPECT_GE(entries, cut < second + record_bytes(0) ? 2U : 3U);
    EXPECT_LE(entries, 4U);
    EXPECT_EQ(found.scan.damages().empty(), !found.scan.tail().torn());
  }
}

// The second record of the last batch reached the disk, and the first did not.
TEST(LogScanTest, ABatchThatReachedTheDiskOutOfOrderIsATear) {
  const SegmentWriter writer = two_batches();
  const std::size_t second = kSegmentHeaderBytes + record_bytes(3) + record_bytes(20);
  Bytes file = writer.file();
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(second), record_bytes(0), std::byte{0});
  const Scanned found = scan({file});
  ASSERT_TRUE(found.good) << found.scan.refusal();
  EXPECT_EQ(found.scan.terms().last_index(), 2U);
  EXPECT_EQ(found.scan.tail().end, second);
  EXPECT_TRUE(found.scan.tail().torn());
  EXPECT_EQ(found.scan.damages().size(), 1U);
}

// D4: what had been synced, and another batch was written behind it, is not cut off.
TEST(LogScanTest, DamageBeforeALaterBatchIsRefused) {
  const SegmentWriter writer = two_batches();
  const std::size_t first = kSegmentHeaderBytes;
  const std::size_t middle = first + record_bytes(3);
  const std::size_t second = middle + record_bytes(20);
  for (std::size_t byte = first; byte < second; ++byte) {
    Bytes file = writer.file();
    file[byte] ^= std::byte{16};
    const std::string where = std::to_string(byte < middle ? first : middle);
    EXPECT_EQ(refusal_of({file}), "byte " + where +
                                      " of 000000000000001.log is damaged: the record at byte " +
                                      std::to_string(second) + " was written after it was durable");
  }
}

TEST(LogScanTest, DamageBeforeALaterSegmentIsRefused) {
  const SegmentWriter one = two_batches();
  SegmentWriter two(2);
  two.set_change(10);
  two.entry(5, 2);
  EXPECT_EQ(scan({one.file(), two.file()}).scan.terms().last_index(), 5U);
  Bytes damaged = one.file();
  damaged[one.size() - 1 - record_bytes(4)] ^= std::byte{1};
  EXPECT_NE(refusal_of({damaged, two.file()}).find("000000000000002.log was written after it"),
            std::string::npos);
  // All of the last batch gone, as if it had never been written.
  Bytes emptied = one.file();
  std::fill(emptied.begin() + kSegmentHeaderBytes, emptied.end(), std::byte{0});
  EXPECT_EQ(refusal_of({emptied, two.file()}),
            "byte 4096 of 000000000000002.log is entry 5 behind entry 0");
}

// A segment that was made and not used yet proves nothing.
TEST(LogScanTest, ATearBeforeAnUnusedSegmentIsCut) {
  const SegmentWriter one = two_batches();
  const SegmentWriter two(2);
  Bytes torn = one.file();
  torn[one.size() - 1 - record_bytes(4)] ^= std::byte{1};
  const Scanned found = scan({torn, two.file()});
  ASSERT_TRUE(found.good) << found.scan.refusal();
  EXPECT_EQ(found.scan.current(), 0U);
  EXPECT_TRUE(found.scan.tail().torn());
}

TEST(LogScanTest, WhatNoServerWritesIsRefused) {
  const auto refusal = [](auto write) {
    SegmentWriter writer(1);
    writer.entry(1, 2).entry(2, 2);
    write(writer);
    const std::string text = refusal_of({writer.file()});
    return text.substr(text.find(" is ") == text.npos ? 0 : text.find(".log") + 5);
  };
  using Writer = SegmentWriter;
  EXPECT_EQ(refusal([](Writer& log) { log.entry(4, 2); }), "is entry 4 behind entry 2");
  EXPECT_EQ(refusal([](Writer& log) { log.entry(2, 2); }), "is entry 2 behind entry 2");
  EXPECT_EQ(refusal([](Writer& log) { log.entry(3, 1); }), "is of term 1 behind term 2");
  EXPECT_EQ(refusal([](Writer& log) { log.set_change(1), log.entry(3, 2); }),
            "is change 2 behind change 2");
  EXPECT_EQ(refusal([](Writer& log) { log.set_hard_state(3), log.entry(3, 2); }),
            "is change 3, but stands behind change 3 of hard_state");
  EXPECT_EQ(refusal([](Writer& log) {
              log.set_change(5), log.set_hard_state(4), log.entry(3, 2);
              log.set_hard_state(3), log.entry(4, 2);
            }),
            "is change 7, but stands behind change 3 of hard_state");
  EXPECT_NE(refusal([](Writer& log) { log.truncation(3, 2); }).find("which is not there"),
            std::string::npos);
  EXPECT_NE(refusal([](Writer& log) { log.truncation(1, 1); }).find("which is not there"),
            std::string::npos);
}

// R3: a stamp that was given is not given again, though its entry was truncated.
TEST(LogScanTest, KnowsTheLatestTimeEverStamped) {
  SegmentWriter writer(1);
  writer.set_log_time(5);
  writer.entry(1, 1);
  writer.set_log_time(9);
  writer.entry(2, 1).truncation(1, 1);
  writer.set_log_time(7);
  writer.entry(2, 2);
  EXPECT_EQ(scan({writer.file()}).scan.last_log_time(), 9);
}

TEST(LogScanTest, SegmentsOfOthersAreRefused) {
  const Bytes one = two_batches().file();
  EXPECT_EQ(refusal_of({SegmentWriter(2).file()}), "byte 0 of 000000000000001.log was segment 2");
  LogScan gap(kIdentity);
  EXPECT_TRUE(gap.add(segment_name(1), one));
  EXPECT_FALSE(gap.add(segment_name(3), SegmentWriter(3).file()));
  EXPECT_EQ(gap.refusal(), "byte 0 of 000000000000003.log comes without segment 2");
  Identity other = kIdentity;
  other.self = 4;
  LogScan of_other(other);
  EXPECT_FALSE(of_other.add(segment_name(1), one));
  EXPECT_EQ(of_other.refusal(), "byte 0 of 000000000000001.log belongs to server 3 of cluster 7");
  other = kIdentity;
  other.incarnation.directory = 100;
  LogScan of_another_directory(other);
  EXPECT_FALSE(of_another_directory.add(segment_name(1), one));
}

}  // namespace
}  // namespace coracle::raft
