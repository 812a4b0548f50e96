/* SPDX-License-Identifier: BSD-2-Clause */
/* What `p11-agentctl status` and `keys` show, as JSON. */
#ifndef P11_AGENT_AGENT_REPORT_H
#define P11_AGENT_AGENT_REPORT_H

#include <jansson.h>

#include "agent/agent.h"

/* New references for the caller; NULL when memory is out. */
json_t *report_status(const struct agent *agent);
json_t *report_keys(const struct agent *agent);

/* The text made printable, as jansson takes valid UTF-8 alone; NULL: null. */
json_t *string_json(const char *s);

#endif
