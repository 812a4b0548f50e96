/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PKCS#11 module for tests: it does what the script in $P11_FAKE_SCRIPT
 * says, and appends each call to $P11_FAKE_LOG. Lines of the script:
 *
 *   slot   KEY=VALUE …      removable=1 hw=1 login=1 pad=1 pin=1234 label=…
 *                           reader=… initialized=0 present=0 sessions=N
 *                           locked=1 low=1 final=1 unset=1 change=1 (what it
 *                           says of its PIN)
 *                           in=1 (logged in from the start)
 *   object KEY=VALUE …      of the last slot; see attribute_names, values in
 *                           hex; private=1 shows it only after a login
 *   call NAME KEY=VALUE …   what a call does instead: see call-script.h
 *   signature BYTES         C_Sign gives so many, and no signature; without
 *                           it one over zeros by the key of P256 (fake-script.h)
 *   events N                that C_WaitForSlotEvent brings before it is none
 *   loose                   a search may begin before the last one's end
 *   module KEY=VALUE …      what it is like: see module-habits.h
 *   lists WORD              C_GetAttributeValue for several: refuse; stop at, or
 *                           void all for one that there is not; else as it should
 *
 * A C_Login with another PIN than the slot's is CKR_PIN_INCORRECT.
 */
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/pkcs11/call-script.h"
#include "tests/pkcs11/module-habits.h"

/* Of the generator. */
#define P256_X \
	"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"

enum {
	SLOTS_MAX = 128,
	OBJECTS_MAX = 512,
	ATTRIBUTES_MAX = 16,
	VALUE_MAX = 1024,
	SESSIONS_MAX = 64,
	SESSION_FIRST = 100,
};

struct attribute {
	CK_ATTRIBUTE_TYPE type;
	uint8_t value[VALUE_MAX];
	size_t len;
};

struct fake_object {
	unsigned slot;
	bool private;
	struct attribute attributes[ATTRIBUTES_MAX];
	size_t n;
};

struct fake_slot {
	unsigned long removable, hw, login, pad, initialized, present,
	    sessions, locked, low, final, unset, change, logged_in;
	char pin[32], label[33], reader[65];
	bool context; /* C_Login(CKU_CONTEXT_SPECIFIC) for the next C_Sign */
};

struct session {
	bool open;
	unsigned slot;
	bool finding, signing;
	size_t find_at;
	CK_OBJECT_CLASS find_class;
	size_t signing_object;
};

