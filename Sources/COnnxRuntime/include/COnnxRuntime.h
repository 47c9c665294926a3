#pragma once

#include <stddef.h>
#include <stdint.h>

// ONNX Runtime's C library, where it is installed: found when it is asked for, not when this is built. What is declared
// here of its interface is what this package calls; its functions stand in a table whose order never changes.

enum { CONNXRUNTIME_MESSAGE_SIZE = 512 };

/// A library that is loaded, with its environment.
typedef struct connxruntime_library connxruntime_library;
/// A network that runs in it, with its inputs.
typedef struct connxruntime_network connxruntime_network;

/// Loads the library at `path`, or the one that the loader finds for NULL. Returns NULL with what is wrong in `message`,
/// which has room for CONNXRUNTIME_MESSAGE_SIZE bytes, as in all functions here. It stays loaded until the process ends.
connxruntime_library *connxruntime_load(const char *path, char *message);

/// The library's version: `1.20.1`.
const char *connxruntime_version(const connxruntime_library *library);

/// Reads the model at `path`, to run on `threads` threads. Returns NULL with what is wrong in `message`.
connxruntime_network *connxruntime_open(
    connxruntime_library *library, const char *path, int threads, char *message);

/// Gives the network an input of ONNX's element type `type`, with a copy of `count` bytes of data. Returns 0, or another
/// number with what is wrong in `message`.
int connxruntime_set_input(
    connxruntime_network *network, const char *name, int type, const int64_t *extents, size_t order,
    const void *data, size_t count, char *message);

/// Runs the network once. Returns 0, or another number with what is wrong in `message`.
int connxruntime_run(connxruntime_network *network, char *message);

/// Frees the network and its inputs; NULL is allowed.
void connxruntime_close(connxruntime_network *network);
