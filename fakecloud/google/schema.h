/* The tables behind schema_type(). */
#ifndef FAKECLOUD_GOOGLE_SCHEMA_H
#define FAKECLOUD_GOOGLE_SCHEMA_H

struct type {
	const char *name, *fields;
};

extern const struct type schema_drive[];

#endif
