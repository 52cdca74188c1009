#include "runtime/dump_tasks.h"

#include <spdlog/fmt/fmt.h>

#include <ostream>
#include <vector>

#include "runtime/loop.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

constexpr std::size_t kShownFrames = 50;  // of a long chain, at either end
constexpr std::size_t kLoggedFrames = 8;

std::string state_of(const Fiber& fiber) {
  if (fiber.loop().running_fiber() == &fiber) return "running";
  const Leaf* leaf = fiber.pending();
  if (leaf == nullptr || !leaf->waiting()) return "ready";
  return fmt::format("waits for {}", leaf->waits_for());
}

// Children before the outer group's, as they were spawned; each with its depth.
void append_tree(const Fiber& root, std::string& text) {
  struct Place {
    const Fiber* fiber;
    int depth;
  };
  std::vector<Place> stack{{&root, 0}};
  while (!stack.empty()) {
    const Place place = stack.back();
    stack.pop_back();
    const std::string lines = describe_fiber(*place.fiber);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at) + 1;
      text.append(static_cast<std::size_t>(place.depth) * 2, ' ').append(lines, at, end - at);
      at = end;
    }
    for (const TaskGroup* group = place.fiber->opened_group(); group != nullptr;
         group = group->outer()) {
      for (const Fiber* child = group->last_child(); child != nullptr;
           child = TaskGroup::previous_sibling(*child)) {
        stack.push_back({child, place.depth + 1});
      }
    }
  }
}

}  // namespace

std::string await_chain(const Fiber& fiber) {
  std::string text;
  std::size_t shown = 0;
  for (const FrameLink* frame = fiber.innermost(); frame != nullptr && frame->parent != nullptr;
       frame = frame->parent) {
    if (shown++ == kLoggedFrames) return "...>" + text;
    const std::source_location& at = frame->awaiting;
    text = fmt::format("{}:{}{}{}", at.file_name(), at.line(), text.empty() ? "" : ">", text);
  }
  return text;
}

std::string describe_fiber(const Fiber& fiber) {
  std::string text = fmt::format("{} ({})\n", fiber.name(), state_of(fiber));
  std::vector<const FrameLink*> chain;
  for (const FrameLink* frame = fiber.innermost(); frame != nullptr; frame = frame->parent) {
    // The root is the runtime's own: it awaits what was spawned, wherever that is.
    if (frame->parent != nullptr) chain.push_back(frame);
  }
  const std::size_t frames = chain.size();
  for (std::size_t depth = 0; depth < frames; ++depth) {
    if (frames > 2 * kShownFrames && depth == kShownFrames) {
      text += fmt::format("  ... {} more awaits ...\n", frames - 2 * kShownFrames);
      depth = frames - kShownFrames;
    }
    const std::source_location& at = chain[frames - 1 - depth]->awaiting;
    if (at.line() == 0) continue;  // has not awaited anything yet
    text += fmt::format("  at {}:{}\n", at.file_name(), at.line());
  }
  return text;
}

void dump_tasks(std::ostream& stream) {
  const Loop& loop = Loop::current();
  std::string text;
  if (const Fiber* main = loop.main_fiber()) append_tree(*main, text);
  stream << text;
  stream.flush();
}

}  // namespace coracle
