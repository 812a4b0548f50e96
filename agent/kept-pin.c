/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeping a PIN for a while. */
#include "agent/kept-pin.h"

#include <stdlib.h>

#include "agent/clock.h"

struct kept_pin {
	struct secret *pin; /* owned; NULL: none */
	struct life_timer timer;
};

void
kept_pin_wipe(struct kept_pin *k)
{
	life_timer_stop(&k->timer);
	k->pin = secret_free(k->pin);
}

static void
kept_pin_due(void *arg)
{
	kept_pin_wipe(arg);
}

struct kept_pin *
kept_pin_new(struct agent *agent)
{
	struct kept_pin *k = calloc(1, sizeof(*k));

	if (k != NULL)
		life_timer_init(&k->timer, agent->base, kept_pin_due, k);
	return k;
}

struct kept_pin *
kept_pin_free(struct kept_pin *k)
{
	if (k == NULL)
		return NULL;
	kept_pin_wipe(k);
	free(k);
	return NULL;
}

void
kept_pin_put(struct kept_pin *k, const struct secret *pin, uint32_t sec)
{
	kept_pin_wipe(k);
	k->pin = secret_new(secret_bytes(pin));
	if (k->pin != NULL && sec != UINT32_MAX &&
	    !life_timer_start(&k->timer, sec))
		kept_pin_wipe(k);
}

bool
kept_pin_is_there(const struct kept_pin *k)
{
	return k->pin != NULL;
}

bool
kept_pin_is(const struct kept_pin *k, const struct secret *pin)
{
	return k->pin != NULL && secret_equal(k->pin, pin);
}

struct secret *
kept_pin_copy(const struct kept_pin *k)
{
	return k->pin == NULL ? NULL : secret_new(secret_bytes(k->pin));
}
