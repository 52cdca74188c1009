#include "tests/conformance/files.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "runtime/directory_lock.h"
#include "runtime/error.h"
#include "runtime/file.h"

namespace coracle::conformance {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Awaits it.
//   Returns    the errno value of its Error, 0 if there was none.
template <class T>
Task<int> error_of(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const Error& error) {
    co_return error.code().value();
  }
  co_return 0;
}
Task<int> error_of(Task<> task) {
  try {
    co_await std::move(task);
  } catch (const Error& error) {
    co_return error.code().value();
  }
  co_return 0;
}

Task<std::string> read_text(File& file, std::size_t count, std::uint64_t offset) {
  std::string text(count, '?');
  text.resize(co_await file.read_at(std::as_writable_bytes(std::span(text)), offset));
  co_return text;
}

Task<> make_file(std::string path, std::string text) {
  File file = co_await File::open(path, OpenMode::create);
  co_await file.write_at(bytes_of(text), 0);
}

Task<std::string> content_of(std::string path) {
  File file = co_await File::open(path, OpenMode::read);
  co_return co_await read_text(file, 100'000, 0);
}

Task<> expect_content(std::string path, std::string text) {
  const std::string content = co_await content_of(path);
  EXPECT_EQ(content, text) << path;
}

// `names` stand with a blank behind each.
Task<> expect_names(std::string directory, std::string names) {
  std::string found;
  const std::vector<std::string> list = co_await list_directory(directory);
  for (const std::string& name : list) found += name + " ";
  EXPECT_EQ(found, names) << directory;
}

// ---- Reading and writing ----

Task<> holes_read_as_zeros(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  co_await file.write_at(bytes_of("head"), 0);
  co_await file.write_at(bytes_of("tail"), 10'000);
  const std::string text = co_await read_text(file, 20'000, 0);
  EXPECT_EQ(text, "head" + std::string(9'996, '\0') + "tail");
  EXPECT_EQ(co_await file.size(), 10'004U);
}

Task<> reads_end_with_the_file(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  co_await file.write_at(bytes_of("hello"), 0);
  const std::string part = co_await read_text(file, 10, 3);
  EXPECT_EQ(part, "lo");
  const std::string at_end = co_await read_text(file, 10, 5);
  EXPECT_EQ(at_end, "");
  const std::string behind = co_await read_text(file, 10, 5'000);
  EXPECT_EQ(behind, "");
}

Task<> writes_overlap_in_order(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  const std::string much(2'000, 'a');
  co_await file.write_at(bytes_of(much), 0);
  co_await file.write_at(bytes_of(std::string(1'000, 'b')), 300);
  co_await file.write_at(bytes_of("c"), 700);
  co_await file.write_at(bytes_of(""), 5'000);
  const std::string text = co_await read_text(file, 5'000, 0);
  const std::string expected = std::string(300, 'a') + std::string(400, 'b') + "c" +
                               std::string(599, 'b') + std::string(700, 'a');
  EXPECT_EQ(text, expected);
}

Task<> what_is_cut_off_is_gone(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  co_await file.write_at(bytes_of(std::string(2'000, 'a')), 0);
  co_await file.truncate(700);
  EXPECT_EQ(co_await file.size(), 700U);
  co_await file.truncate(1'500);
  const std::string text = co_await read_text(file, 5'000, 0);
  EXPECT_EQ(text, std::string(700, 'a') + std::string(800, '\0'));
}

Task<> allocating_grows_and_keeps(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  co_await file.write_at(bytes_of("hello"), 0);
  co_await file.allocate(3, 997);
  EXPECT_EQ(co_await file.size(), 1'000U);
  co_await file.allocate(0, 10);
  EXPECT_EQ(co_await file.size(), 1'000U);
  const std::string text = co_await read_text(file, 5'000, 0);
  EXPECT_EQ(text, "hello" + std::string(995, '\0'));
  EXPECT_EQ(co_await error_of(file.allocate(0, 0)), EINVAL);
}

Task<> offsets_below_zero_are_refused(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  constexpr std::uint64_t kBelowZero = ~std::uint64_t{0};
  std::array<std::byte, 1> byte{};
  EXPECT_EQ(co_await error_of(file.write_at(byte, kBelowZero)), EINVAL);
  EXPECT_EQ(co_await error_of(file.read_at(byte, kBelowZero)), EINVAL);
  EXPECT_EQ(co_await error_of(file.truncate(kBelowZero)), EINVAL);
  EXPECT_EQ(co_await error_of(file.allocate(kBelowZero, 1)), EINVAL);
}

Task<> several_openings_share_the_file(std::string directory) {
  File one = co_await File::open(directory + "/file", OpenMode::create);
  File two = co_await File::open(directory + "/file", OpenMode::update);
  co_await one.write_at(bytes_of("hello"), 0);
  co_await two.write_at(bytes_of("J"), 0);
  co_await one.datasync();
  co_await two.datasync();
  const std::string text = co_await read_text(one, 10, 0);
  EXPECT_EQ(text, "Jello");
}

// ---- Opening ----

Task<> opening_goes_by_its_mode(std::string directory) {
  const std::string path = directory + "/file";
  EXPECT_EQ(co_await error_of(File::open(path, OpenMode::read)), ENOENT);
  EXPECT_EQ(co_await error_of(File::open(path, OpenMode::update)), ENOENT);
  EXPECT_EQ(co_await error_of(File::open(path, OpenMode::create_new)), 0);
  EXPECT_EQ(co_await error_of(File::open(path, OpenMode::create_new)), EEXIST);
  co_await make_file(path, "hello");
  co_await expect_content(path, "hello");
  EXPECT_EQ(co_await error_of(File::open(path, OpenMode::replace)), 0);
  co_await expect_content(path, "");
  EXPECT_EQ(co_await error_of(File::open(path + "2", OpenMode::replace)), 0);
  co_await expect_content(path + "2", "");
}

Task<> opened_for_reading_nothing_is_written(std::string directory) {
  co_await make_file(directory + "/file", "hello");
  File file = co_await File::open(directory + "/file", OpenMode::read);
  EXPECT_EQ(co_await error_of(file.write_at(bytes_of("x"), 0)), EBADF);
  EXPECT_EQ(co_await error_of(file.write_durably_at(bytes_of("x"), 0)), EBADF);
  EXPECT_EQ(co_await error_of(file.truncate(0)), EINVAL);
  EXPECT_EQ(co_await error_of(file.allocate(0, 10)), EBADF);
  EXPECT_EQ(co_await error_of(file.datasync()), 0);
  co_await expect_content(directory + "/file", "hello");
}

Task<> ways_that_lead_nowhere_are_refused(std::string directory) {
  co_await make_file(directory + "/file", "");
  co_await make_directory(directory + "/d");
  EXPECT_EQ(co_await error_of(File::open(directory + "/no/file", OpenMode::create)), ENOENT);
  EXPECT_EQ(co_await error_of(File::open(directory + "/file/x", OpenMode::create)), ENOTDIR);
  EXPECT_EQ(co_await error_of(File::open(directory + "/file/", OpenMode::read)), ENOTDIR);
  EXPECT_EQ(co_await error_of(File::open(directory + "/x/", OpenMode::create)), EISDIR);
  EXPECT_EQ(co_await error_of(File::open(directory + "/d", OpenMode::update)), EISDIR);
  EXPECT_EQ(co_await error_of(File::open(directory + "/d", OpenMode::create)), EISDIR);
  EXPECT_EQ(co_await error_of(File::open(directory + "/d", OpenMode::replace)), EISDIR);
  EXPECT_EQ(co_await error_of(File::open(directory + "/d", OpenMode::create_new)), EEXIST);
  EXPECT_EQ(co_await error_of(File::open("", OpenMode::create)), ENOENT);
  const std::string long_name = directory + "/" + std::string(256, 'x');
  EXPECT_EQ(co_await error_of(File::open(long_name, OpenMode::create)), ENAMETOOLONG);
  EXPECT_EQ(co_await error_of(File::open(long_name + "/x", OpenMode::create)), ENAMETOOLONG);
  const std::string long_path = directory + std::string(4'096, '/') + "x";
  EXPECT_EQ(co_await error_of(File::open(long_path, OpenMode::create)), ENAMETOOLONG);
  EXPECT_EQ(co_await error_of(File::open(directory + "/d/.././d//x", OpenMode::create)), 0);
  EXPECT_TRUE(co_await file_exists(directory + "/d/x"));
}

Task<> a_directory_is_opened_for_reading_only(std::string directory) {
  File opened = co_await File::open(directory, OpenMode::read);
  std::array<std::byte, 1> byte{};
  EXPECT_EQ(co_await error_of(opened.read_at(byte, 0)), EISDIR);
  EXPECT_EQ(co_await error_of(opened.write_at(byte, 0)), EBADF);
  EXPECT_EQ(co_await error_of(opened.truncate(0)), EINVAL);
  EXPECT_EQ(co_await error_of(opened.datasync()), 0);
}

// ---- Names ----

Task<> renaming_replaces_a_file(std::string directory) {
  co_await make_file(directory + "/new", "new");
  co_await make_file(directory + "/old", "old");
  File old = co_await File::open(directory + "/old", OpenMode::read);
  co_await rename_file(directory + "/new", directory + "/old");
  co_await expect_content(directory + "/old", "new");
  EXPECT_FALSE(co_await file_exists(directory + "/new"));
  const std::string still = co_await read_text(old, 10, 0);
  EXPECT_EQ(still, "old");
  co_await rename_file(directory + "/old", directory + "/old");
  co_await expect_content(directory + "/old", "new");
}

Task<> directories_are_renamed_with_what_they_hold(std::string directory) {
  co_await make_directory(directory + "/a/b");
  co_await make_file(directory + "/a/b/file", "x");
  co_await make_directory(directory + "/empty");
  co_await rename_file(directory + "/a", directory + "/empty");
  co_await expect_content(directory + "/empty/b/file", "x");
  co_await rename_file(directory + "/empty/b/", directory + "/c/");
  co_await expect_content(directory + "/c/file", "x");
  co_await expect_names(directory, "c empty ");
}

Task<> renames_that_make_no_sense_are_refused(std::string directory) {
  const std::string file = directory + "/file";
  const std::string full = directory + "/full";
  const std::string empty = directory + "/empty";
  co_await make_file(file, "");
  co_await make_directory(full + "/below");
  co_await make_file(full + "/below/file", "");
  co_await make_directory(empty);
  EXPECT_EQ(co_await error_of(rename_file(directory + "/no", file)), ENOENT);
  EXPECT_EQ(co_await error_of(rename_file(file, directory + "/no/file")), ENOENT);
  EXPECT_EQ(co_await error_of(rename_file(file + "/x", empty)), ENOTDIR);
  EXPECT_EQ(co_await error_of(rename_file(file, file + "/x")), ENOTDIR);
  EXPECT_EQ(co_await error_of(rename_file(file, empty)), EISDIR);
  EXPECT_EQ(co_await error_of(rename_file(empty, file)), ENOTDIR);
  EXPECT_EQ(co_await error_of(rename_file(empty, full)), ENOTEMPTY);
  EXPECT_EQ(co_await error_of(rename_file(full, full + "/below/x")), EINVAL);
  EXPECT_EQ(co_await error_of(rename_file(full + "/below/file", full)), ENOTEMPTY);
  EXPECT_EQ(co_await error_of(rename_file(full + "/.", empty)), EBUSY);
  EXPECT_EQ(co_await error_of(rename_file(file, "/")), EBUSY);
  EXPECT_EQ(co_await error_of(rename_file(file, directory + "/x/")), ENOTDIR);
  EXPECT_EQ(co_await error_of(rename_file(file + "/", directory + "/x")), ENOTDIR);
  EXPECT_EQ(co_await error_of(rename_file("", file)), ENOENT);
  co_await expect_names(directory, "empty file full ");
}

Task<> removing_takes_files_only(std::string directory) {
  const std::string file = directory + "/file";
  co_await make_file(file, "x");
  co_await make_directory(directory + "/d");
  EXPECT_EQ(co_await error_of(remove_file(directory + "/d")), EISDIR);
  EXPECT_EQ(co_await error_of(remove_file(directory + "/d/")), EISDIR);
  EXPECT_EQ(co_await error_of(remove_file(directory + "/d/.")), EISDIR);
  EXPECT_EQ(co_await error_of(remove_file(file + "/")), ENOTDIR);
  EXPECT_EQ(co_await error_of(remove_file(file + "/x")), ENOTDIR);
  EXPECT_FALSE(co_await remove_file(directory + "/no"));
  EXPECT_FALSE(co_await remove_file(directory + "/no/file"));
  EXPECT_TRUE(co_await remove_file(file));
  EXPECT_FALSE(co_await remove_file(file));
}

Task<> an_open_file_outlives_its_name(std::string directory) {
  File file = co_await File::open(directory + "/file", OpenMode::create);
  co_await file.write_at(bytes_of("hello"), 0);
  EXPECT_TRUE(co_await remove_file(directory + "/file"));
  co_await make_file(directory + "/file", "other");
  co_await file.write_durably_at(bytes_of("J"), 0);
  const std::string text = co_await read_text(file, 10, 0);
  EXPECT_EQ(text, "Jello");
  co_await expect_content(directory + "/file", "other");
}

Task<> directories_are_made_with_those_above(std::string directory) {
  EXPECT_TRUE(co_await make_directory(directory + "/a/b/c"));
  EXPECT_FALSE(co_await make_directory(directory + "/a/b/c"));
  EXPECT_FALSE(co_await make_directory(directory + "/a/b/"));
  EXPECT_TRUE(co_await make_directory(directory + "/a/./b/../d"));
  co_await make_file(directory + "/file", "");
  EXPECT_EQ(co_await error_of(make_directory(directory + "/file")), ENOTDIR);
  EXPECT_EQ(co_await error_of(make_directory(directory + "/file/below")), ENOTDIR);
  EXPECT_EQ(co_await error_of(make_directory("")), EINVAL);
  co_await expect_names(directory + "/a", "b d ");
}

Task<> temporary_directories_are_new(std::string) {
  const std::string one = co_await make_temporary_directory("conformance-");
  const std::string two = co_await make_temporary_directory("conformance-");
  EXPECT_NE(one, two);
  EXPECT_NE(one.find("/conformance-"), std::string::npos);
  co_await expect_names(one, "");
  EXPECT_EQ(co_await remove_tree(one), 1U);
  EXPECT_EQ(co_await remove_tree(two), 1U);
  EXPECT_EQ(co_await error_of(make_temporary_directory("no-such-directory/x")), ENOENT);
}

Task<> trees_are_removed_whole(std::string directory) {
  co_await make_directory(directory + "/a/b");
  co_await make_file(directory + "/a/one", "");
  co_await make_file(directory + "/a/b/two", "");
  EXPECT_EQ(co_await remove_tree(directory + "/a"), 4U);
  EXPECT_EQ(co_await remove_tree(directory + "/a"), 0U);
  EXPECT_EQ(co_await remove_tree(directory + "/no/below"), 0U);
  co_await make_file(directory + "/file", "");
  EXPECT_EQ(co_await error_of(remove_tree(directory + "/file/below")), ENOTDIR);
  EXPECT_EQ(co_await remove_tree(directory + "/file"), 1U);
  co_await expect_names(directory, "");
}

Task<> directories_are_listed_in_order(std::string directory) {
  for (const std::string name : {"b", "a", "c", "B", ".hidden"}) {
    co_await make_file(directory + "/" + name, "");
  }
  co_await expect_names(directory + "/", ".hidden B a b c ");
  EXPECT_EQ(co_await error_of(list_directory(directory + "/a")), ENOTDIR);
  EXPECT_EQ(co_await error_of(list_directory(directory + "/no")), ENOENT);
}

Task<> only_directories_are_synced_by_name(std::string directory) {
  co_await make_file(directory + "/file", "");
  EXPECT_EQ(co_await error_of(sync_directory(directory)), 0);
  EXPECT_EQ(co_await error_of(sync_directory(directory + "/file")), ENOTDIR);
  EXPECT_EQ(co_await error_of(sync_directory(directory + "/no")), ENOENT);
}

Task<> what_cannot_be_reached_does_not_exist(std::string directory) {
  co_await make_file(directory + "/file", "");
  EXPECT_TRUE(co_await file_exists(directory));
  EXPECT_TRUE(co_await file_exists(directory + "/"));
  EXPECT_TRUE(co_await file_exists(directory + "/file"));
  EXPECT_FALSE(co_await file_exists(directory + "/file/"));
  EXPECT_FALSE(co_await file_exists(directory + "/file/x"));
  EXPECT_FALSE(co_await file_exists(directory + "/no"));
  EXPECT_FALSE(co_await file_exists(directory + "/no/x"));
  EXPECT_FALSE(co_await file_exists(""));
  const std::string long_name = directory + "/" + std::string(256, 'x');
  EXPECT_EQ(co_await error_of(file_exists(long_name)), ENAMETOOLONG);
}

Task<> a_lock_is_held_once(std::string directory) {
  EXPECT_EQ(co_await error_of(DirectoryLock::acquire(directory + "/no")), ENOENT);
  {
    const DirectoryLock lock = co_await DirectoryLock::acquire(directory);
    EXPECT_EQ(co_await error_of(DirectoryLock::acquire(directory)), EBUSY);
    const std::string holder = co_await content_of(directory + "/LOCK");
    EXPECT_EQ(holder.back(), '\n');
    EXPECT_GT(std::stoll(holder), 0);
    std::string said;
    try {
      co_await DirectoryLock::acquire(directory);
    } catch (const Error& error) {
      said = error.what();
    }
    const std::string named = "held by process " + holder.substr(0, holder.size() - 1) + ")";
    EXPECT_NE(said.find(named), std::string::npos) << said;
  }
  EXPECT_EQ(co_await error_of(DirectoryLock::acquire(directory)), 0);
}

constexpr FileBehavior kBehaviors[] = {
    {"HolesReadAsZeros", holes_read_as_zeros},
    {"ReadsEndWithTheFile", reads_end_with_the_file},
    {"WritesOverlapInOrder", writes_overlap_in_order},
    {"WhatIsCutOffIsGone", what_is_cut_off_is_gone},
    {"AllocatingGrowsAndKeeps", allocating_grows_and_keeps},
    {"OffsetsBelowZeroAreRefused", offsets_below_zero_are_refused},
    {"SeveralOpeningsShareTheFile", several_openings_share_the_file},
    {"OpeningGoesByItsMode", opening_goes_by_its_mode},
    {"OpenedForReadingNothingIsWritten", opened_for_reading_nothing_is_written},
    {"WaysThatLeadNowhereAreRefused", ways_that_lead_nowhere_are_refused},
    {"ADirectoryIsOpenedForReadingOnly", a_directory_is_opened_for_reading_only},
    {"RenamingReplacesAFile", renaming_replaces_a_file},
    {"DirectoriesAreRenamedWithWhatTheyHold", directories_are_renamed_with_what_they_hold},
    {"RenamesThatMakeNoSenseAreRefused", renames_that_make_no_sense_are_refused},
    {"RemovingTakesFilesOnly", removing_takes_files_only},
    {"AnOpenFileOutlivesItsName", an_open_file_outlives_its_name},
    {"DirectoriesAreMadeWithThoseAbove", directories_are_made_with_those_above},
    {"TemporaryDirectoriesAreNew", temporary_directories_are_new},
    {"TreesAreRemovedWhole", trees_are_removed_whole},
    {"DirectoriesAreListedInOrder", directories_are_listed_in_order},
    {"OnlyDirectoriesAreSyncedByName", only_directories_are_synced_by_name},
    {"WhatCannotBeReachedDoesNotExist", what_cannot_be_reached_does_not_exist},
    {"ALockIsHeldOnce", a_lock_is_held_once},
};

}  // namespace

std::span<const FileBehavior> file_behaviors() { return kBehaviors; }

}  // namespace coracle::conformance
