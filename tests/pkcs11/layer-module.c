/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PKCS#11 module for tests, layered over a real one, so that signatures
 * are real: it passes calls on to the module in $P11_LAYER_OVER, but for
 * what the script in $P11_LAYER_SCRIPT says. The script is looked at before
 * each call, by every process: put a new one in its place (rename) and it is
 * in force at once, with its counts at 0. Lines of the script:
 *
 *   call NAME KEY=VALUE …   what a call does instead: see call-script.h. It
 *                           is counted over all processes together
 *   token LABEL KEY=VALUE … the token below that has this label
 *     absent=1              is not there: calls answer TOKEN_NOT_PRESENT,
 *                           in its sessions `gone`
 *     epoch=N               sessions from under another number are dead, and
 *                           their login gone, as when it was pulled out and
 *                           put back in
 *     gone=RV               what calls in dead sessions answer, by number;
 *                           without it CKR_SESSION_HANDLE_INVALID
 *     slot=N                has this slot id
 *     label= serial= model= manufacturer= reader=
 *                           says so of itself (no spaces; reader is the
 *                           slot's description)
 *     set=FLAGS clear=FLAGS CK_TOKEN_INFO's flags, e.g. 0x20000 FINAL_TRY
 *     slot-set= slot-clear= CK_SLOT_INFO's flags; 6 makes it a card
 *     hide=1                shows no object before a login
 *
 *   module KEY=VALUE …      what the module is like, read when a process loads
 *                           it: see module-habits.h
 *
 * Two `token` lines with one LABEL show that token twice, so they want a
 * `slot` each. A token without a line shows as it is.
 *
 * $P11_LAYER_LOG gets two lines a call, "> PID NAME DETAIL" when it begins
 * and "< PID NAME DETAIL RV" when it has ended. DETAIL is a number: the slot,
 * the mechanism, the attribute's type; of C_Login the user's type, and the
 * first line has the PIN behind it (these are tests).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/pkcs11/layer.h"
#include "tests/pkcs11/module-habits.h"

/* The one state of a module, as in real ones. */
static struct layer layer = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .log = -1};

static void
lock(void)
{
	pthread_mutex_lock(&layer.mutex);
}

static void
unlock(void)
{
	pthread_mutex_unlock(&layer.mutex);
}

/*
 * Log that a call begins, and do what the script wants before it. CKR_OK:
 * the call below is to be made.
 */
static CK_RV
begin(struct scripted_call *c, const char *name, unsigned long detail,
    const char *words)
{
	bool scripted;

	*c = (struct scripted_call){.rv = CKR_OK};
	lock();
	layer_log(&layer, "> %ld %s %lu%s\n", (long)getpid(), name, detail,
	    words);
	if (layer_read(&layer))
		layer_sessions_bury(&layer);
	scripted = call_script_next(&layer.script.calls, name, detail, c);
	unlock();
	if (!scripted)
		return CKR_OK;
	scripted_call_run(c);
	return c->after ? CKR_OK : c->rv;
}

static CK_RV
end(const struct scripted_call *c, const char *name, unsigned long detail,
    CK_RV rv)
{
	if (c->after && c->rv != CKR_OK)
		rv = c->rv;
	lock();
	layer_log(&layer, "< %ld %s %lu %#lx\n", (long)getpid(), name, detail,
	    rv);
	unlock();
	return rv;
}

static CK_RV
find_slot(CK_SLOT_ID id, struct layer_slot *ret)
{
	CK_RV rv;

	lock();
	rv = layer_slot_find(&layer, id, ret);
	unlock();
	return rv;
}

static CK_RV
check_session(CK_SESSION_HANDLE h)
{
	CK_RV rv;

	lock();
	rv = layer_session_check(&layer, h);
	unlock();
	return rv;
}

