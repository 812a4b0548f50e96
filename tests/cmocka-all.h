/* SPDX-License-Identifier: BSD-2-Clause */
/* What cmocka.h wants to be included before it. */
#ifndef P11_AGENT_TESTS_CMOCKA_ALL_H
#define P11_AGENT_TESTS_CMOCKA_ALL_H

/* clang-format off: the order matters */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
