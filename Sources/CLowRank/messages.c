#include "CMessages.h"
#include "lowrank.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local char message[1024];

void CMessagesSet(const char *utf8, size_t bytes) {
  if (bytes >= sizeof message) {
    bytes = sizeof message - 1;
    // Back to the beginning of a character.
    while (bytes > 0 && ((unsigned char)utf8[bytes] & 0xC0) == 0x80) --bytes;
  }
  memcpy(message, utf8, bytes);
  message[bytes] = 0;
}

const char *lowrank_last_error(void) { return message; }

bool CMessagesCanAllocate(size_t bytes) {
  // Volatile: a compiler may take out an allocation that it sees freed.
  void *volatile probe = malloc(bytes);
  const bool can = probe != NULL;
  free(probe);
  return can;
}

const char *lowrank_status_name(lowrank_status status) {
  switch (status) {
    case LOWRANK_OK: return "LOWRANK_OK";
    case LOWRANK_NULL_ARGUMENT: return "LOWRANK_NULL_ARGUMENT";
    case LOWRANK_INVALID_ARGUMENT: return "LOWRANK_INVALID_ARGUMENT";
    case LOWRANK_SIZE_MISMATCH: return "LOWRANK_SIZE_MISMATCH";
    case LOWRANK_MISALIGNED: return "LOWRANK_MISALIGNED";
    case LOWRANK_OVERLAP: return "LOWRANK_OVERLAP";
    case LOWRANK_BAD_HANDLE: return "LOWRANK_BAD_HANDLE";
    case LOWRANK_TOO_LARGE: return "LOWRANK_TOO_LARGE";
    case LOWRANK_NOT_FINITE: return "LOWRANK_NOT_FINITE";
    case LOWRANK_RANK_OUT_OF_RANGE: return "LOWRANK_RANK_OUT_OF_RANGE";
    case LOWRANK_UNSUITABLE: return "LOWRANK_UNSUITABLE";
    case LOWRANK_NOT_COMPUTED: return "LOWRANK_NOT_COMPUTED";
    case LOWRANK_BAD_GEOMETRY: return "LOWRANK_BAD_GEOMETRY";
    case LOWRANK_BAD_FILE: return "LOWRANK_BAD_FILE";
    case LOWRANK_INTERNAL: return "LOWRANK_INTERNAL";
    case LOWRANK_UNSUPPORTED: return "LOWRANK_UNSUPPORTED";
  }
  return "unknown status";
}
