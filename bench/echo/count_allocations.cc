// Preloaded into a server, counts its heap allocations and prints the count when it exits.
// glibc's own names for the allocator are called, so that nothing has to be looked up.
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>

extern "C" {

void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* memory, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
}

namespace {

std::atomic<long> allocations{0};

void count_one() { allocations.fetch_add(1, std::memory_order_relaxed); }

// A destructor of the library runs after main has returned and after atexit handlers.
[[gnu::destructor]] void print_count() {
  char line[64];
  const int size = std::snprintf(line, sizeof line, "allocations=%ld\n", allocations.load());
  if (write(STDERR_FILENO, line, static_cast<std::size_t>(size)) != size) _exit(1);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
  count_one();
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  count_one();
  return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
  count_one();
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count_one();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count_one();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  count_one();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;  // ENOMEM
}
}
