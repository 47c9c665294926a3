#ifndef LOWRANK_CMESSAGES_H
#define LOWRANK_CMESSAGES_H

// What the Swift side of the C interface needs of C. Not installed, not exported.

#include <stdbool.h>
#include <stddef.h>

/// Keeps a message for the calling thread's `lowrank_last_error`, cut to the room there is, never within a character.
void CMessagesSet(const char *utf8, size_t bytes);

/// Whether malloc can give this many bytes now: Swift ends the process where an allocation fails.
bool CMessagesCanAllocate(size_t bytes);

#endif
