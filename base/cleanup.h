/* Scope-bound release: `_cleanup_(fn) T *x = NULL;` frees x when it leaves its scope.
 * Every destructor of the project takes NULL, so an early return is always safe. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Defines name##p(), what _cleanup_ wants, for a destructor that takes the pointer itself. */
#define DEFINE_CLEANUP(type, name)                                                                           \
	static inline void name##p(type *p)                                                                  \
	{                                                                                                    \
		if (*p)                                                                                      \
			name(*p);                                                                            \
	}

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)

#define _cleanup_free_ _cleanup_(cleanup_freep)
#define _cleanup_close_ _cleanup_(cleanup_closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

/* Hands a pointer or descriptor on, so that the cleanup does not see it any more. */
#define TAKE_PTR(p)                                                                                          \
	({                                                                                                   \
		__auto_type take_tmp = (p);                                                                  \
		(p) = NULL;                                                                                  \
		take_tmp;                                                                                    \
	})
#define TAKE_FD(fd)                                                                                          \
	({                                                                                                   \
		int take_tmp = (fd);                                                                         \
		(fd) = -1;                                                                                   \
		take_tmp;                                                                                    \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