/* The one state of a module, as in real ones. */
static struct fake {
	pthread_mutex_t mutex;
	struct fake_slot slots[SLOTS_MAX];
	size_t n_slots;
	struct fake_object objects[OBJECTS_MAX];
	size_t n_objects;
	struct call_script script;
	unsigned met[CALL_SCRIPT_MAX]; /* of the script's lines */
	struct session sessions[SESSIONS_MAX];
	CK_ULONG signature, events;
	char lists[16];
	bool real; /* signatures */
	bool loose; /* a search may begin before the last one's end */
	FILE *log;
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const struct {
	const char *name;
	CK_ATTRIBUTE_TYPE type;
	bool is_ulong; /* decimal, else hex bytes */
} attribute_names[] = {
	{"class", CKA_CLASS, true},
	{"key_type", CKA_KEY_TYPE, true},
	{"certificate_type", CKA_CERTIFICATE_TYPE, true},
	{"id", CKA_ID, false},
	{"label", CKA_LABEL, false},
	{"params", CKA_EC_PARAMS, false},
	{"point", CKA_EC_POINT, false},
	{"modulus", CKA_MODULUS, false},
	{"exponent", CKA_PUBLIC_EXPONENT, false},
	{"info", CKA_PUBLIC_KEY_INFO, false},
	{"value", CKA_VALUE, false},
	{"sign", CKA_SIGN, false},
	{"verify", CKA_VERIFY, false},
	{"always", CKA_ALWAYS_AUTHENTICATE, false},
};

static size_t
unhex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (; hex[0] != '\0' && hex[1] != '\0' && n < size; hex += 2) {
		const char digits[] = {hex[0], hex[1], '\0'};

		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static void
object_set(struct fake_object *o, const char *key, const char *value)
{
	struct attribute *a = &o->attributes[o->n];
	CK_ULONG number = strtoul(value, NULL, 0);

	if (strcmp(key, "private") == 0)
		o->private = number != 0;
	for (size_t i = 0; o->n < ATTRIBUTES_MAX && i <
	    sizeof(attribute_names) / sizeof(attribute_names[0]); i++) {
		if (strcmp(key, attribute_names[i].name) != 0)
			continue;
		a->type = attribute_names[i].type;
		a->len = sizeof(number);
		if (attribute_names[i].is_ulong)
			memcpy(a->value, &number, sizeof(number));
		else
			a->len = unhex(value, a->value, sizeof(a->value));
		o->n++;
		return;
	}
}

static void
slot_set(struct fake_slot *s, const char *key, const char *value)
{
	const struct {
		const char *name;
		unsigned long *to;
	} numbers[] = {
		{"removable", &s->removable}, {"hw", &s->hw},
		{"login", &s->login}, {"pad", &s->pad},
		{"initialized", &s->initialized}, {"present", &s->present},
		{"sessions", &s->sessions}, {"unset", &s->unset},
		{"change", &s->change},
		{"locked", &s->locked}, {"low", &s->low}, {"final", &s->final},
		{"in", &s->logged_in},
	};

	if (strcmp(key, "pin") == 0)
		snprintf(s->pin, sizeof(s->pin), "%s", value);
	if (strcmp(key, "label") == 0)
		snprintf(s->label, sizeof(s->label), "%s", value);
	if (strcmp(key, "reader") == 0)
		snprintf(s->reader, sizeof(s->reader), "%s", value);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(key, numbers[i].name) == 0)
			*numbers[i].to = strtoul(value, NULL, 0);
}

static void
read_line(char *line)
{
	char *save, *word = strtok_r(line, " \n", &save);
	struct fake_slot *s = NULL;
	struct fake_object *o = NULL;

	if (word == NULL)
		return;
	if (strcmp(word, "slot") == 0 && fake.n_slots < SLOTS_MAX) {
		s = &fake.slots[fake.n_slots++];
		*s = (struct fake_slot){.present = 1, .initialized = 1,
		    .pin = "1234", .label = "fake"};
	} else if (strcmp(word, "object") == 0 &&
	    fake.n_objects < OBJECTS_MAX) {
		o = &fake.objects[fake.n_objects++];
		o->slot = (unsigned)fake.n_slots - 1;
	} else if (strcmp(word, "call") == 0) {
		call_script_add(&fake.script, &save);
	} else if (strcmp(word, "signature") == 0) {
		fake.signature = strtoul(strtok_r(NULL, " \n", &save), NULL, 0);
		fake.real = false;
	} else if (strcmp(word, "loose") == 0) {
		fake.loose = true;
	} else if (strcmp(word, "lists") == 0)
		snprintf(fake.lists, sizeof(fake.lists), "%s",
		    strtok_r(NULL, " \n", &save));
	else if (strcmp(word, "events") == 0)
		fake.events = strtoul(strtok_r(NULL, " \n", &save), NULL, 0);
	while ((word = strtok_r(NULL, " \n", &save)) != NULL) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		if (s != NULL)
			slot_set(s, word, value);
		if (o != NULL)
			object_set(o, word, value);
	}
}

static void
read_script(void)
{
	const char *path = getenv("P11_FAKE_SCRIPT");
	const char *log = getenv("P11_FAKE_LOG");
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	/* First: what is in a new log was told by the new script. */
	if (log != NULL && (fake.log = fopen(log, "a")) != NULL)
		setvbuf(fake.log, NULL, _IOLBF, 0);
	fake.real = true;
	fake.script.met = fake.met;
	f = path == NULL ? NULL : fopen(path, "r");
	while (f != NULL && getline(&line, &size, f) > 0)
		read_line(line);
	free(line);
	if (f != NULL)
		fclose(f);
}

/* Write the call down; what the script wants it to answer. */
static CK_RV
called(const char *name, unsigned long detail)
{
	struct scripted_call c;
	bool scripted;

	habits_lock();
	pthread_mutex_lock(&fake.mutex);
	if (fake.log != NULL)
		fprintf(fake.log, "%s %lu\n", name, detail);
	scripted = call_script_next(&fake.script, name, detail, &c);
	pthread_mutex_unlock(&fake.mutex);
	if (!scripted || !c.keep)
		habits_unlock();
	if (!scripted)
		return CKR_OK;
	scripted_call_run(&c);
	return c.rv;
}

#define CALLED(name, detail)                                \
	do {                                                \
		CK_RV called_rv = called((name), (detail)); \
		if (called_rv != CKR_OK)                    \
			return called_rv;                   \
	} while (0)

static struct session *
session_of(CK_SESSION_HANDLE h)
{
	struct session *s;

	if (h < SESSION_FIRST || h >= SESSION_FIRST + SESSIONS_MAX)
		return NULL;
	s = &fake.sessions[h - SESSION_FIRST];
	return s->open ? s : NULL;
}

