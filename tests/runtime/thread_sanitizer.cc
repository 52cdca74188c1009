// What ThreadSanitizer is told of libuv, which is not compiled with it. Without it nobody calls
// this.
//
// libuv closes descriptors by syscall(SYS_close), which ThreadSanitizer does not see: when another
// thread is then given the same number, it takes the new descriptor for the old one, and its making
// for a race. Only that is silenced; memory that two threads touch is not.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:epoll_create1\n"
         "race:eventfd\n"
         "race:pipe2\n"
         "race:timerfd_create\n";
}
