#include "raft/proposal_errors.h"

#include <cerrno>
#include <string>

namespace coracle::raft {

NotLeader::NotLeader(std::string_view operation, ServerId leader)
    : Error(EAGAIN, operation,
            leader == kNobody ? std::string("(no leader is known)")
                              : "(server " + std::to_string(leader) + " leads)"),
      leader_(leader) {}

OutcomeUnknown::OutcomeUnknown(std::string_view operation)
    : Error(ECONNABORTED, operation, "(whether it is applied is not known)") {}

SessionExpired::SessionExpired(std::string_view operation)
    : Error(ESTALE, operation, "(its session is not known any more)") {}

}  // namespace coracle::raft
