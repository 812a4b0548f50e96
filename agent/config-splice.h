/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside p11-agent-config: where a section stands in a text, byte by byte. */
#ifndef P11_AGENT_AGENT_CONFIG_SPLICE_H
#define P11_AGENT_AGENT_CONFIG_SPLICE_H

#include "agent/config-scan.h"

/*
 * The bytes from *ret_begin up to *ret_end (whole lines) of the section that
 * begins on `line`. False when something else stands on its lines, too.
 */
bool config_splice_find(const struct config_scan *scan, uint32_t line,
    size_t *ret_begin, size_t *ret_end);

#endif