/* A call in a session, and one of a slot. */
#define IN_SESSION(name, detail, h, call)                             \
	do {                                                          \
		struct scripted_call c;                               \
		CK_RV rv = begin(&c, #name, (detail), "");            \
                                                                      \
		if (rv == CKR_OK && (rv = check_session(h)) == CKR_OK) \
			rv = layer.below->name call;                  \
		return end(&c, #name, (detail), rv);                  \
	} while (0)
#define OF_SLOT(name, detail, id, call)                               \
	do {                                                          \
		struct scripted_call c;                               \
		struct layer_slot slot;                               \
		CK_RV rv = begin(&c, #name, (detail), "");            \
                                                                      \
		if (rv == CKR_OK && (rv = find_slot((id), &slot)) ==  \
		    CKR_OK)                                           \
			rv = layer.below->name call;                  \
		return end(&c, #name, (detail), rv);                  \
	} while (0)

/* Load the module below, once. */
static CK_RV
load_below(void)
{
	const char *path = getenv("P11_LAYER_OVER");
	const char *log = getenv("P11_LAYER_LOG");
	CK_C_GetFunctionList get;
	void *lib;

	if (layer.below != NULL)
		return CKR_OK;
	if (log != NULL)
		layer.log = open(log, O_WRONLY | O_APPEND | O_CREAT |
		    O_CLOEXEC, 0600);
	if (path == NULL || (lib = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return CKR_LIBRARY_LOAD_FAILED;
	*(void **)&get = dlsym(lib, "C_GetFunctionList");
	return get == NULL ? CKR_LIBRARY_LOAD_FAILED : get(&layer.below);
}

static CK_RV
layer_Initialize(void *args)
{
	unsigned long locking = habits_locking(args);
	struct scripted_call c;
	CK_RV rv = load_below();

	if (rv != CKR_OK)
		return rv;
	if ((rv = begin(&c, "C_Initialize", locking, "")) == CKR_OK &&
	    (rv = layer.below->C_Initialize(args)) == CKR_OK) {
		lock();
		layer_find_slots(&layer);
		unlock();
	}
	return end(&c, "C_Initialize", locking, rv);
}

static CK_RV
layer_Finalize(void *reserved)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_Finalize", 0, "");

	if (rv == CKR_OK)
		rv = layer.below->C_Finalize(reserved);
	return end(&c, "C_Finalize", 0, rv);
}

static CK_RV
layer_GetInfo(CK_INFO *info)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_GetInfo", 0, "");

	if (rv == CKR_OK)
		rv = layer.below->C_GetInfo(info);
	return end(&c, "C_GetInfo", 0, rv);
}

static CK_RV
list_slots(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	struct layer_slot all[LAYER_SLOTS_MAX];
	CK_ULONG room = *n, found = 0;
	size_t shown;

	lock();
	shown = layer_slots(&layer, all);
	for (size_t i = 0; i < shown; i++) {
		if (present && all[i].token.absent)
			continue;
		if (list != NULL && found < room)
			list[found] = all[i].id;
		found++;
	}
	unlock();
	*n = found;
	return list != NULL && found > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static CK_RV
layer_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_GetSlotList", list != NULL, "");

	if (rv == CKR_OK)
		rv = list_slots(present, list, n);
	return end(&c, "C_GetSlotList", list != NULL, rv);
}

/* A line's text in place of the token's own, padded. */
static void
put_text(unsigned char *out, size_t size, const char *text)
{
	if (text[0] == '\0')
		return;
	memset(out, ' ', size);
	memcpy(out, text, strlen(text) < size ? strlen(text) : size);
}

static CK_RV
get_slot_info(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	struct layer_slot slot;
	CK_RV found = find_slot(id, &slot), rv;

	if (found == CKR_SLOT_ID_INVALID)
		return found;
	rv = layer.below->C_GetSlotInfo(slot.below, info);
	if (rv != CKR_OK)
		return rv;
	put_text(info->slotDescription, sizeof(info->slotDescription),
	    slot.token.reader);
	info->flags |= slot.token.slot_set;
	info->flags &= ~slot.token.slot_clear;
	if (found != CKR_OK)
		info->flags &= ~CKF_TOKEN_PRESENT;
	return CKR_OK;
}

static CK_RV
layer_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_GetSlotInfo", id, "");

	if (rv == CKR_OK)
		rv = get_slot_info(id, info);
	return end(&c, "C_GetSlotInfo", id, rv);
}

static CK_RV
get_token_info(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	struct layer_slot slot;
	const struct layer_token *t = &slot.token;
	CK_RV rv = find_slot(id, &slot);

	if (rv != CKR_OK)
		return rv;
	rv = layer.below->C_GetTokenInfo(slot.below, info);
	if (rv != CKR_OK)
		return rv;
	put_text(info->label, sizeof(info->label), t->label);
	put_text(info->serialNumber, sizeof(info->serialNumber), t->serial);
	put_text(info->model, sizeof(info->model), t->model);
	put_text(info->manufacturerID, sizeof(info->manufacturerID),
	    t->manufacturer);
	info->flags = (info->flags | t->set) & ~t->clear;
	return CKR_OK;
}

static CK_RV
layer_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_GetTokenInfo", id, "");

	if (rv == CKR_OK)
		rv = get_token_info(id, info);
	return end(&c, "C_GetTokenInfo", id, rv);
}

static CK_RV
layer_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *n)
{
	OF_SLOT(C_GetMechanismList, id, id, (slot.below, list, n));
}

static CK_RV
layer_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type,
    CK_MECHANISM_INFO *info)
{
	OF_SLOT(C_GetMechanismInfo, type, id, (slot.below, type, info));
}

