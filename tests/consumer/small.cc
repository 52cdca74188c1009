// The least that refers to all that a program must have been compiled alike with: one coroutine.
#include <coracle/runtime/run.h>

coracle::Task<> nothing() { co_return; }

int main() { coracle::run(nothing()); }
