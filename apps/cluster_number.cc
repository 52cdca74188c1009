#include "apps/cluster_number.h"

#include <cerrno>
#include <charconv>
#include <limits>
#include <span>

#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/random.h"

namespace coracle::demo {

Task<std::uint64_t> cluster_number(std::string directory) {
  const std::string path = directory + "/cluster";
  const bool exists = co_await file_exists(path);
  if (!exists) {
    const std::uint64_t drawn = random().next();
    const std::string text = std::to_string(drawn);
    const std::string unfinished = path + ".new";
    File file = co_await File::open(unfinished, OpenMode::replace);
    co_await file.write_durably_at(std::as_bytes(std::span(text)), 0);
    co_await rename_file(unfinished, path);
    co_return drawn;
  }
  File file = co_await File::open(path, OpenMode::read);
  std::string text(std::numeric_limits<std::uint64_t>::digits10 + 2, '\0');
  const std::size_t size = co_await file.read_at(std::as_writable_bytes(std::span(text)), 0);
  text.resize(size);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) {
    throw Error(EINVAL, "read", path + " (`" + text + "` is not a cluster's number)");
  }
  co_return number;
}

}  // namespace coracle::demo
