// What a loop asks of its back end and then waits for: calls that block a thread, and file
// operations (file_request.h). Mechanism; users have run_blocking.h and file.h.
#pragma once

namespace coracle {

// One request. It stays where it is, with all that it refers to, until ended() was called or
// BackEnd::abandon() has returned.
class Request {
 public:
  // Called once, on the loop's thread: the request was performed, or (not `ran`) canceled before
  // it had begun.
  virtual void ended(bool ran) = 0;

  // The back end's own record of it, while it is under way.
  void* ticket = nullptr;

 protected:
  Request() = default;
  Request(const Request&) = default;
  Request& operator=(const Request&) = default;
  ~Request() = default;
};

// A call that may block. Leaves its result in itself.
class BlockingRequest : public Request {
 public:
  // Called once, on a thread that may block (in a simulation: the loop's).
  virtual void perform() noexcept = 0;

 protected:
  BlockingRequest() = default;
  BlockingRequest(const BlockingRequest&) = default;
  BlockingRequest& operator=(const BlockingRequest&) = default;
  ~BlockingRequest() = default;
};

}  // namespace coracle
