/* SPDX-License-Identifier: BSD-2-Clause */
/* What each fuzz target includes. */
#ifndef P11_AGENT_TESTS_FUZZ_FUZZ_H
#define P11_AGENT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Run the parser on one input; returns 0. libFuzzer's or replay.c's main calls
 * it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/*
 * What must hold for every input. Not assert(): it stays whatever NDEBUG says,
 * and a fuzzer keeps the input of an abort().
 */
#define FUZZ_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, \
			    __LINE__, #condition);                             \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
