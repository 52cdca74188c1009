// Where entries stand, and of which term they are, in little memory.
#include "raft/entry_index.h"

#include <gtest/gtest.h>

#include <vector>

#include "raft/term_runs.h"
#include "runtime/random.h"

namespace coracle::raft {
namespace {

// Walks along a way as readers do.
//   Returns    where the entries from `first` on stand.
std::vector<EntryPlace> walk(const EntryIndex::Way& way, LogIndex first,
                             const std::vector<std::size_t>& sizes) {
  std::vector<EntryPlace> places;
  EntryPlace place;
  auto row = way.rows.begin();
  for (LogIndex index = way.rows.front().first; index <= way.last; ++index) {
    if (row != way.rows.end() && row->first == index) place = (row++)->place;
    if (index >= first) places.push_back(place);
    place.offset += static_cast<std::uint32_t>(sizes[index - 1]);
  }
  return places;
}

TEST(EntryIndexTest, LeadsToEachEntryAcrossTruncationsAndSegments) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    EntryIndex index;
    std::vector<EntryPlace> places;
    std::vector<std::size_t> sizes;
    EntryPlace end{.segment = 0, .offset = 4096};
    for (int step = 0; step < 500; ++step) {
      if (random.chance(0.05)) {
        places.resize(random.below(places.size() + 1));
        sizes.resize(places.size());
        index.truncate_behind(places.size());
        end.offset += 64;  // its own record
      }
      if (random.chance(0.02)) end = {.segment = end.segment + 1, .offset = 4096};
      const bool is_long = random.chance(0.02);
      const std::size_t bytes = 64 + 8 * random.below(is_long ? 2000 : 20);
      index.append(end, bytes);
      places.push_back(end);
      sizes.push_back(bytes);
      end.offset += static_cast<std::uint32_t>(bytes);
    }
    ASSERT_EQ(index.last_index(), places.size());
    for (int look = 0; look < 100; ++look) {
      const LogIndex first = 1 + random.below(places.size());
      const LogIndex last = first + random.below(places.size() - first + 1);
      const EntryIndex::Way way = index.way(first, last, random.below(20'000));
      const std::vector<EntryPlace> found = walk(way, first, sizes);
      ASSERT_FALSE(found.empty());
      ASSERT_LE(way.last, last);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], places[first - 1 + i]) << "seed " << seed << " entry " << first + i;
      }
      // A piece that begins with the row holds the entry's beginning.
      ASSERT_LT(found[0].offset - way.rows[0].place.offset, EntryIndex::kRowBytes);
    }
  }
}

// A hundred million small entries may not cost a gigabyte.
TEST(EntryIndexTest, HasOneRowForManySmallEntries) {
  EntryIndex index;
  EntryPlace place{.segment = 0, .offset = 4096};
  for (int entry = 0; entry < 100'000; ++entry) {
    index.append(place, 128);
    place.offset += 128;
  }
  EXPECT_EQ(index.rows(), 100'000U * 128 / EntryIndex::kRowBytes);
}

TEST(TermRunsTest, TellsTheTermOfEachEntry) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    TermRuns runs;
    std::vector<Term> terms;
    Term term = 1;
    for (int step = 0; step < 300; ++step) {
      if (random.chance(0.1)) {
        terms.resize(random.below(terms.size() + 1));
        runs.truncate_behind(terms.size());
      }
      if (random.chance(0.1)) ++term;
      terms.push_back(term);
      runs.append(term);
      ASSERT_EQ(runs.last_index(), terms.size());
      ASSERT_EQ(runs.last(), (LogPosition{.term = term, .index = terms.size()}));
      const LogIndex index = random.below(terms.size() + 1);
      ASSERT_EQ(runs.at(index), index == 0 ? 0 : terms[index - 1]);
    }
    EXPECT_LT(runs.runs().size(), 100U);
  }
}

}  // namespace
}  // namespace coracle::raft
