/* SPDX-License-Identifier: BSD-2-Clause */
/* The credentials of a unix socket's peer. */
#include "common/credentials.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef SO_PEERCRED

bool
peer_get(int fd, struct peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
	    len != sizeof(cred))
		return false;
	*ret = (struct peer){.uid = cred.uid, .pid = cred.pid};
	return true;
}

#else

bool
peer_get(int fd, struct peer *ret)
{
	struct peer p = {0};
	gid_t gid;

	if (getpeereid(fd, &p.uid, &gid) != 0)
		return false;
#ifdef LOCAL_PEERPID
	socklen_t len = sizeof(p.pid);

	if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &p.pid, &len) != 0)
		p.pid = 0;
#endif
	*ret = p;
	return true;
}

#endif