static CK_RV
fake_Initialize(void *args)
{
	const CK_C_INITIALIZE_ARGS *a = args;
	const char *reserved = a == NULL ? NULL : a->pReserved;
	char folder[1024] = "";

	read_script();
	if (reserved != NULL && fake.log != NULL)
		fprintf(fake.log, "reserved %s\n", reserved);
	if (getcwd(folder, sizeof(folder)) != NULL && fake.log != NULL)
		fprintf(fake.log, "folder %s\ncache %s\n", folder,
		    getenv("XDG_CACHE_HOME"));
	CALLED("C_Initialize", habits_locking(args));
	habits_initialized(args);
	return CKR_OK;
}

static CK_RV
fake_Finalize(void *reserved)
{
	(void)reserved;
	return called("C_Finalize", 0);
}

static void
pad(unsigned char *out, size_t size, const char *text)
{
	memset(out, ' ', size);
	memcpy(out, text, strlen(text) < size ? strlen(text) : size);
}

static CK_RV
fake_GetInfo(CK_INFO *info)
{
	memset(info, 0, sizeof(*info));
	pad(info->libraryDescription, sizeof(info->libraryDescription),
	    "fake module");
	pad(info->manufacturerID, sizeof(info->manufacturerID), "tests");
	return called("C_GetInfo", 0);
}

static CK_RV
fake_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	CK_ULONG room = *n, found = 0;

	CALLED("C_GetSlotList", list != NULL);
	for (size_t i = 0; i < fake.n_slots; i++) {
		if (present && !fake.slots[i].present)
			continue;
		if (list != NULL && found < room)
			list[found] = i;
		found++;
	}
	*n = found;
	return list != NULL && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static CK_RV
fake_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	char text[65];

	CALLED("C_GetSlotInfo", slot);
	if (slot >= fake.n_slots)
		return CKR_SLOT_ID_INVALID;
	memset(info, 0, sizeof(*info));
	snprintf(text, sizeof(text), "Fake reader %lu", slot);
	if (fake.slots[slot].reader[0] != '\0')
		memcpy(text, fake.slots[slot].reader, sizeof(text));
	pad(info->slotDescription, sizeof(info->slotDescription), text);
	info->flags = CKF_TOKEN_PRESENT |
	    (fake.slots[slot].removable ? CKF_REMOVABLE_DEVICE : 0) |
	    (fake.slots[slot].hw ? CKF_HW_SLOT : 0);
	return CKR_OK;
}

static CK_RV
fake_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const struct fake_slot *s = &fake.slots[slot];

	CALLED("C_GetTokenInfo", slot);
	if (slot >= fake.n_slots)
		return CKR_SLOT_ID_INVALID;
	memset(info, 0, sizeof(*info));
	pad(info->label, sizeof(info->label), s->label);
	pad(info->manufacturerID, sizeof(info->manufacturerID), "tests");
	pad(info->model, sizeof(info->model), "fake");
	pad(info->serialNumber, sizeof(info->serialNumber), "0001");
	info->flags = (s->unset ? 0 : CKF_USER_PIN_INITIALIZED) |
	    (s->login ? CKF_LOGIN_REQUIRED : 0) |
	    (s->pad ? CKF_PROTECTED_AUTHENTICATION_PATH : 0) |
	    (s->locked ? CKF_USER_PIN_LOCKED : 0) |
	    (s->low ? CKF_USER_PIN_COUNT_LOW : 0) |
	    (s->final ? CKF_USER_PIN_FINAL_TRY : 0) |
	    (s->change ? CKF_USER_PIN_TO_BE_CHANGED : 0) |
	    (s->initialized ? CKF_TOKEN_INITIALIZED : 0);
	info->ulMaxSessionCount = s->sessions;
	info->ulMinPinLen = 4;
	info->ulMaxPinLen = 8;
	return CKR_OK;
}

static CK_RV
fake_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *ret)
{
	CK_RV rv = habits_open_session(flags);

	(void)app;
	(void)notify;
	CALLED("C_OpenSession", slot);
	if (rv != CKR_OK)
		return rv;
	rv = CKR_SESSION_COUNT;
	if (slot >= fake.n_slots)
		return CKR_SLOT_ID_INVALID;
	pthread_mutex_lock(&fake.mutex);
	for (size_t i = 0; i < SESSIONS_MAX && rv != CKR_OK; i++) {
		if (fake.sessions[i].open)
			continue;
		fake.sessions[i] = (struct session){.open = true,
		    .slot = (unsigned)slot};
		*ret = SESSION_FIRST + i;
		rv = CKR_OK;
	}
	pthread_mutex_unlock(&fake.mutex);
	return rv;
}

