#include "hostile.h"

#include <math.h>
#include <string.h>

static _Thread_local uint64_t state = 1;
static _Thread_local bool sound_call;

void chance_seed(uint64_t seed) { state = seed * 0x9e3779b97f4a7c15u + 1; }

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t bits(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint32_t chance(uint32_t n) { return (uint32_t)((bits() >> 32) * n >> 32); }

void chance_begin_call(void) { sound_call = chance(8) == 0; }

bool hostile(void) { return !sound_call && chance(5) == 0; }

int64_t hostile_integer(void) {
  static const int64_t numbers[] = {
      0, -1, 1, 2, 7, 8, 9, 64, 65, 1023, 16385, 1 << 20, 1 << 24, (1 << 24) + 1, INT32_MAX - 1, INT32_MAX,
      INT32_MIN, (int64_t)1 << 31, (int64_t)1 << 32, ((int64_t)1 << 32) + 1, (int64_t)1 << 46, (int64_t)1 << 61,
      (int64_t)1 << 62, INT64_MAX, INT64_MAX - 1, INT64_MIN, INT64_MIN + 1, -2, -4096};
  return numbers[chance(sizeof numbers / sizeof *numbers)];
}

int64_t some_integer(int64_t sound) { return hostile() ? hostile_integer() : sound; }

int32_t some_int(int32_t sound) { return hostile() ? (int32_t)hostile_integer() : sound; }

size_t some_count(size_t sound, size_t room) {
  size_t count = sound;
  if (hostile()) {
    const size_t counts[] = {0, 1, sound - 1, sound + 1, sound * 4, SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 4,
                             SIZE_MAX / 8 + 2, (size_t)1 << 40};
    count = counts[chance(sizeof counts / sizeof *counts)];
  }
  return count == sound && sound > room ? sound + 1 : count;
}

void *some_pointer(void *sound) {
  if (!hostile()) return sound;
  return chance(2) ? NULL : (char *)sound + 1 + chance(3);
}

void *some_structure(const void *sound, size_t size) {
  /* Room for the largest size that is looked at: a structure's size is believed. */
  static _Thread_local _Alignas(16) unsigned char rooms[4][4096 + 64];
  static _Thread_local unsigned next;
  unsigned char *room = rooms[next++ % 4];
  memset(room, 0, sizeof *rooms);
  memcpy(room, sound, size);
  size_t given = size;
  if (hostile()) {
    const size_t sizes[] = {0, 1, 4, 8, 12, 16, 72, size - 8, size - 4, size - 1, size + 1, size + 8, size * 2, 4096,
                            4104, (size_t)1 << 40, SIZE_MAX / 2 + 1, SIZE_MAX - 7, SIZE_MAX};
    given = sizes[chance(sizeof sizes / sizeof *sizes)];
    if (chance(4) == 0) room[size + chance(64)] = 1;
  }
  memcpy(room, &given, sizeof given);
  return some_pointer(room);
}

double some_double(double sound) {
  static const double numbers[] = {0, -0.0, -1, 0.5, 1, 2, 1e300, -1e300, 5e-324, INFINITY, -INFINITY, NAN};
  return hostile() ? numbers[chance(sizeof numbers / sizeof *numbers)] : sound;
}
