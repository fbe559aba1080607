/* Looking at what is masked, and who looked. */
#pragma once

#include "common/tkskctl/ctl.h"

/* Puts --full and --reason TEXT into `args`. --full without a reason is a usage error. */
NODISCARD enum exit_code audit_ask(struct ctl *ctl, json_t *args);
