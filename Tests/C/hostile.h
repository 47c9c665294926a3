/*
 * What the hostile-arguments test is made of: every function of lowrank.h is called with null, negative, huge, aliased,
 * misaligned and sound arguments, mixed at random. A call must answer with a status, say why where that is not
 * LOWRANK_OK, and leave its result and everything behind its buffers alone.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <lowrank.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ------------------------------------------------------------------------------ chance (hostile_chance.c) */

/* Seeds the calling thread's numbers. */
void chance_seed(uint64_t seed);
/* A number from 0 to n - 1. */
uint32_t chance(uint32_t n);
/* Begins the arguments of a call: one in eight is wholly sound, the others have a hostile argument now and then. */
void chance_begin_call(void);
/* Whether the next argument is to be hostile. */
bool hostile(void);

/* A number that no extent should be, or one that is merely odd. */
int64_t hostile_integer(void);
/* A sound number, `sound`, or a hostile one. */
int64_t some_integer(int64_t sound);
int32_t some_int(int32_t sound);
/* A count of elements: `sound`, or a wrong one; never one that is right where the buffer is smaller than that. */
size_t some_count(size_t sound, size_t room);
/* The pointer itself, null, or one that is misaligned. */
void *some_pointer(void *sound);
/* A copy of a structure of `size` bytes, with its size or another one in front and zeros or rubbish behind. */
void *some_structure(const void *sound, size_t size);
/* A kernel's extents, mostly small ones, and their product; returns the order. */
int32_t some_shape(int64_t shape[16], size_t *count);
/* A double out of the ordinary or not. */
double some_double(double sound);

/* ----------------------------------------------------------------------------- memory (hostile_memory.c) */

enum { ROOM_BYTES = 1 << 18, BUFFERS = 6 };

/* Makes the calling thread's buffers, each with a guard on both sides, and frees them again. */
void memory_make(void);
void memory_free(void);
/* Buffer `index` of ROOM_BYTES bytes, on a boundary of 64. */
void *memory_buffer(int index);
/* One of the buffers, most often `index` itself: where hostile, perhaps another, so that arguments are aliased. */
void *some_buffer(int index);
/* Ends the program where anything was written outside of the buffers. */
void memory_check(const char *function);

/* ----------------------------------------------------------------------------- handles (hostile_memory.c) */

enum { POOL = 24 };
enum kind { DECOMPOSITION, PLAN, REPORT, NETWORK, SESSION, KINDS };

/* A handle of a kind that is alive, or was, or never was one. All threads draw from one pool. */
void *some_handle(enum kind kind);
/* Puts a new handle into a half of the pool, 0 or 1; the one that had its place is destroyed. */
void handle_keep(enum kind kind, void *handle, int half);
/* A handle out of a half of the pool. */
void *handle_of_half(enum kind kind, int half);
/* Destroys all handles of the pool. */
void handles_destroy(void);

/* ------------------------------------------------------------------------------------ judgement (hostile.c) */

/* What every call has to hold to; `result` is where a result would be written, or null. */
void judge(const char *function, lowrank_status status, void *const *result);
/* What a result is before the call. */
#define UNTOUCHED ((void *)(uintptr_t)0x5a5a5a5a)

/* ------------------------------------------------------------------------------- calls (hostile_*_calls.c) */

/* A function of the header with arguments at random. */
struct call {
  const char *name;
  void (*run)(void);
};

extern const struct call decomposition_calls[], plan_calls[], model_calls[], network_calls[];
extern const size_t decomposition_call_count, plan_call_count, model_call_count, network_call_count;

/* The folder of the test models. */
extern const char *models_folder;
/* A model that can be read, in models_folder. */
const char *sound_model(void);
/* An input of the sound model, or something like it, with elements in a room of so many bytes. */
void *some_input(size_t room);

/* One wrong argument at a time, each with the status that it must be answered with (hostile_directed.c). */
void directed_tests(void);
/* The part of it with layouts, activations and chains (hostile_chains.c). */
void chain_tests(void);

/* Counts a directed test and says what was answered wrongly. */
void expect(lowrank_status wanted, lowrank_status got, const char *file, int line, const char *call);
#define EXPECT(STATUS, CALL) expect(LOWRANK_##STATUS, CALL, __FILE__, __LINE__, #CALL)
#define ODD(POINTER) ((void *)((char *)(POINTER) + 1))
/* A geometry over two axes of this extent. */
lowrank_geometry square(int64_t extent);

/* Every structure with the sizes of older, newer and no headers (hostile_structures.c). */
void structure_tests(void);

#endif
