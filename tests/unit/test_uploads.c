/* What the index remembers of uploads in parts. */
#include "agent/service/uploads.h"

#include "base/err.h"
#include "tests/unit/index_bed.h"