static CK_RV
layer_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *id, void *reserved)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_WaitForSlotEvent", flags, "");

	if (rv == CKR_OK)
		rv = layer.below->C_WaitForSlotEvent(flags, id, reserved);
	return end(&c, "C_WaitForSlotEvent", flags, rv);
}

static CK_RV
open_session(CK_SLOT_ID id, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *ret)
{
	struct layer_slot slot;
	CK_RV rv = find_slot(id, &slot);

	if (rv != CKR_OK || (rv = habits_open_session(flags)) != CKR_OK ||
	    (rv = layer.below->C_OpenSession(slot.below,
	    flags, app, notify, ret)) != CKR_OK)
		return rv;
	lock();
	layer_session_add(&layer, *ret, &slot);
	unlock();
	return CKR_OK;
}

static CK_RV
layer_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *ret)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_OpenSession", id, "");

	if (rv == CKR_OK)
		rv = open_session(id, flags, app, notify, ret);
	return end(&c, "C_OpenSession", id, rv);
}

static CK_RV
close_session(CK_SESSION_HANDLE h)
{
	CK_RV rv = check_session(h);

	lock();
	layer_session_drop(&layer, h);
	unlock();
	return rv == CKR_OK ? layer.below->C_CloseSession(h) : rv;
}

static CK_RV
layer_CloseSession(CK_SESSION_HANDLE h)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_CloseSession", h, "");

	if (rv == CKR_OK)
		rv = close_session(h);
	return end(&c, "C_CloseSession", h, rv);
}

static CK_RV
layer_CloseAllSessions(CK_SLOT_ID id)
{
	OF_SLOT(C_CloseAllSessions, id, id, (slot.below));
}

static CK_RV
layer_GetSessionInfo(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
	IN_SESSION(C_GetSessionInfo, h, h, (h, info));
}

static CK_RV
layer_Login(CK_SESSION_HANDLE h, CK_USER_TYPE user, unsigned char *pin,
    CK_ULONG len)
{
	struct scripted_call c;
	char words[64];
	CK_RV rv;

	snprintf(words, sizeof(words), " %.*s", (int)len,
	    pin == NULL ? "" : (const char *)pin);
	if ((rv = begin(&c, "C_Login", user, words)) == CKR_OK &&
	    (rv = check_session(h)) == CKR_OK)
		rv = layer.below->C_Login(h, user, pin, len);
	return end(&c, "C_Login", user, rv);
}