static CK_RV
fake_CloseSession(CK_SESSION_HANDLE h)
{
	struct session *s = session_of(h);
	bool last = true;

	CALLED("C_CloseSession", h);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	pthread_mutex_lock(&fake.mutex);
	s->open = false;
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (fake.sessions[i].open && fake.sessions[i].slot == s->slot)
			last = false;
	if (last)
		fake.slots[s->slot].logged_in = false;
	pthread_mutex_unlock(&fake.mutex);
	return CKR_OK;
}

static CK_RV
fake_Login(CK_SESSION_HANDLE h, CK_USER_TYPE user, unsigned char *pin,
    CK_ULONG len)
{
	struct session *s = session_of(h);
	struct fake_slot *slot;

	CALLED("C_Login", user);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	slot = &fake.slots[s->slot];
	if (user == CKU_USER && slot->logged_in)
		return CKR_USER_ALREADY_LOGGED_IN;
	if (user == CKU_CONTEXT_SPECIFIC && !s->signing)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (pin == NULL ? !slot->pad : len != strlen(slot->pin) ||
	    memcmp(pin, slot->pin, len) != 0)
		return CKR_PIN_INCORRECT;
	if (user == CKU_USER)
		slot->logged_in = true;
	else
		slot->context = true;
	return CKR_OK;
}

static const struct attribute *
attribute_of(const struct fake_object *o, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->attributes[i].type == type)
			return &o->attributes[i];
	return NULL;
}

static CK_RV
get_attribute(const struct fake_object *o, CK_ATTRIBUTE *to)
{
	const struct attribute *a = attribute_of(o, to->type);

	if (a == NULL || (to->pValue != NULL && to->ulValueLen < a->len)) {
		to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return a == NULL ? CKR_ATTRIBUTE_TYPE_INVALID :
		    CKR_BUFFER_TOO_SMALL;
	}
	if (to->pValue != NULL)
		memcpy(to->pValue, a->value, a->len);
	to->ulValueLen = a->len;
	return CKR_OK;
}

static CK_RV
fake_GetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE *list, CK_ULONG n)
{
	CK_RV rv = CKR_OK;

	CALLED("C_GetAttributeValue", list->type);
	if (session_of(h) == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (object == 0 || object > fake.n_objects)
		return CKR_OBJECT_HANDLE_INVALID;
	if (n != 1 && strcmp(fake.lists, "refuse") == 0)
		return CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_RV one = get_attribute(&fake.objects[object - 1], &list[i]);

		if (one != CKR_OK && strcmp(fake.lists, "stop") == 0)
			return one;
		if (one != CKR_OK)
			rv = one;
	}
	if (rv != CKR_OK && strcmp(fake.lists, "void") == 0)
		for (CK_ULONG i = 0; i < n; i++)
			list[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
	return rv;
}

static CK_RV
fake_FindObjectsInit(CK_SESSION_HANDLE h, CK_ATTRIBUTE *list, CK_ULONG n)
{
	struct session *s = session_of(h);

	CALLED("C_FindObjectsInit", n);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (s->finding && !fake.loose)
		return CKR_OPERATION_ACTIVE;
	/* As YubiHSM 2: attributes it does not know find nothing. */
	s->find_class = CK_UNAVAILABLE_INFORMATION;
	if (n == 1 && list->type == CKA_CLASS)
		memcpy(&s->find_class, list->pValue, sizeof(s->find_class));
	s->finding = true;
	s->find_at = 0;
	return CKR_OK;
}

static bool
object_shows(const struct fake_object *o, const struct session *s)
{
	const struct attribute *class = attribute_of(o, CKA_CLASS);
	const struct fake_slot *slot = &fake.slots[s->slot];

	return o->slot == s->slot && class != NULL &&
	    memcmp(class->value, &s->find_class, class->len) == 0 &&
	    (!o->private || !slot->login || slot->logged_in);
}

static CK_RV
fake_FindObjects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *ret, CK_ULONG max,
    CK_ULONG *n)
{
	struct session *s = session_of(h);

	CALLED("C_FindObjects", max);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (!s->finding)
		return CKR_OPERATION_NOT_INITIALIZED;
	*n = 0;
	for (; s->find_at < fake.n_objects && *n < max; s->find_at++)
		if (object_shows(&fake.objects[s->find_at], s))
			ret[(*n)++] = s->find_at + 1;
	return CKR_OK;
}

