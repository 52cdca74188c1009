// Canceled: what an await throws once its scope has been asked to stop.
#pragma once

namespace coracle {

// Thrown by the runtime only. Not a std::exception, so that `catch (const std::exception&)` does
// not swallow it. Let it pass: the scope that was canceled catches it at its end.
class Canceled final {
 private:
  friend class Scope;
  Canceled() = default;
};

}  // namespace coracle
