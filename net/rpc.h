// MessagePack-RPC over any stream: both sides, and how values travel (codec.h).
#pragma once

#include "net/rpc_client.h"
#include "net/rpc_server.h"