static CK_RV
fake_FindObjectsFinal(CK_SESSION_HANDLE h)
{
	struct session *s = session_of(h);

	CALLED("C_FindObjectsFinal", h);
	if (s != NULL)
		s->finding = false;
	return s == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

static bool
wants_context(const struct fake_object *o)
{
	const struct attribute *a = attribute_of(o, CKA_ALWAYS_AUTHENTICATE);

	return a != NULL && a->value[0] != 0;
}

static CK_RV
fake_SignInit(CK_SESSION_HANDLE h, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE object)
{
	struct session *s = session_of(h);

	CALLED("C_SignInit", mechanism->mechanism);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (object == 0 || object > fake.n_objects)
		return CKR_KEY_HANDLE_INVALID;
	if (s->signing)
		return CKR_OPERATION_ACTIVE;
	if (!object_shows(&fake.objects[object - 1],
	    &(struct session){.slot = s->slot,
	    .find_class = CKO_PRIVATE_KEY}))
		return CKR_USER_NOT_LOGGED_IN;
	fake.slots[s->slot].context = false;
	s->signing = true;
	s->signing_object = object - 1;
	return CKR_OK;
}

static CK_RV
fake_Sign(CK_SESSION_HANDLE h, unsigned char *data, CK_ULONG len,
    unsigned char *signature, CK_ULONG *signature_len)
{
	struct session *s = session_of(h);
	bool was_signing;

	(void)data;
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	was_signing = s->signing;
	s->signing = false;
	CALLED("C_Sign", len);
	if (!was_signing)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (wants_context(&fake.objects[s->signing_object]) &&
	    !fake.slots[s->slot].context)
		return CKR_USER_NOT_LOGGED_IN;
	fake.slots[s->slot].context = false;
	if (*signature_len < fake.signature || *signature_len < 64)
		return CKR_BUFFER_TOO_SMALL;
	memset(signature, 0x5a, fake.signature);
	*signature_len = fake.signature;
	if (!fake.real)
		return CKR_OK;
	/*
	 * FIPS 186-4 section 6.4 with private key 1, nonce 1 and hash 0: r is
	 * the generator's x, and so is s.
	 */
	unhex(P256_X P256_X, signature, 64);
	*signature_len = 64;
	return CKR_OK;
}

static CK_RV
fake_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
	(void)slot;
	(void)reserved;
	CALLED("C_WaitForSlotEvent", flags);
	return fake.events == 0 ? CKR_FUNCTION_NOT_SUPPORTED :
	    (fake.events--, CKR_OK);
}

/* Nobody here should need it; the log tells who did. */
static CK_RV
fake_unneeded(CK_ULONG slot_or_session)
{
	CALLED("C_CloseAllSessions or C_Logout", slot_or_session);
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV
fake_GetSessionInfo(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
	const struct session *s = session_of(h);

	CALLED("C_GetSessionInfo", h);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	*info = (CK_SESSION_INFO){
		.slotID = s->slot,
		.state = fake.slots[s->slot].logged_in ?
		    CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION,
		.flags = CKF_SERIAL_SESSION,
	};
	return CKR_OK;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	static CK_FUNCTION_LIST list = {
		.version = {2, 40},
		.C_Initialize = fake_Initialize,
		.C_Finalize = fake_Finalize,
		.C_GetInfo = fake_GetInfo,
		.C_GetFunctionList = C_GetFunctionList,
		.C_GetSlotList = fake_GetSlotList,
		.C_GetSlotInfo = fake_GetSlotInfo,
		.C_GetTokenInfo = fake_GetTokenInfo,
		.C_WaitForSlotEvent = fake_WaitForSlotEvent,
		.C_OpenSession = fake_OpenSession,
		.C_CloseSession = fake_CloseSession,
		.C_CloseAllSessions = fake_unneeded,
		.C_GetSessionInfo = fake_GetSessionInfo,
		.C_Login = fake_Login,
		.C_Logout = fake_unneeded,
		.C_GetAttributeValue = fake_GetAttributeValue,
		.C_FindObjectsInit = fake_FindObjectsInit,
		.C_FindObjects = fake_FindObjects,
		.C_FindObjectsFinal = fake_FindObjectsFinal,
		.C_SignInit = fake_SignInit,
		.C_Sign = fake_Sign,
	};

	habits_read(getenv("P11_FAKE_SCRIPT"), &list);
	*ret = &list;
	return CKR_OK;
}
