#include "runtime/sim/disk.h"

#include <cerrno>
#include <span>
#include <utility>

#include "runtime/check.h"
#include "runtime/sim/disk_files.h"

namespace coracle::sim {
namespace {

std::string_view path_of(const FileCall& call) {
  return call.path == nullptr ? std::string_view() : *call.path;
}

}  // namespace

Disk::Disk(Random& random) : random_(random), files_(std::make_unique<DiskFiles>(random)) {}

Disk::~Disk() = default;

// ---- Errors ----

void Disk::fail_by_chance(double probability, int error) {
  faults_.fail_by_chance(std::nullopt, probability, error);
}

void Disk::fail_by_chance(FileAction action, double probability, int error) {
  faults_.fail_by_chance(action, probability, error);
}

void Disk::set_capacity(std::optional<std::uint64_t> bytes) { files_->set_capacity(bytes); }

void Disk::flip_bit(std::string_view path, std::uint64_t byte, unsigned bit) {
  const Place place = files_->tree().find(path);
  const bool is_file = place.error == 0 && place.node != nullptr && !place.node->directory;
  CORACLE_CHECK(is_file, "a bit is flipped in a file");
  place.node->content.flip_bit(byte, bit);
  tell({.what = "flip_bit",
        .how = {},
        .path = path,
        .value = static_cast<std::int64_t>(byte * 8 + bit)});
}

std::optional<FlippedBit> Disk::flip_drawn_bit(std::string_view path) {
  const Place place = files_->tree().find(path);
  if (place.error != 0 || place.node == nullptr) return std::nullopt;
  std::vector<std::pair<std::string, std::uint64_t>> sizes;
  std::uint64_t bytes = 0;
  files_->tree().visit_below(std::string(path), *place.node,
                             [&](const std::string& found, const Node& node) {
                               const std::uint64_t size = node.content.cached().size();
                               if (size > 0) sizes.emplace_back(found, size);
                               bytes += size;
                             });
  if (bytes == 0) return std::nullopt;
  std::uint64_t byte = random_.below(bytes);
  const auto bit = static_cast<unsigned>(random_.below(8));
  std::size_t file = 0;
  for (; byte >= sizes[file].second; ++file) byte -= sizes[file].second;
  flip_bit(sizes[file].first, byte, bit);
  return FlippedBit{.path = sizes[file].first, .byte = byte, .bit = bit};
}

// ---- Time ----

void Disk::slow_down(Duration extra) {
  CORACLE_CHECK(extra >= Duration::zero(), "an operation takes longer, not less");
  faults_.extra_delay = extra;
}

void Disk::release() {
  if (!held_) return;
  held_ = false;
  if (at_release_) at_release_();
}

void Disk::heal() {
  faults_.heal();
  files_->set_capacity(std::nullopt);
  release();
}

// ---- Seeing ----

void Disk::observe(std::function<void(std::uint64_t nth, const FileCall& call)> observer) {
  observer_ = std::move(observer);
  observed_ = 0;
}

void Disk::observe_decisions(std::function<void(const DiskDecision&)> observer) {
  decisions_ = std::move(observer);
}

void Disk::tell(const DiskDecision& decision) const {
  if (decisions_) decisions_(decision);
}

// ---- From outside ----

std::optional<std::string> Disk::read_file(std::string_view path, DiskView view) const {
  const Place place = files_->tree().find(path, view);
  if (place.error != 0 || place.node == nullptr || place.node->directory) return std::nullopt;
  const FileContent& content = place.node->content;
  return view == DiskView::durable ? content.durable().text() : content.cached().text();
}

bool Disk::exists(std::string_view path, DiskView view) const {
  const Place place = files_->tree().find(path, view);
  return place.error == 0 && place.node != nullptr;
}

std::vector<std::string> Disk::list(std::string_view path, DiskView view) const {
  std::vector<std::string> names;
  const Place place = files_->tree().find(path, view);
  if (place.error != 0 || place.node == nullptr) return names;
  for (const auto& [name, node] : names_of(*place.node, view)) names.push_back(name);
  return names;
}

void Disk::write_file(std::string_view path, std::string_view content) {
  Tree& tree = files_->tree();
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const Place above = tree.find(path.substr(0, slash));
    CORACLE_CHECK(above.error == 0, "a file is made below directories only");
    if (above.node == nullptr) tree.make(above, /*directory=*/true);
  }
  const Place place = tree.find(path);
  CORACLE_CHECK(place.error == 0 && !place.name.empty(), "a file is made below directories only");
  const NodeRef node = place.node != nullptr ? place.node : tree.make(place, /*directory=*/false);
  CORACLE_CHECK(!node->directory, "a directory is no file");
  node->content.resize(0);
  node->content.write(std::as_bytes(std::span(content)), 0);
  node->content.sync();
  for (const NodeRef& directory : place.way) tree.sync(*directory);
}

std::size_t Disk::open_descriptors() const { return files_->open_descriptors(); }

// ---- For the host and its back end ----

Duration Disk::begin(const FileCall& call) {
  const FileAction action = call.action;  // an observer may end who asks, and the call with it
  ++begun_;
  ++observed_;
  const auto observer = observer_;  // it may set another one
  if (observer) observer(observed_, call);
  if (held_) {
    faults_.meet();
    return kHeld;
  }
  return faults_.draw_delay(action, random_);
}

FileResult Disk::perform(const FileCall& call, int pid) {
  CORACLE_CHECK(!held_, "no operation ends while the disk hangs");
  const int error = faults_.decide(call.action, random_);
  FileResult result{.error = error, .value = 0};
  if (error != 0) {
    files_->fail(call, pid);
  } else {
    result = files_->perform(call, pid);
    if (result.error == ENOSPC) faults_.meet();
  }
  if (error != 0 || result.error == ENOSPC) {
    tell({.what = "fail",
          .how = to_string(call.action),
          .path = path_of(call),
          .value = result.error});
  }
  return result;
}

void Disk::interrupt(const FileCall& call, int pid) {
  const std::string_view left = files_->interrupt(call, pid);
  tell({.what = "interrupt", .how = left, .path = path_of(call), .value = 0});
}

void Disk::close(int descriptor) { files_->close(descriptor); }

void Disk::end_process(int pid) { files_->end_process(pid); }

void Disk::lose_power() {
  files_->lose_power([this](const std::string& path, std::string_view kept) {
    tell({.what = "lose_power", .how = kept, .path = path, .value = 0});
  });
}

}  // namespace coracle::sim