static CK_RV
layer_Logout(CK_SESSION_HANDLE h)
{
	IN_SESSION(C_Logout, h, h, (h));
}

static CK_RV
layer_GetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE *list, CK_ULONG n)
{
	IN_SESSION(C_GetAttributeValue, list->type, h, (h, object, list, n));
}

static CK_RV
layer_FindObjectsInit(CK_SESSION_HANDLE h, CK_ATTRIBUTE *list, CK_ULONG n)
{
	IN_SESSION(C_FindObjectsInit, n, h, (h, list, n));
}

/* Does its token show nothing, for want of a login? */
static bool
is_hidden(CK_SESSION_HANDLE h)
{
	CK_SESSION_INFO info;
	bool hide;

	lock();
	hide = layer_session_hides(&layer, h);
	unlock();
	return hide && layer.below->C_GetSessionInfo(h, &info) == CKR_OK &&
	    info.state != CKS_RO_USER_FUNCTIONS &&
	    info.state != CKS_RW_USER_FUNCTIONS;
}

static CK_RV
layer_FindObjects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *ret, CK_ULONG max,
    CK_ULONG *n)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_FindObjects", max, "");

	if (rv == CKR_OK && (rv = check_session(h)) == CKR_OK) {
		rv = layer.below->C_FindObjects(h, ret, max, n);
		if (rv == CKR_OK && is_hidden(h))
			*n = 0;
	}
	return end(&c, "C_FindObjects", max, rv);
}

static CK_RV
layer_FindObjectsFinal(CK_SESSION_HANDLE h)
{
	IN_SESSION(C_FindObjectsFinal, h, h, (h));
}

static CK_RV
layer_SignInit(CK_SESSION_HANDLE h, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE object)
{
	IN_SESSION(C_SignInit, mechanism->mechanism, h,
	    (h, mechanism, object));
}

static CK_RV
layer_Sign(CK_SESSION_HANDLE h, unsigned char *data, CK_ULONG len,
    unsigned char *signature, CK_ULONG *signature_len)
{
	struct scripted_call c;
	CK_RV rv = begin(&c, "C_Sign", len, "");

	if (rv == CKR_OK && (rv = check_session(h)) == CKR_OK)
		rv = layer.below->C_Sign(h, data, len, signature,
		    signature_len);
	if (rv == CKR_OK && c.wrong)
		signature[*signature_len / 2] ^= 1;
	return end(&c, "C_Sign", len, rv);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	static CK_FUNCTION_LIST list = {
		.version = {2, 40},
		.C_Initialize = layer_Initialize,
		.C_Finalize = layer_Finalize,
		.C_GetInfo = layer_GetInfo,
		.C_GetFunctionList = C_GetFunctionList,
		.C_GetSlotList = layer_GetSlotList,
		.C_GetSlotInfo = layer_GetSlotInfo,
		.C_GetTokenInfo = layer_GetTokenInfo,
		.C_GetMechanismList = layer_GetMechanismList,
		.C_GetMechanismInfo = layer_GetMechanismInfo,
		.C_WaitForSlotEvent = layer_WaitForSlotEvent,
		.C_OpenSession = layer_OpenSession,
		.C_CloseSession = layer_CloseSession,
		.C_CloseAllSessions = layer_CloseAllSessions,
		.C_GetSessionInfo = layer_GetSessionInfo,
		.C_Login = layer_Login,
		.C_Logout = layer_Logout,
		.C_GetAttributeValue = layer_GetAttributeValue,
		.C_FindObjectsInit = layer_FindObjectsInit,
		.C_FindObjects = layer_FindObjects,
		.C_FindObjectsFinal = layer_FindObjectsFinal,
		.C_SignInit = layer_SignInit,
		.C_Sign = layer_Sign,
	};

	habits_read(getenv("P11_LAYER_SCRIPT"), &list);
	*ret = &list;
	return CKR_OK;
}
